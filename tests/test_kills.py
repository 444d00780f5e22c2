"""Killed at any moment: whatever has its name on disk is whole, and the next run goes on as if nothing had been."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.killed_work import work
from workbench.events.event_arrays import EVENTS
from workbench.exchange import model_files, tensor_files

ROOT = Path(__file__).parents[1]
WORK = """
import sys
from pathlib import Path
import torch
from tests.support.killed_work import work
torch.set_num_threads(int(sys.argv[2]))  # the sums of a gradient are rounded as the threads divide them
print("begun", flush=True)
work(Path(sys.argv[1]))
print("done", flush=True)
"""


def fill(folder: Path) -> None:
    for label, name in enumerate(("left", "right", "up")):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            rng, events = np.random.default_rng([label, number]), np.zeros(2000, EVENTS)
            events["t"], events["x"] = np.sort(rng.integers(0, 10_000, 2000)), rng.integers(0, 3, 2000)
            events["y"], events["p"] = rng.integers(0, 3, 2000), rng.integers(0, 2, 2000)
            np.save(folder / name / f"{number}.npy", events)


def look(folder: Path) -> None:
    """Every file that has its name can be read; warnings are errors."""
    for path in (folder / "set" / ".workbench").glob("*.events"):
        raw = path.read_bytes()
        assert raw.startswith(b"WBROWS01")
        assert raw.endswith(b"rows")
    for path in folder.glob("c?"):
        tensor_files.read_tensors(tensor_files.read_header(path, "checkpoint"))
    if (folder / "model.safetensors").exists():
        model_files.load_model(folder / "model.safetensors")
    if (folder / "network.json").exists():
        wb.Network.load(folder / "network.json")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What comes out where nobody kills."""
    folder = tmp_path_factory.mktemp("expected")
    fill(folder / "set")
    begin = time.perf_counter()
    model = work(folder)
    return model, time.perf_counter() - begin


@pytest.mark.soak
def test_what_is_killed_leaves_whole_files_and_goes_on(tmp_path, expected, tenth):
    model, seconds = expected
    fill(tmp_path / "set")
    rng = np.random.default_rng(0)
    for _ in range(tenth(40)):
        running = subprocess.Popen(
            [sys.executable, "-W", "error::UserWarning", "-c", WORK, str(tmp_path), str(torch.get_num_threads())],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with running:
            assert running.stdout.readline() == "begun\n", running.stderr.read()
            time.sleep(rng.uniform(0, seconds))
            running.kill()
            said = running.stderr.read()
        assert said == ""
        look(tmp_path)
    found = work(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(found.parameters(), model.parameters(), strict=True))


@pytest.fixture
def begin():
    """A function that begins `learn_and_keep` in a folder: its process, and a function that waits for its end."""
    command = [sys.executable, "-W", "error::UserWarning", "-m", "tests.support.killed_work"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as serving:

        def begin(folder):
            print(folder, file=serving.stdin, flush=True)
            return int(serving.stdout.readline()), wait

        def wait():
            print(file=serving.stdin, flush=True)
            return int(serving.stdout.readline())

        yield begin
        serving.stdin.close()
        assert serving.stderr.read() == ""


def keep(folder: Path) -> dict[str, bytes]:
    """Every file that has its name; what was written aside when it was killed is left beside, for nobody removes it."""
    aside = [path for path in folder.iterdir() if path.suffix == ".part" or path.name.startswith(".tmp")]
    return {path.name: path.read_bytes() for path in folder.iterdir() if path not in aside}


def wait_for(path: Path) -> None:
    limit = time.perf_counter() + 60
    while not path.exists():
        time.sleep(0.001)
        assert time.perf_counter() < limit, f"{path.name} is not written"


@pytest.mark.soak
def test_whatever_moment_of_training_saving_and_loading_is_killed_the_next_run_ends_as_if_none_had_been(
    tmp_path, begin, tenth
):
    """Checkpoint, model, and the model saved again: the same bytes as those of a run that nobody killed."""
    (tmp_path / "whole").mkdir()
    assert begin(tmp_path / "whole")[1]() == 0  # whose times say nothing, for it was the first
    expected = keep(tmp_path / "whole")
    assert set(expected) == {"checkpoint", "model", "again"}
    (tmp_path / "timed").mkdir()
    started, (_, wait) = time.perf_counter(), begin(tmp_path / "timed")
    wait_for(tmp_path / "timed" / "model")
    learning = time.perf_counter() - started
    assert wait() == 0
    saving = time.perf_counter() - started - learning
    rng, reached, kills = np.random.default_rng(1), set(), 0
    while kills < tenth(200):
        folder = tmp_path / str(kills)
        folder.mkdir()
        process, wait = begin(folder)
        if kills % 2:  # every second one while it saves and loads
            wait_for(folder / "model")
        time.sleep(rng.uniform(0, saving if kills % 2 else learning))
        os.kill(process, signal.SIGKILL)
        if wait() != -signal.SIGKILL:
            folder.rename(tmp_path / f"done before it was killed {rng.integers(1 << 40)}")
            continue
        kills += 1
        found = keep(folder)
        reached |= set(found)
        for name in set(found) & {"model", "again"}:
            assert found[name] == expected[name]
        if "checkpoint" in found:
            tensor_files.read_tensors(tensor_files.read_header(folder / "checkpoint", "checkpoint"))
        _, wait = begin(folder)
        assert wait() == 0
        assert keep(folder) == expected
    assert reached >= {"checkpoint", "model"}
