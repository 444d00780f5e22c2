"""What training reaches: `python -m benchmarks.learning --data FOLDER` writes its part of docs/results.md.

Settings are chosen by cross-validation on training recordings (`--choose`), and the test parts are run once at the end.
What was measured is kept in build/learning, one file a training; what is there is not trained again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

import workbench as wb
from benchmarks.readme import write_block, write_sentences
from benchmarks.results import PAGE
from benchmarks.tables import markdown, spread
from workbench.atomic import replacing
from workbench.machine import describe_machine
from workbench.network.architectures import shortcut_network
from workbench.training import drawn_batches, fitting

KEPT = Path(__file__).parents[1] / "build" / "learning"
FOLDS = 4
SIZES = 100, 200, 400, 800, 1600
BATCHES = 800  # of every training of the learning curve, about, by which small parts are seen as often as large ones
LIF_TICKS = 4
LIF_EPOCHS = 12
ROUNDS = 7  # of the cost, each of both kinds in turn
SMALL_MOVES = [wb.transforms.Shift(2), wb.transforms.Rotate(5), wb.transforms.Scale(0.08), wb.transforms.Drop(0.1)]
MOVES = [wb.transforms.Shift(3), wb.transforms.Rotate(12), wb.transforms.Scale(0.12), wb.transforms.Drop(0.1)]


@dataclass(frozen=True)
class Setting:
    """How a network is trained, by name."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


LONG: dict[str, Any] = {"epochs": 80, "label_smoothing": 0.1}
CANDIDATES = [
    Setting("plain", {"epochs": 40}),
    Setting("smoothed", LONG),
    Setting("small moves", LONG | {"augment": SMALL_MOVES}),
    Setting("moves", LONG | {"augment": MOVES}),
    Setting("moves, averaged", LONG | {"augment": MOVES, "average": 0.98}),
    Setting("moves, dropout", LONG | {"augment": MOVES, "dropout": 0.1}),
    Setting("moves, cut out", LONG | {"augment": [*MOVES, wb.transforms.CutOut(8)]}),
]
CHOSEN = CANDIDATES[-1]  # by --choose, for both sets
LEAKS = 1, 2, 3, 4
LEAK = 1  # by --choose


