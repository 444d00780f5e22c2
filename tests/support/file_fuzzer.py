"""Files of the workbench broken at random: whatever they hold, reading ends soon, in an equal object or in words.

python -m tests.support.file_fuzzer --kind ann --count 10000 breaks so many files of a kind, in this process. The
outcomes are counted: *equal* to what was written, *as written* by whoever changed the file and sealed it again with a
right checksum, or *refused*. Anything else is an error, with the number of the file to try it alone (--only).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from safetensors.torch import load_file, save

import workbench as wb
from tests.support import exact_models, tiny
from tests.support.mutations import mutate, mutate_data, mutate_tensors, say_twice, write_json
from tests.support.random_networks import random_model, random_network, random_spiking
from workbench.conversion import ConversionOptions
from workbench.engine import NEURONS
from workbench.exchange.tensor_files import find_checksum, read_header
from workbench.model import Grid, InputEncoding
from workbench.training import fitting
from workbench.training.checkpoints import Checkpoint, TrainingState
from workbench.training.identity import identify
from workbench.training.options import TrainingOptions

ROOT = Path(__file__).parents[2]
SLOWEST_S = 5
LARGEST_STEP = 200 * 2**20
MOST_ADDRESSES = 4 * 2**30  # beyond which nothing is given, so that a huge request is refused; libraries take some
VARIETIES = 6  # of good files of a kind


@dataclass(frozen=True)
class Kind:
    """A kind of files: how a good one is made, by number, and read, and what makes two things read the same.

    `break_inside` breaks what the bytes mean, so that it is well sealed; `agrees` tells whether what was read from such
    a file is what it says.
    """

    make: Callable[[int], bytes]
    load: Callable[[Path], Any]
    same: Callable[[Any, Any], bool]
    break_inside: Callable[[np.random.Generator, bytes], bytes] = mutate
    agrees: Callable[[Any, Path], bool] = lambda found, path: False


# files of tensors


def split_file(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file, and the bytes after it."""
    end = 8 + struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8:end]), raw[end:]


def join_file(header: str, rest: bytes) -> bytes:
    """A safetensors file with such a header."""
    text = header.encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + rest


def seal(said: Any, tensors: Mapping[str, torch.Tensor]) -> bytes:
    """A file that says so, with a right checksum where there is one for it."""
    if isinstance(said, dict):
        try:
            said["checksum"] = find_checksum(said["kind"], said["description"], tensors)
        except (KeyError, TypeError, ValueError, RecursionError, AttributeError):
            said = {**said, "checksum": "0" * 64}
    return save(dict(tensors), metadata={"workbench": write_json(said)})


def break_sealed(rng: np.random.Generator, raw: bytes) -> bytes:
    """Break what a file of tensors says, or its tensors, mostly with a right checksum behind it."""
    header, rest = split_file(raw)
    said, kind = json.loads(header["__metadata__"]["workbench"]), int(rng.integers(10))
    if kind == 0:  # the header of safetensors itself, types, shapes and places
        return join_file(write_json(mutate_data(rng, header)), rest)
    if kind == 1:
        header["__metadata__"]["workbench"] = say_twice(rng, header["__metadata__"]["workbench"])
        return join_file(json.dumps(header), rest)
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(raw)
        file.flush()
        tensors = load_file(file.name)
    if kind == 2:
        return seal(mutate_data(rng, said), tensors)
    if kind in (3, 4, 5):
        return seal(said, mutate_tensors(rng, tensors))
    said["description"] = mutate_data(rng, said["description"])
    return seal(said, tensors)


def same_numbers(a: Mapping[str, torch.Tensor], b: Mapping[str, torch.Tensor]) -> bool:
    """Whether tensors have the same names, types, shapes and bits."""
    return list(a) == list(b) and all(
        a[n].dtype == b[n].dtype
        and a[n].shape == b[n].shape
        and torch.equal(a[n].reshape(-1).view(torch.uint8), b[n].reshape(-1).view(torch.uint8))
        for n in a
    )


def sort_names(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensors[name].detach() for name in sorted(tensors)}


