"""Fixtures that several test files share."""

import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from types import ModuleType

import pytest
import torch

from workbench.training import mixed_precision

MANY_SEEDS = 6  # from which on a part of them is tried


def pytest_configure(config: pytest.Config) -> None:
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="workbench-tests-")  # what is measured here is not kept
    if hasattr(config, "workerinput"):  # of several side by side: each has one core
        torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="do soak tests in full, and try all seeds")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of laws on many seeds every third is tried, from the first on; all with --soak. Pytest counts the rest."""
    if config.getoption("--soak"):
        return
    seeds: dict[str, set[int]] = {}
    for item in items:
        if (seed := find_seed(item)) is not None:
            seeds.setdefault(name_law(item), set()).add(seed)
    kept = {law: set(sorted(every)[::3]) if len(every) >= MANY_SEEDS else every for law, every in seeds.items()}
    gone = {item for item in items if (seed := find_seed(item)) is not None and seed not in kept[name_law(item)]}
    if gone:
        config.hook.pytest_deselected(items=list(gone))
        items[:] = [item for item in items if item not in gone]


def find_seed(item: pytest.Item) -> int | None:
    """The seed that a test is parametrized with."""
    seed = item.callspec.params.get("seed") if hasattr(item, "callspec") else None
    return seed if isinstance(seed, int) else None


def name_law(item: pytest.Item) -> str:
    """The test without its parameters."""
    return item.nodeid.partition("[")[0]


@pytest.fixture(scope="session")
def tenth(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """How often to do what a soak test does so often: a tenth of that, at least once; all of it with --soak."""
    in_full = request.config.getoption("--soak")
    return lambda full: full if in_full else max(1, full // 10)


@pytest.fixture
def write(tmp_path):
    """A function that writes bytes to a file one<name> and gives its path."""

    def write(name, data):
        path = tmp_path / f"one{name}"
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def tonic() -> ModuleType:
    """The package tonic with its parts; without it, as an extra may lack, a test is skipped."""
    for part in ("datasets", "functional", "io", "slicers", "transforms"):
        pytest.importorskip(f"tonic.{part}")
    return sys.modules["tonic"]


@pytest.fixture
def several_threads():
    """Four threads of torch while the test runs, however many cores there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=[True, False], ids=["bf16 in hardware", "bf16 emulated"])
def bfloat16(request, monkeypatch):
    """A processor with instructions for bfloat16, and one without, whichever this is; whether it has them.

    The warning of the one without is ignored: whoever tests it asks for it.
    """
    mixed_precision._warn_once.cache_clear()
    monkeypatch.setattr(mixed_precision, "multiplies_natively", lambda: request.param)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="precision=.*this CPU has no instructions for bfloat16")
        yield request.param
    mixed_precision._warn_once.cache_clear()
