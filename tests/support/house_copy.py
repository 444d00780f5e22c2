"""A copy of the wing `events` in a folder of its own, to which a test adds files, and nothing else is changed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = ("discovery.py", "validation.py", "atomic.py", "interrupts.py", "progress.py")


def copy_events(folder: Path) -> Path:
    """The wing below ``folder``, in a package workbench of nothing but what it imports; its path."""
    package = folder / "workbench"
    shutil.copytree(ROOT / "workbench" / "events", package / "events", ignore=shutil.ignore_patterns("__pycache__"))
    for name in NEEDED:
        shutil.copy(ROOT / "workbench" / name, package / name)
    (package / "__init__.py").write_text('"""A package of one wing."""\n')
    return package / "events"


def run_copy(folder: Path, code: str, *arguments: object) -> object:
    """What a program prints, as JSON, that imports the copy and not the workbench."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
