"""How torch's threads wait: asleep, unless somebody says otherwise or torch was there first, which is then told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import threads

ROOT = Path(__file__).parents[1]
LOOK = "import os; print(workbench.threads.SPINNING, os.environ.get('OMP_WAIT_POLICY'), flush=True)"
TRAIN = """
import workbench as wb
from tests.support import tiny
workbench.threads.load = lambda: {load}
for _ in range(2):
    wb.train(wb.Model(tiny.network()), tiny.recordings(), epochs=1, progress=False)
"""


def run(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A process in which nothing is said of threads but this."""
    plain = {name: value for name, value in os.environ.items() if name not in threads.SETTINGS}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=plain | settings, capture_output=True, text=True, check=True)


def find_policy(code: str, **settings: str) -> str:
    """What GNU's library says when it is loaded that it will do."""
    said = run(code, OMP_DISPLAY_ENV="true", **settings).stderr
    return said.split("OMP_WAIT_POLICY = '")[1].split("'")[0] if "OMP_WAIT_POLICY = '" in said else ""


def test_the_library_that_torch_loads_lets_its_threads_sleep():
    if not find_policy("import torch"):
        pytest.skip("torch's OpenMP library here does not say what it does")
    assert find_policy("import workbench.figures") == "PASSIVE"
    assert find_policy("import workbench", OMP_WAIT_POLICY="active") == "ACTIVE"


@pytest.mark.parametrize(
    ("first", "settings", "words"),
    [
        ("", {}, "False passive"),
        ("import torch; ", {}, "True passive"),
        ("import torch; ", {"OMP_WAIT_POLICY": "passive"}, "False passive"),
        ("", {"OMP_WAIT_POLICY": "active"}, "False active"),
        ("", {"GOMP_SPINCOUNT": "100"}, "False None"),
        ("import torch; ", {"KMP_BLOCKTIME": "0"}, "False None"),
    ],
)
def test_what_the_environment_says_stays_and_who_came_first_is_known(first, settings, words):
    assert run(f"{first}import workbench; {LOOK}", **settings).stdout.strip() == words


def test_a_training_on_a_busy_machine_says_once_that_threads_spin():
    said = run("import torch, workbench" + TRAIN.format(load=2.0)).stderr
    assert said.count("\n") == 1
    assert "torch was imported before workbench" in said
    assert "or set OMP_WAIT_POLICY=passive before Python starts" in said


@pytest.mark.parametrize(("first", "load"), [("workbench, torch", 2.0), ("torch, workbench", 1.0)])
def test_nothing_is_said_where_threads_sleep_or_the_machine_is_free(first, load):
    assert run(f"import {first}" + TRAIN.format(load=load)).stderr == ""


def test_the_load_is_counted_for_each_core(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (6.0, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert threads.load() == 1.5
