"""How fast recordings are read and binned, and what they give: `python -m benchmarks.recordings` writes a page."""

from __future__ import annotations

import argparse
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

import workbench as wb
from benchmarks.tables import markdown
from workbench.evaluation import evaluate
from workbench.events import formats
from workbench.events.event_arrays import EVENTS, Events
from workbench.machine import describe_machine
from workbench.network.architectures import shortcut_network
from workbench.study.main_job import BATCHES

PAGE = Path(__file__).parents[1] / "docs" / "recordings.md"
TEXT = Path(__file__).with_name("recordings.md")
MILLION = 1_000_000
ROUNDS = 9


def main() -> None:
    """Measure, write the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", metavar="FOLDER", help="N-MNIST recordings to read and learn as well")
    parser.add_argument("--cars", metavar="FILE", help="a recording of N-CARS to read as well")
    parser.add_argument("--seeds", type=int, default=3, help="trainings on them (default: 3)")
    options = parser.parse_args()
    numbers = {
        "formats": markdown(_list_formats()),
        "binning": markdown(_measure_binning()),
        "reading": markdown(_measure_reading()),
        "share": markdown(_measure_share()),
        "machine": describe_machine(),
        "learned": _learn(options.data, options.seeds) if options.data else "Not measured in this run.",
        "agreed": _agree(options.data, options.cars),
    }
    PAGE.write_text(TEXT.read_text(encoding="utf-8").format(**numbers), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))
    print(f"written to {PAGE}")


def some_events(count: int, sensor: tuple[int, int], seed: int = 0, span_us: int = 1_200_000) -> Events:
    """Random events in order of time."""
    rng = np.random.default_rng(seed)
    events = np.empty(count, dtype=EVENTS)
    events["t"], events["p"] = np.sort(rng.integers(0, span_us, count)), rng.integers(0, 2, count)
    events["y"], events["x"] = (rng.integers(0, size, count) for size in sensor)
    return events


def interleave(*functions: Callable[[], object]) -> list[float]:
    """Median seconds of each, called in turns after one call that is not counted."""
    seconds: list[list[float]] = [[] for _ in functions]
    for turn in range(ROUNDS + 1):
        for function, taken in zip(functions, seconds, strict=True):
            begin = time.perf_counter()
            function()
            if turn:
                taken.append(time.perf_counter() - begin)
    return [float(np.median(taken)) for taken in seconds]


def _list_formats() -> pd.DataFrame:
    rows = [{"format": one.name, "files": ", ".join(one.suffixes), "decoded by": one.reader} for one in formats.FORMATS]
    return pd.DataFrame(rows).set_index("format")


def _measure_binning() -> pd.DataFrame:
    """A million events into 96 ticks, by us and by tonic, in turns."""
    from tonic.transforms import ToFrame

    rows = []
    for sensor in ((34, 34), (128, 128)):
        events = some_events(MILLION, sensor)
        shape = (2, *sensor)
        recordings = wb.Recordings.from_events([events], [0], "a", shape, 8, 12, 1_200_000)
        theirs = ToFrame(sensor_size=(sensor[1], sensor[0], 2), time_window=12_500, include_incomplete=True)
        ours = recordings.as_ticks()[:, 0]
        np.testing.assert_array_equal(ours, np.concatenate([theirs(events), np.zeros_like(ours)])[:96])
        fast, slow = interleave(recordings.as_ticks, lambda f=theirs, e=events: f(e))
        rows.append(
            {
                "sensor": f"{sensor[0]} x {sensor[1]}",
                "workbench (ms)": round(1000 * fast, 1),
                "tonic ToFrame (ms)": round(1000 * slow, 1),
                "ratio": f"{slow / fast:.1f}",
            }
        )
    return pd.DataFrame(rows).set_index("sensor")


def _measure_reading() -> pd.DataFrame:
    """A folder of recordings read for the first time and again, and read against numpy's own reading of the arrays."""
    with tempfile.TemporaryDirectory() as folder:
        root, size = Path(folder), 20_000
        for i in range(100):
            path = root / f"class {i % 2}" / f"{i}.npy"
            path.parent.mkdir(exist_ok=True)
            np.save(path, some_events(size, (34, 34), i))
        begin = time.perf_counter()
        wb.load(root)
        first = time.perf_counter() - begin
        dataset = wb.load(root)
        (again,) = interleave(lambda: wb.load(root))
        (batch,) = interleave(lambda: dataset.train.as_ticks(slice(0, 32)))
    rows = {
        "load, first time": first,
        "load, again (from the cache, every byte checked)": again,
        "a batch of 32 in 96 ticks": batch,
    }
    return pd.DataFrame({"ms": (1000 * pd.Series(rows)).round(1)}).rename_axis("100 files of 20,000 events")


