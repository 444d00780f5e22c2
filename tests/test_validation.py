"""Whole numbers: numpy's are as good as Python's wherever one is asked for, and what is none is refused in words."""

import json

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support import tiny
from workbench.events.online_binning import stream_ticks
from workbench.events.transforms import transforms
from workbench.network import architectures
from workbench.training.options import TrainingOptions

TICKS = np.ones((6, 2, 1, 2, 2), dtype=int)
NETWORK = wb.Network({"eye": (1, 2, 2)}, [wb.Edge("eye", "v1", wb.Dense(3)), wb.Edge("v1", "hand", wb.Dense(2))])
EVENTS = np.array([(1, 0, 250, True)], dtype=[*zip("xytp", ("i2", "i2", "i8", "?"), strict=True)])
OPTIONS = {"epochs": 1, "batch": 2, "learning_rate": 0.1, "weight_decay": 0.0, "answer": "running", "seed": 0}
TAKERS = {
    "Conv channels": lambda n: wb.Conv(n, kernel=3),
    "Conv kernel": lambda n: wb.Conv(2, kernel=n),
    "Conv stride": lambda n: wb.Conv(2, kernel=3, stride=n),
    "Conv groups": lambda n: wb.Conv(3, kernel=3, groups=n),
    "Conv kernel pair": lambda n: wb.Conv(2, kernel=(n, 1)),
    "Conv1d kernel": lambda n: wb.Conv1d(2, kernel=n),
    "Dense": wb.Dense,
    "Pool": wb.Pool,
    "Pool pair": lambda n: wb.Pool((2, n)),
    "Edge delay": lambda n: wb.Edge("a", "b", wb.Dense(2), delay=n),
    "Network inputs": lambda n: wb.Network({"eye": (n, 2, 2)}, [wb.Edge("eye", "hand", wb.Dense(2))]),
    "slowed": NETWORK.slowed,
    "Rollout": lambda n: wb.Rollout(NETWORK, frames=n),
    "QuantisedReLU": wb.QuantisedReLU,
    "IntegrateAndFire burst": lambda n: wb.IntegrateAndFire(burst=n),
    "IntegrateAndFire cap": lambda n: wb.IntegrateAndFire(emission="burst", cap=n, ticks_per_frame=5),
    "Model seed": lambda n: wb.Model(NETWORK, seed=n),
    "Model ticks_per_frame": lambda n: wb.Model(NETWORK, ticks_per_frame=n),
    "run block": lambda n: wb.Model(NETWORK, norm=None).eval().run(torch.ones(6, 2, 1, 2, 2), block=n),
    "stream batch": lambda n: wb.Model(NETWORK).eval().stream(batch=n),
    "from_ticks ticks_per_frame": lambda n: wb.Recordings.from_ticks(TICKS, [0, 1], ticks_per_frame=n),
    "from_ticks tick_us": lambda n: wb.Recordings.from_ticks(TICKS, [0, 1], tick_us=n),
    "rebin frames": lambda n: wb.Recordings.from_ticks(TICKS, [0, 1]).rebin(frames=n),
    "as_ticks": lambda n: wb.Recordings.from_ticks(TICKS, [0, 1]).as_ticks(ticks_per_frame=n),
    "stream_ticks": lambda n: list(stream_ticks([EVENTS], (2, 2, 2), tick_us=n)),
    "load frames": lambda n: wb.load({"a": [EVENTS] * 2}, frames=n),
    "TrainingOptions epochs": lambda n: TrainingOptions(**OPTIONS | {"epochs": n}),
    "TrainingOptions seed": lambda n: TrainingOptions(**OPTIONS | {"seed": n}),
    "TrainingOptions levels": lambda n: TrainingOptions(**OPTIONS | {"levels": n}),
    "convert": lambda n: wb.convert(tiny.ann(), tiny.recordings(), percentile=99.9, ticks_per_frame=n),
    "dsr": architectures.dsr,
    "toy_network": lambda n: architectures.toy_network(classes=n),
    "densenet": lambda n: architectures.densenet((2, 34, 34), 3, depth=n),
    "Downsample": transforms.Downsample,
    "Refractory": transforms.Refractory,
    "Crop": lambda n: transforms.Crop(n, 2),
}
MAY_BE_WRITTEN_AS_FLOATS = {"from_ticks ticks_per_frame", "from_ticks tick_us", "rebin frames", "as_ticks",
                            "stream_ticks", "load frames"}  # fmt: skip


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.uint64])
@pytest.mark.parametrize("taker", TAKERS)
def test_whole_numbers_of_numpy_are_whole_numbers(taker, kind):
    ours, plain = TAKERS[taker](kind(3)), TAKERS[taker](3)
    assert repr(ours) == repr(plain) or "object at" in repr(ours)
    if isinstance(ours, wb.Network):
        assert json.loads(ours.to_json()) == json.loads(plain.to_json())
        assert ours == plain