def main() -> None:
    """Choose, or measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", metavar="FOLDER", help="N-MNIST recordings to learn as well")
    parser.add_argument("--choose", action="store_true", help="cross-validate the candidates, and print them")
    parser.add_argument("--seeds", type=int, default=5, help="trainings on N-MNIST (default: 5)")
    options = parser.parse_args()
    if options.choose:
        print(_choose(options.data))
        return
    parts = [
        f"Written by `make learning` on {describe_machine()}. Network of notebook 02, streaming, 8 frames, running "
        "answer at the last frame, in per cent; mean ± standard error over seeds of weights and training. Settings "
        "were fixed by cross-validation on training recordings (below); the test parts were run once.",
        *(_learn_nmnist(options.data, options.seeds) if options.data else []),
        *_draw_curve(),
        *_train_spiking(),
        *_measure_cost(),
        *_tell_choices(options.data),
    ]
    write_block("training", "\n\n".join(parts), PAGE)
    print(PAGE.read_text(encoding="utf-8").split("<!-- training -->")[1])


# the choice, on training recordings alone


def _choose(data: str | None) -> str:
    rows = [
        {"set": name, "setting": setting.name, "accuracy": round(100 * cross_validate(dataset.train, setting), 2)}
        for name, dataset in _sets(data).items()
        for setting in CANDIDATES
    ]
    rows += [
        {"set": "motion, spiking", "setting": f"leak={leak}", "accuracy": round(100 * _hold_out(leak), 2)}
        for leak in LEAKS
    ]
    return markdown(pd.DataFrame(rows).set_index("set"))


def _sets(data: str | None) -> dict[str, wb.Dataset]:
    found = {"n-mnist": wb.load("n-mnist", root=data)} if data else {}
    return found | {"motion": take_first(wb.load("motion"), 400)}


def take_first(dataset: wb.Dataset, count: int) -> wb.Dataset:
    """A data set of which so many recordings are learned, the same share of every class, drawn by seed 0."""
    if count >= len(dataset.train):
        return dataset
    part, _ = dataset.train.split(count / len(dataset.train), seed=0)
    return wb.Dataset(dataset.name, part, dataset.test, f"{dataset.split}; {len(part)} of them to learn")


def cross_validate(recordings: wb.Recordings, setting: Setting, seed: int = 0) -> float:
    """The accuracy at the last frame on recordings that were held back, each once, in `FOLDS` folds."""
    folds = np.random.default_rng(seed).permutation(len(recordings)) % FOLDS
    right = 0.0
    for fold in range(FOLDS):
        held_back = recordings[folds == fold]
        part = wb.Dataset(recordings.name, recordings[folds != fold], held_back, f"fold {fold} of {FOLDS}")
        name = f"{recordings.name}, {setting.name}, fold {fold}"
        found = remember(name, setting.options, lambda part=part: _answer(_train(part, setting.options, seed), part))
        right += len(held_back) * found["ANN"]
    return right / len(recordings)


def _hold_out(leak: int) -> float:
    """The accuracy of a network with this leak on a fifth of the training recordings of motion, held back."""
    dataset = wb.load("motion", ticks_per_frame=LIF_TICKS)
    held_back, seen = dataset.train.split(0.2, seed=0)
    part = wb.Dataset("motion", seen, held_back, "a fifth of the training part held back")
    name = f"motion, spiking, leak {leak}, held out"
    return remember(name, {"epochs": LIF_EPOCHS}, lambda: _answer(_train_leaky(part, leak, seed=0), part))["ANN"]


# the trainings


def _train(dataset: wb.Dataset, options: Mapping[str, Any], seed: int) -> wb.Model:
    network = shortcut_network(dataset.shape, len(dataset.classes)).streaming()
    return wb.train(wb.Model(network, seed=seed), dataset, progress=False, seed=seed, **options)[0]


def _train_leaky(dataset: wb.Dataset, leak: int, seed: int) -> wb.Model:
    network = shortcut_network(dataset.shape, len(dataset.classes)).streaming().slowed(LIF_TICKS)
    neuron = wb.LeakyIntegrateAndFire(leak=leak)
    model = wb.Model(network, seed=seed, neuron=neuron, ticks_per_frame=LIF_TICKS)
    return wb.train(model, dataset, epochs=LIF_EPOCHS, progress=False, seed=seed)[0]


def _answer(model: wb.Model, dataset: wb.Dataset) -> dict[str, float]:
    return {"ANN": wb.evaluate(model, dataset, progress=False)["accuracy"]}


def _answer_both(ann: wb.Model, dataset: wb.Dataset) -> dict[str, float]:
    """The ANN and its default SNN."""
    snn = wb.convert(ann, dataset, progress=False)
    return _answer(ann, dataset) | {"SNN": wb.evaluate(snn, dataset, progress=False)["accuracy"]}


def remember(name: str, options: Mapping[str, Any], measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What was measured under this name with these options, in build/learning; measured now where it was not."""
    digest = hashlib.blake2b(f"{name} {options}".encode(), digest_size=8).hexdigest()
    path = KEPT / f"{digest}.json"
    if not path.exists():
        found = json.dumps({"name": name, "options": str(options), "found": measure()})
        with replacing(path) as aside:
            aside.write_text(found, encoding="utf-8")
    kept: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))["found"]
    return kept


# the sections


