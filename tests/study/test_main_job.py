"""The main job, end to end: `python -m workbench` on a small part of the data, its tables and its report."""

import os
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.support import tiny
from workbench import __main__ as job
from workbench.study.main_job import run_main_job, take_part

ROOT = Path(__file__).parents[2]
MODELS = ("streaming ANN", "matched SNN", "sequential ANN", "unmatched SNN")


FROM_HERE = """
import signal, sys, time
from workbench.__main__ import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started this may have it ignored
status = main()
print(time.time())
sys.exit(status)
"""


WARNINGS = ["-W", "error::UserWarning", "-W", "ignore:rounding moved:UserWarning"]  # which of three recordings it may


def run(*arguments, folder):
    """The process, which may warn of nothing else."""
    return subprocess.run(
        [sys.executable, *WARNINGS, "-m", "workbench", *map(str, arguments)],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=1200,
    )  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A folder to work in; what is made on first use stays."""
    return tmp_path_factory.mktemp("house")


def test_the_embedded_sets_are_studied_and_reported(house, tmp_path):
    answer = run("--part", 0.03, "--epochs", 2, "--out", tmp_path / "out", folder=house)
    assert answer.returncode == 0, answer.stderr
    assert "Dataset motion: 48 train + 16 test recordings" in answer.stdout
    assert re.search(r"Dataset digits: 4\d train \+ 1\d test recordings", answer.stdout)
    assert answer.stdout.count("; 3 % of every class, drawn by seed 0") == 2
    for model in MODELS:
        assert len(re.findall(rf"^{model} .*\d %$", answer.stdout, re.MULTILINE)) >= 2  # accuracy, one row a set
    assert answer.stdout.count("What critics say: matched SNN, with ") == 2
    stages = re.findall(
        r"^(Study \d of \d: \w+|Training the \w+ ANN|Converting it|Comparing all four)", answer.stdout, re.MULTILINE
    )
    trained = ["Training the streaming ANN", "Converting it", "Training the sequential ANN", "Converting it"]
    assert stages == [
        "Study 1 of 2: motion", *trained, "Comparing all four", "Study 2 of 2: digits", *trained, "Comparing all four"
    ]  # fmt: skip
    page = tmp_path / "out" / "report.html"
    assert f"The report with all figures: {page}" in answer.stdout
    assert [path.name for path in page.parent.iterdir()] == ["report.html"]
    text = page.read_text(encoding="utf-8")
    assert text.count("Plotly.newPlot(") >= 12
    assert text.count("<h3>What critics say</h3>") == 2
    assert "NaN" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert sorted(path.suffix for path in (house / "data").iterdir()) == [".npz", ".npz"]


def test_an_interrupted_study_ends_at_once_and_goes_on_where_it_stood(house, tmp_path):
    command = ["--part", 0.03, "--epochs", 5]
    whole = run(*command, "--out", tmp_path / "whole", folder=house).stdout
    out, said = tmp_path / "out", []
    with subprocess.Popen(
        [sys.executable, "-c", FROM_HERE, *map(str, command), "--out", out],
        cwd=house, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as job:  # fmt: skip
        while not said or not said[-1].startswith("Training the sequential ANN"):
            said.append(job.stdout.readline())
        while len([path for path in out.glob("checkpoints/*") if path.suffix != ".part"]) < 2:  # an epoch has ended
            time.sleep(0.01)
        begin = time.time()
        job.send_signal(signal.SIGINT)
        rest, error = job.communicate(timeout=60)
    assert job.returncode == 130
    assert error.strip() == "workbench: stopped; the same command goes on from here"
    assert float(rest) - begin < 0.5
    assert not (out / "report.html").exists()
    again = run(*command, "--out", out, folder=house)
    assert again.returncode == 0, again.stderr
    assert again.stdout.replace(str(out), "") == whole.replace(str(tmp_path / "whole"), "")
    assert [path.name for path in out.iterdir()] == ["report.html"]


def test_recordings_of_ones_own_are_studied(tmp_path):
    rng = np.random.default_rng(0)
    for part, count in (("Train", 3), ("Test", 1)):
        for digit in range(10):
            for number in range(count):
                path = tmp_path / "N-MNIST" / part / str(digit) / f"{number}.bin"
                path.parent.mkdir(parents=True, exist_ok=True)
                times = np.sort(rng.integers(0, 300_000, 300)).tolist()
                places = [((3 * digit + t) % 34, (2 * digit + t) % 34) for t in times]
                pairs = zip(places, times, strict=True)
                five = (struct.pack(">BBBH", x, y, t % 2 << 7 | t >> 16, t & 65535) for (x, y), t in pairs)
                path.write_bytes(b"".join(five))
    answer = run("--data", tmp_path / "N-MNIST", "--epochs", 1, "--out", tmp_path, folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "official folders Train and Test; 40 of 70,000 recordings" in answer.stdout
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "nowhere"], "no N-MNIST in .*nowhere"),
        (["--part", "2"], "--part=2 must be a share between 0 and 1"),
        (["--part", "nan"], "--part=nan must be a share between 0 and 1"),
        (["--epochs", "0"], "--epochs=0 must be a whole number of at least 1"),
        (["--seed", "-1"], "--seed=-1 must be a whole number from 0 to "),
        (["--part", "0.001"], "leaves no recording of|no recordings; give at least one"),
    ],
)
def test_a_mistake_is_said_in_one_line(house, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(house)
    assert job.main([*arguments, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert re.match(rf"workbench: .*({words})", said)
    assert said.count("\n") == 1


def test_a_part_is_drawn_class_by_class():
    counts = np.ones((4, 60, 2, 3, 3), dtype=int)
    recordings = wb.Recordings.from_ticks(counts, np.arange(60) % 3, ("left", "right", "up"))
    whole = wb.Dataset("many", recordings, recordings, "by hand")
    part = take_part(whole, 0.25, seed=1)
    assert np.bincount(part.train.labels).tolist() == np.bincount(part.test.labels).tolist() == [5, 5, 5]
    assert part.split == "by hand; 25 % of every class, drawn by seed 1"
    with pytest.raises(ValueError, match=r"0\.03 of few leaves no recording of|no recordings"):
        take_part(wb.Dataset("few", recordings[:20], recordings[:20], "by hand"), 0.03)


def test_what_validates_is_held_back_of_training(monkeypatch):
    recordings, seen = tiny.recordings(60, frames=6), []
    dataset = wb.Dataset("tiny", recordings, tiny.recordings(9, frames=6, rate=0.7), "by hand")
    train = wb.train

    def watched(model, training, validation, **options):
        seen.append((training, validation))
        return train(model, training, validation=validation, **options)

    monkeypatch.setattr("workbench.study.main_job.train", watched)
    run_main_job(dataset, tiny.network(), epochs=1, progress=False)
    for training, validation in seen:
        assert (len(training), len(validation)) == (54, 6)
        assert not {id(part) for part in (training, validation)} & {id(dataset.test)}
        together = sorted(one.tolist() for part in (training, validation) for one in part)
        assert together == sorted(one.tolist() for one in recordings)
    seen.clear()
    run_main_job(wb.Dataset("few", recordings[:9], dataset.test, "by hand"), tiny.network(), epochs=1, progress=False)
    assert all(validation is None and len(training) == 9 for training, validation in seen)
