"""Killed at any moment: whatever has its name on disk is whole, and the next run goes on as if nothing had been."""

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
from workbench.exchange import model_files

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
        model_files.read_tensors(path)
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