def _learn_nmnist(data: str, seeds: int) -> list[str]:
    dataset = wb.load("n-mnist", root=data)
    rows = []
    for setting in (CANDIDATES[0], CHOSEN):
        for seed in range(seeds):
            found = remember(
                f"n-mnist, {setting.name}, both, seed {seed}", setting.options,
                lambda s=seed, o=setting.options: _answer_both(_train(dataset, o, s), dataset),
            )  # fmt: skip
            rows.append({"setting": setting.name, **found})
    table = pd.DataFrame(rows)
    write_sentences("learning", _tell_nmnist(dataset, table, seeds))
    lines = [
        {
            "setting": name,
            "ANN": spread(100 * part["ANN"]),
            "its SNN": spread(100 * part["SNN"]),
            "SNN less ANN": spread(100 * (part["SNN"] - part["ANN"])),
            "ANN by seed": ", ".join(f"{100 * value:.0f}" for value in part["ANN"]),
            "SNN by seed": ", ".join(f"{100 * value:.0f}" for value in part["SNN"]),
        }
        for name, part in table.groupby("setting", sort=False)
    ]
    return [
        f"## N-MNIST, {len(dataset.train)} recordings to learn and {len(dataset.test)} to test",
        f"{seeds} seeds; the SNN is the default conversion with 12 ticks a frame. One test recording is a point.",
        markdown(pd.DataFrame(lines).set_index("setting")),
    ]


def _tell_nmnist(dataset: wb.Dataset, table: pd.DataFrame, seeds: int) -> str:
    """What augmentation is worth on real recordings, for the README."""
    means = 100 * table.groupby("setting", sort=False)[["ANN", "SNN"]].mean()
    plain, moved = means.loc[CANDIDATES[0].name], means.loc[CHOSEN.name]
    return (
        f"Of {len(dataset.train)} real recordings of N-MNIST the network of notebook 02 learns to answer "
        f"{plain['ANN']:.1f} % of {len(dataset.test)} others as they are, {moved['ANN']:.1f} % where they are moved, "
        f"turned, scaled and thinned anew in every epoch, and its default SNN {moved['SNN']:.1f} % (means of {seeds} "
        "seeds, settings fixed by cross-validation, [docs/results.md](docs/results.md), by `make learning`)."
    )


def _draw_curve() -> list[str]:
    """Motion with and without augmentation, by the number of recordings to learn."""
    rows = []
    for size in SIZES:
        dataset = take_first(wb.load("motion"), size)
        plain = {"epochs": round(BATCHES / np.ceil(len(dataset.train) / 32))}
        for name, options in (("as they are", plain), ("moved", plain | {"augment": CHOSEN.options["augment"]})):
            for seed in range(3):
                found = remember(
                    f"motion, {size}, {name}, seed {seed}", options,
                    lambda d=dataset, o=options, s=seed: _answer(_train(d, o, s), d),
                )  # fmt: skip
                rows.append({"recordings": size, "kind": name, "accuracy": 100 * found["ANN"]})
    table = pd.DataFrame(rows).groupby(["kind", "recordings"], sort=False)["accuracy"].agg(spread).unstack()
    return [
        "## Motion, fewer recordings",
        f"Streaming ANN, 3 seeds, about {BATCHES} batches each, by how many recordings it learned, as they are or "
        f"moved anew in every epoch (`augment={CHOSEN.options['augment']}`):",
        markdown(table.rename_axis("recordings to learn")),
    ]