def _measure_share() -> pd.DataFrame:
    """Which share of a training is spent in binning recordings."""
    rows = []
    for name in ("motion", "digits"):
        dataset = wb.load(name)
        spent: list[float] = []
        as_ticks = wb.Recordings.as_ticks

        def timed(*arguments: object, as_ticks: Callable[..., object] = as_ticks, spent: list[float] = spent) -> object:
            begin = time.perf_counter()
            found = as_ticks(*arguments)
            spent.append(time.perf_counter() - begin)
            return found

        model = wb.Model(shortcut_network(dataset.shape, len(dataset.classes)), seed=0)
        with patch.object(wb.Recordings, "as_ticks", timed):
            begin = time.perf_counter()
            wb.train(model, dataset.train, epochs=2, progress=False)
            whole = time.perf_counter() - begin
        rows.append(
            {"set": name, "training (s)": round(whole, 1), "of it binning": f"{100 * sum(spent) / whole:.1f} %"}
        )
    return pd.DataFrame(rows).set_index("set")


def _agree(digits: str | None, cars: str | None) -> str:
    """How many events of real files agree, one by one, with a plain decoding of the same bytes."""
    words = []
    if digits:
        paths = sorted(Path(digits).rglob("*.bin"))
        found = 0
        for path in paths:
            rows = struct.iter_unpack(">BBBH", path.read_bytes())
            expected = [(x, y, (high & 127) << 16 | low, bool(high >> 7)) for x, y, high, low in rows]
            assert formats.read(path, (34, 34)).tolist() == expected, path
            found += len(expected)
        words.append(f"{found:,} events of {len(paths):,} files of N-MNIST")
    if cars:
        raw = Path(cars).read_bytes()
        rows = struct.iter_unpack("<II", raw[raw.index(b"\n\0\x08") + 3 :])
        expected = [(word & 0x3FFF, word >> 14 & 0x3FFF, time, bool(word >> 28 & 1)) for time, word in rows]
        assert formats.read(cars, (100, 120)).tolist() == expected
        words.append(f"{len(expected):,} events of a recording of N-CARS")
    return " and ".join(words) or "no real files in this run"


def _learn(root: str, seeds: int) -> str:
    """What the network of notebook 02 learns from a part of N-MNIST."""
    begin = time.perf_counter()
    dataset = wb.load("n-mnist", root)
    seconds = time.perf_counter() - begin
    epochs = min(60, max(2, round(BATCHES * 32 / len(dataset.train))))
    right = []
    for seed in range(seeds):
        model = wb.Model(shortcut_network(dataset.shape, len(dataset.classes)), seed=seed)
        ann, _ = wb.train(model, dataset, epochs=epochs, seed=seed, progress=False)
        right.append(100 * evaluate(ann, dataset)["accuracy"])
    each = ", ".join(f"{one:.1f}" for one in right)
    return (
        f"{len(dataset.train)} recordings to train and {len(dataset.test)} to test ({dataset.split}), loaded in "
        f"{seconds:.2f} s: the streaming ANN of notebook 02 answers {each} % of the test recordings correctly at the "
        f"last frame after {epochs} epochs (seeds 0 to {seeds - 1})."
    )


if __name__ == "__main__":
    main()