@pytest.mark.parametrize("wrong", [True, np.True_, 2.5, np.float32(2.5), float("nan"), "3", [3], -3], ids=repr)
@pytest.mark.parametrize("taker", TAKERS)
def test_what_is_no_whole_number_is_refused_in_words(taker, wrong):
    with pytest.raises(ValueError, match=r"whole|shape .* must be a tuple"):
        TAKERS[taker](wrong)


@pytest.mark.parametrize("taker", sorted(set(TAKERS) - MAY_BE_WRITTEN_AS_FLOATS))
def test_a_float_is_no_whole_number(taker):
    with pytest.raises(ValueError, match=r"whole|shape .* must be a tuple"):
        TAKERS[taker](3.0)


@pytest.mark.parametrize("taker", sorted(MAY_BE_WRITTEN_AS_FLOATS))
def test_times_and_numbers_of_steps_may_be_written_as_floats(taker):
    assert repr(TAKERS[taker](3.0)) == repr(TAKERS[taker](3))


@pytest.mark.parametrize("seed", [-1, 1 << 63, np.int64(-5), 1.5, True, "0"])
@pytest.mark.parametrize("taker", ["Model seed", "TrainingOptions seed"])
def test_a_seed_that_is_none_is_refused_in_words(taker, seed):
    with pytest.raises(ValueError, match=r"seed=.* must be a whole number from 0 to 9223372036854775807"):
        TAKERS[taker](seed)


@pytest.mark.parametrize("seed", [-1, 1 << 63, 1.5, True, "0", None])
@pytest.mark.parametrize(
    "act",
    [
        lambda seed: wb.load({"a": [EVENTS] * 2}, seed=seed),
        lambda seed: wb.load("digits", seed=seed),
        lambda seed: tiny.recordings(6).split(0.5, seed),
        lambda seed: wb.Camera(seed=seed),
        lambda seed: wb.Camera().record(np.ones((2, 3, 3)), [0, 1], seed=seed),
        lambda seed: wb.Camera().record_many(np.ones((1, 2, 3, 3)), [0, 1], seeds=[seed]),
        lambda seed: transforms.Drop(0.5)(EVENTS, (2, 2), seed),
        lambda seed: transforms.Drop(0.5)(EVENTS, (2, 2), [3, seed]),
        lambda seed: wb.calibrate_exit(tiny.ann(), tiny.recordings(30), loss=0.5, certainty=0.5, seed=seed),
        lambda seed: wb.train(tiny.ann(), tiny.recordings(6), seed=seed, progress=False),
        lambda seed: wb.fine_tune(tiny.snn(), tiny.recordings(6), seed=seed, progress=False),
    ],
)
def test_every_seed_is_looked_at(act, seed):
    with pytest.raises(ValueError, match=r"seed.* must be a whole number from 0 to 9223372036854775807"):
        act(seed)


def test_seeds_of_numpy_are_seeds():
    drawn = [tiny.recordings(12).split(0.5, seed)[0].labels.tolist() for seed in (7, np.int64(7), np.uint8(7))]
    assert drawn[0] == drawn[1] == drawn[2]
    events = np.repeat(EVENTS, 50)
    kept = [len(transforms.Drop(0.5)(events, (2, 2), seed)[0]) for seed in (7, np.int64(7), [np.int32(7)])]
    assert kept[0] == kept[1] == kept[2]