def _train_spiking() -> list[str]:
    """A leaky network from scratch beside the converted one, both with the same ticks."""
    dataset = wb.load("motion", ticks_per_frame=LIF_TICKS)
    kinds: dict[str, Callable[[int], wb.Model]] = {
        f"leaky, from scratch (leak={LEAK})": lambda seed: _train_leaky(dataset, LEAK, seed),
        "converted": lambda seed: _convert_few(dataset, seed),
        f"converted, ANN with levels={LIF_TICKS}": lambda seed: _convert_few(dataset, seed, levels=LIF_TICKS),
    }
    rows = []
    for kind, make in kinds.items():
        for seed in range(3):
            found = remember(
                f"motion, {LIF_TICKS} ticks, {kind}, seed {seed}", {"epochs": LIF_EPOCHS},
                lambda m=make, s=seed: _count(m(s), dataset),
            )  # fmt: skip
            rows.append({"SNN": kind, **found})
    by_kind = pd.DataFrame(rows).groupby("SNN", sort=False)
    table = pd.DataFrame(
        {
            "accuracy": by_kind["accuracy"].agg(lambda values: spread(100 * values)),
            "synaptic operations (k)": by_kind["operations"].agg(lambda values: spread(values / 1000, 0)),
            "neuron updates (k)": by_kind["updates"].agg(lambda values: f"{values.mean() / 1000:.0f}"),
        }
    )
    return [
        f"## Spiking from scratch, {LIF_TICKS} ticks a frame",
        f"Motion, {len(dataset.train)} recordings, {LIF_EPOCHS} epochs, 3 seeds: `wb.train` of a model with "
        "`LeakyIntegrateAndFire` neurons by surrogate gradients, beside the default conversion of the ANN, whose "
        "delays and number of weights are the same. Operations are per test recording.",
        markdown(table),
    ]


def _convert_few(dataset: wb.Dataset, seed: int, **options: Any) -> wb.Model:
    return wb.convert(_train(dataset, {"epochs": LIF_EPOCHS, **options}, seed), dataset, progress=False)


def _count(model: wb.Model, dataset: wb.Dataset) -> dict[str, float]:
    last = wb.compare({"it": model}, dataset, progress=False).iloc[-1]
    counted = {"accuracy": "accuracy", "operations": "synaptic_operations", "updates": "neuron_updates"}
    return {name: float(last[column]) for name, column in counted.items()}


def _measure_cost() -> list[str]:
    """What augmentation costs in an epoch: the same epochs with and without it, in turns."""
    dataset = take_first(wb.load("motion"), 400)
    kinds: dict[str, dict[str, Any]] = {"plain": {}, "moved": {"augment": CHOSEN.options["augment"]}}
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    waits: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(ROUNDS + 1):  # the first of which is not counted
        for kind, options in kinds.items():
            waited = [0.0]
            with patch.object(fitting, "draw_batches", partial(_draw_timed, waited)):
                begin = time.perf_counter()
                _train(dataset, {"epochs": 2, **options}, seed=number)
                taken = time.perf_counter() - begin
            times[kind] += [taken] if number else []
            waits[kind] += [waited[0] / taken] if number else []
    ratio = statistics.median(moved / plain for moved, plain in zip(times["moved"], times["plain"], strict=True))
    share = {kind: 100 * statistics.median(values) for kind, values in waits.items()}
    return [
        "## What augmentation costs",
        f"An epoch of 400 recordings of motion, moved in the same way, takes {ratio:.2f} times what it takes as "
        f"they are (median of {ROUNDS} pairs of trainings of two epochs, in turns). Training waits for its batches for "
        f"{share['moved']:.1f} % of the time, {share['plain']:.1f} % as they are: the next is made meanwhile.",
    ]


def _draw_timed(waited: list[float], *arguments: Any) -> Iterator[Any]:
    """The batches of an epoch; how long they were waited for is added up."""
    batches = drawn_batches.draw_batches(*arguments)
    while True:
        begin = time.perf_counter()
        drawn = next(batches, None)
        waited[0] += time.perf_counter() - begin
        if drawn is None:
            return
        yield drawn


def _tell_choices(data: str | None) -> list[str]:
    options = {setting.name: ", ".join(f"{k}={v}" for k, v in setting.options.items()) for setting in CANDIDATES}
    return [
        "## How the settings were chosen",
        f"Accuracy on training recordings that were held back, {FOLDS} folds (400 recordings of each set; a fifth of "
        "the 1,600 of motion for the leak), by `python -m benchmarks.learning --choose`:",
        _choose(data),
        "\n".join(f"- {name}: `{value}`" for name, value in options.items()),
    ]


if __name__ == "__main__":
    main()
