"""The Makefile's installing: a line for each step, the rest in a file, and the end of that file where it fails."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
case "$*" in
  "-m venv"*) mkdir -p .venv/bin .venv/share/jupyter && cp "$0" .venv/bin/python && echo "venv says much" ;;
  *"pip install"*) echo "pip says much"; echo "and more" >&2; exit "${FAILS:-0}" ;;
esac
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of what the Makefile needs to install, and a Python that only says what it would do."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "share", tmp_path / "share")
    shutil.copytree(ROOT / "workbench" / "figures", tmp_path / "workbench" / "figures")
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def install(house: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", ".venv/.ready", f"PYTHON={house / 'python'}"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(command, cwd=house, env=plain | settings, capture_output=True, text=True)


def test_installing_is_quiet_and_its_log_is_kept(house: Path) -> None:
    done = install(house)
    assert (done.returncode, done.stderr) == (0, "")
    first, second, third = done.stdout.splitlines()
    assert first == "Making an environment in .venv ..."
    assert second.startswith("Installing into it ")
    assert "log: build/install.log" in second
    assert third == "Setting up JupyterLab ..."
    assert (house / "build" / "install.log").read_text() == "venv says much\npip says much\nand more\n"
    static = house / ".venv" / "share" / "jupyter" / "labextensions" / "workbench" / "static"
    assert {path.name for path in static.iterdir()} >= {"figures.js", "dark.js", "fit.js", "live.js"}
    assert "is up to date" in install(house).stdout


def test_where_installing_fails_the_end_of_the_log_is_shown_and_it_is_tried_again(house: Path) -> None:
    failed = install(house, FAILS="1")
    assert failed.returncode != 0
    assert "pip says much\nand more\n" in failed.stdout
    assert f"That failed; all of it is in {house}/build/install.log" in failed.stdout
    assert not (house / ".venv" / ".ready").exists()
    assert install(house).returncode == 0
