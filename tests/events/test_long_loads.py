"""Loads that take long: what is shown meanwhile, and what an interrupt leaves behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from workbench import progress
from workbench.events.event_arrays import EVENTS
from workbench.events.sources import digits, motion

ROOT = Path(__file__).parents[2]
PROMPT_S = 0.5


def fill(folder: Path, recordings: int, count: int) -> Path:
    """A set of two classes, each of so many recordings of so many events."""
    for label, kind in enumerate("ab"):
        (folder / kind).mkdir(parents=True)
        for number in range(recordings):
            rng, events = np.random.default_rng([label, number]), np.zeros(count, EVENTS)
            events["t"], events["x"] = np.sort(rng.integers(0, 10_000, count)), rng.integers(0, 9, count)
            np.save(folder / kind / f"{number}.npy", events)
    return folder


class Listed:
    """What every data set of tonic offers."""

    sensor_size = (9, 9, 2)
    classes = ("a", "b")

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return np.array([(index % 9, 0, 5, 1)], EVENTS), index % 2


@pytest.fixture
def shown(monkeypatch, capsys):
    """A function that says which bars were shown since it was called last, whole ones alone."""
    monkeypatch.setattr(progress, "DELAY_S", 0)
    monkeypatch.setattr(progress, "is_watched", lambda: True)

    def look() -> list[str]:
        lines = capsys.readouterr().err.replace("\r", "\n").split("\n")
        return [line.split(":")[0] for line in lines if "100%" in line]

    return look


def test_every_stage_of_a_load_shows_a_bar_and_none_is_shown_where_it_is_silenced(tmp_path, shown):
    fill(tmp_path / "set", 5, 10)
    wb.load(tmp_path / "set", progress=False)
    assert shown() == []
    wb.load(tmp_path / "set", window_us=5000)
    assert list(dict.fromkeys(shown()))[:2] == ["measure recordings", "read set train"]
    wb.load(tmp_path / "set", window_us=5000)
    (checked, *_) = shown()
    assert checked.startswith("check set-train-")
    wb.load(Listed(), window_us=10)
    parts = ["read Listed train", "read Listed test"]
    assert list(dict.fromkeys(shown())) == ["look through Listed", "measure recordings", *parts]


@pytest.mark.parametrize("name", ["digits", "motion"])
def test_recordings_that_are_made_show_a_bar(name, shown, monkeypatch, tmp_path):
    images, labels = (part[:60] for part in digits.load_digit_images())
    for source in (digits, motion):
        monkeypatch.setattr(source, "load_digit_images", lambda: (images, labels))
    monkeypatch.setattr(motion.generate, "__defaults__", (40, 16, False))
    wb.load(name, tmp_path, progress=False)
    assert shown() == []
    wb.load(name, tmp_path, seed=1)
    assert set(shown()) == {f"record {name}"}


WORK = """
import signal, sys, time
import workbench as wb
signal.signal(signal.SIGINT, signal.default_int_handler)
print("begun", flush=True)
try:
    wb.load(sys.argv[1], *sys.argv[2:])
    print("done")
except KeyboardInterrupt:
    print(time.time())
"""


def interrupt(*arguments: str, after_s: float) -> float:
    """Seconds from an interrupt that comes so long after the beginning of a load to its end."""
    with subprocess.Popen(
        [sys.executable, "-c", WORK, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as load:
        assert load.stdout.readline() == "begun\n", load.stderr.read()
        time.sleep(after_s)
        begin = time.time()
        load.send_signal(signal.SIGINT)
        said, errors = load.communicate(timeout=60)
    assert said != "done\n", "it ended before the interrupt came"
    assert errors == ""
    return float(said) - begin


def test_an_interrupt_ends_a_load_at_once_and_leaves_nothing_half_done(tmp_path):
    fill(tmp_path / "set", 60, 100_000)
    waits = [interrupt(str(tmp_path / "set"), after_s=after_s) for after_s in (0.05, 0.3, 0.6)]
    assert sorted(waits)[1] < PROMPT_S
    left = [path.name for path in (tmp_path / "set" / ".workbench").glob("*")]
    assert all(name.endswith(".events") for name in left)
    assert len(wb.load(tmp_path / "set", progress=False).train) == 96


@pytest.mark.parametrize("name", ["digits", "motion"])
def test_an_interrupt_ends_the_making_of_recordings_at_once(name, tmp_path):
    waits = [interrupt(name, str(tmp_path), after_s=after_s) for after_s in (0.1, 0.8, 1.5)]
    assert sorted(waits)[1] < PROMPT_S
    assert list(tmp_path.iterdir()) == []