def same_model(a: wb.Model, b: wb.Model) -> bool:
    """Whether two models are equal in every respect."""
    names = ["network", "norm", "neuron", "exceptions", "ticks_per_frame", "input_encoding", "trained_network"]
    names += ["scales", "training_recipe", "conversion_options", "grid", "provenance", "training"]
    return all(getattr(a, name) == getattr(b, name) for name in names) and same_numbers(a.state_dict(), b.state_dict())


def is_as_said(model: wb.Model, path: Path) -> bool:
    """Whether a model is what its file says, field by field; and what is saved of it comes back."""
    said = read_header(path, "model").description

    def neuron(its: Mapping[str, Any]) -> Any:
        return NEURONS[its["type"]](**{name: value for name, value in its.items() if name != "type"})

    network, trained = wb.Network.from_json(said["network"]), said["trained_network"]
    neurons = {node: neuron(said["neurons"].get(node, said["neuron"])) for node in network.hidden}
    scales = said["scales"] and {n: tuple(s) if isinstance(s, list) else s for n, s in said["scales"].items()}
    pairs = [
        (model.network, network),
        (model.node_neurons, neurons),
        (model.norm, said["norm"]),
        (model.ticks_per_frame, said["ticks_per_frame"]),
        (model.input_encoding, InputEncoding(**(said["input_encoding"] or {}))),
        (model.trained_network, trained and wb.Network.from_json(trained)),
        (model.scales, scales),
        (model.training_recipe, said["training_recipe"]),
        (model.conversion_options, said["recipe"] and ConversionOptions(**said["recipe"])),
        (model.grid, said["grid"] and Grid(**said["grid"])),
        (model.provenance.seed, said["provenance"]["seed"]),
        ([asdict(one) for one in model.provenance.trainings], said["provenance"]["trainings"]),
    ]
    again = path.with_name("again")
    wb.save_model(model, again, history=wb.describe_model_file(path).history)
    return (
        all(found == expected for found, expected in pairs)
        and same_numbers(sort_names(model.state_dict()), sort_names(load_file(path)))
        and same_model(wb.load_model(again), model)
    )


def read_whole(save_one: Callable[[Path], Any]) -> bytes:
    """The bytes that a function writes to a path."""
    with tempfile.TemporaryDirectory() as folder:
        save_one(Path(folder) / "file")
        return (Path(folder) / "file").read_bytes()


def make_ann(number: int) -> bytes:
    """An ANN: with batch norm or without, of float64 or float32, with learned ceilings, an encoding, a history."""
    network = random_network(number)
    model = random_model(network, number, "batch" if number % 2 else None)
    history = None
    if number % 3 == 0:
        options = {"epochs": 1, "batch": 6, "progress": False, "levels": 4 if number % 2 else None}
        fresh = wb.Model(tiny.network(), seed=number, input_factor=0.5)
        model, history = wb.train(fresh, tiny.recordings(12), label_smoothing=0.1, **options)
    return read_whole(lambda path: wb.save_model(model, path, history=history))


def make_snn(number: int) -> bytes:
    """An SNN: converted with drawn options, or trained itself with a neuron for every node."""
    make = exact_models.some_trained if number % 3 == 0 else exact_models.some_snn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, _ = make(number)
    return read_whole(lambda path: wb.save_model(model, path))


# checkpoints


@cache
def begin_training(number: int) -> tuple[wb.Model, wb.Recordings, dict[str, Any]]:
    """A model, what it learns, and how."""
    options = {"optimizer": ["adamw", "sgd"][number % 2], "average": [None, 0.9][number // 2 % 2]}
    return wb.Model(tiny.network(), seed=number), tiny.recordings(12), options


def make_checkpoint(number: int) -> bytes:
    """The checkpoint of a training after one of its two epochs."""
    model, recordings, options = begin_training(number)

    def train(path: Path) -> None:
        stop = {"callback": lambda update: update.epoch == 2}
        wb.train(model, recordings, epochs=2, batch=6, progress=False, checkpoint=path, **options, **stop)

    return read_whole(train)


def resume(path: Path) -> TrainingState:
    """The training that stands in a file beside its number."""
    model, recordings, changed = begin_training(int(path.with_name("number").read_text()))
    options = TrainingOptions(2, 6, 4e-3, 1e-2, "running", 0, **changed)
    with torch.inference_mode(False), torch.enable_grad():
        state = fitting._begin(model, recordings, options)
        Checkpoint(path, identify(model, recordings, None, options.describe()), options.optimizer).resume(state)
    return state


def numbers_of(state: TrainingState) -> dict[str, torch.Tensor]:
    """Every tensor of a training, as a checkpoint calls them."""
    found = {f"{prefix}{n}": v for prefix, model in state.models().items() for n, v in model.state_dict().items()}
    moments = state.optimizer.state_dict()["state"]
    found |= {f"optimizer.{place}.{name}": v for place, held in moments.items() for name, v in held.items()}
    return sort_names(found)


def same_training(a: TrainingState, b: TrainingState) -> bool:
    """Whether two trainings go on alike."""
    return a.history == b.history and same_numbers(numbers_of(a), numbers_of(b))


def is_training_as_said(state: TrainingState, path: Path) -> bool:
    """Whether a training is what its file says."""
    said = read_header(path, "checkpoint").description
    return state.history == said["history"] and same_numbers(numbers_of(state), sort_names(load_file(path)))


# networks


def break_network(rng: np.random.Generator, raw: bytes) -> bytes:
    """Break what a network says."""
    text = raw.decode()
    broken = say_twice(rng, text) if rng.random() < 0.1 else write_json(mutate_data(rng, json.loads(text)))
    return broken.encode("utf-8", "surrogatepass")


# graphs of NIR


def make_graph(number: int) -> bytes:
    """The file of an SNN: of an image, flat or a signal, with loops and delays."""
    network = random_network(number, flat=number % 3 == 1, signal=number % 3 == 2)
    model = random_spiking(network, number, start=0.25, burst=1 + number % 2)
    return read_whole(lambda path: wb.to_nir(model, path, tick_s=[1.0, 1e-3][number % 2]))


def break_graph(rng: np.random.Generator, raw: bytes) -> bytes:
    """Break what a graph says: one of its arrays or texts is another, of another shape or type, or gone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph"
        path.write_bytes(raw)
        with h5py.File(path, "r+") as file:
            for _ in range(int(rng.integers(1, 3))):
                items: list[str] = []
                file.visit(items.append)
                name = items[rng.integers(len(items))]
                item = file[name]
                if isinstance(item, h5py.Dataset) and rng.random() < 0.85:
                    value = mutate_array(rng, item[()])
                    del file[name]
                    file[name] = value
                else:
                    del file[name]
        return path.read_bytes()


def mutate_array(rng: np.random.Generator, value: Any) -> Any:
    """Another value, shape or type."""
    if isinstance(value, bytes):
        return [b"", b"NIRGraph", b"IF", b"Delay", b"zero", value * 2, 3, np.ones(2)][rng.integers(8)]
    array = np.array(value)
    choice = int(rng.integers(7))
    if choice == 0:
        return array.reshape(-1)
    if choice == 1:
        return np.array([array, array])
    if choice == 2:
        return [b"text", 10**18, -1, 0, 0.5, np.nan, np.inf, np.zeros(0)][rng.integers(8)]
    if array.dtype.kind not in "iuf" or not array.size:
        return 7
    odd = array.astype(float).reshape(-1)
    odd[rng.integers(odd.size)] = rng.choice([0, -1, 1, 1e30, np.nan, 0.5, 2**40])
    changed = odd.reshape(array.shape)
    return changed if choice < 5 else array.astype([np.int64, np.float16, np.uint8, bool][rng.integers(4)])


def same_graph(a: wb.Model, b: wb.Model) -> bool:
    """Whether two models read from graphs are equal."""
    names = ["network", "node_neurons", "ticks_per_frame", "grid"]
    return all(getattr(a, name) == getattr(b, name) for name in names) and same_numbers(a.state_dict(), b.state_dict())


def read_graph(path: Path) -> wb.Model:
    """What a file says; warnings of late biases and the like are none of this test's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wb.from_nir(path)


def comes_back(model: wb.Model, path: Path) -> bool:
    """Whether what was read is written and read again as it is."""
    again = path.with_name("again")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wb.to_nir(model, again)
    found = read_graph(again)
    return found.network == model.network and found.node_neurons == model.node_neurons


KINDS: dict[str, Kind] = {
    "nir": Kind(make_graph, read_graph, same_graph, break_graph, comes_back),
    "ann": Kind(make_ann, wb.load_model, same_model, break_sealed, is_as_said),
    "snn": Kind(make_snn, wb.load_model, same_model, break_sealed, is_as_said),
    "checkpoint": Kind(make_checkpoint, resume, same_training, break_sealed, is_training_as_said),
    "network": Kind(
        lambda number: random_network(number).to_json().encode(),
        wb.Network.load,
        lambda a, b: a == b,
        break_network,
        lambda found, path: wb.Network.from_json(found.to_json()) == found,
    ),
}
"""Every kind of file by name; a line more is a kind more."""
SEALED = {"ann", "snn", "checkpoint"}
"""Those with a checksum: what is broken without it is refused, or changes nothing."""


def stop(signum: int, frame: Any) -> None:
    raise TimeoutError(f"reading took more than {SLOWEST_S} s")


def most_held() -> int:
    """The most bytes that this process has held at once."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def attempt(kind: Kind, path: Path, expected: Any, sealed: bool) -> str:
    """Read one broken file: what became of it; AssertionError, or whatever else was raised, where that is none."""
    held, found, refusal = most_held(), None, None
    signal.alarm(SLOWEST_S)
    try:
        found = kind.load(path)
    except (ValueError, OSError) as error:
        refusal = error
    finally:
        signal.alarm(0)
    assert most_held() - held < LARGEST_STEP, f"reading took {most_held() - held:,} bytes"
    if refusal is not None:
        assert not isinstance(refusal, UnicodeError | TimeoutError), repr(refusal)
        assert str(path) in str(refusal), f"{refusal} does not name its file"
        return "refused"
    if kind.same(found, expected):
        return "equal"
    assert not sealed, "another object, although nobody sealed it again"
    assert kind.agrees(found, path), "what was read is not what the file says"
    return "as written"


def fuzz(name: str, count: int, seed: int, folder: Path, only: int | None = None) -> Counter[str]:
    """Break `count` files of a kind and read them; how often what became of them. The last file is left in `folder`."""
    kind, outcomes, path = KINDS[name], Counter[str](), folder / "broken"
    good = [kind.make(number) for number in range(VARIETIES)]
    expected = []
    for number, raw in enumerate(good):
        path.write_bytes(raw)
        path.with_name("number").write_text(str(number))
        expected.append(kind.load(path))
    signal.signal(signal.SIGALRM, stop)
    room = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MOST_ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    for number in range(count) if only is None else [only]:
        rng, variety = np.random.default_rng([seed, *name.encode(), number]), number % VARIETIES
        inside = number % 5 > 1  # in three of five cases what the bytes mean, else the bytes
        raw = (kind.break_inside if inside else mutate)(rng, good[variety])
        path.write_bytes(raw)
        path.with_name("number").write_text(str(variety))
        try:
            outcomes[attempt(kind, path, expected[variety], name in SEALED and not inside)] += 1
        except BaseException as error:
            where = f"python -m tests.support.file_fuzzer --kind {name} --seed {seed} --only {number}"
            raise AssertionError(f"{where}: {type(error).__name__}: {error}") from error
    return outcomes


def fuzz_apart(name: str, count: int, seed: int, folder: Path) -> Counter[str]:
    """`fuzz` in a process of its own, whose memory is limited; AssertionError with its last words where it fails."""
    command = [sys.executable, "-m", "tests.support.file_fuzzer", "--kind", name]
    command += ["--count", str(count), "--seed", str(seed), "--folder", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=300 + count,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, f"{name} ended with {done.returncode}, see {folder}: {done.stderr[-3000:]}"
    return Counter(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=list(KINDS), required=True)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = given.folder or Path(tempfile.mkdtemp(prefix=f"fuzz-{given.kind}-"))
    print(json.dumps(fuzz(given.kind, given.count, given.seed, folder, given.only)))


if __name__ == "__main__":
    main()
