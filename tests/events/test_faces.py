"""The faces of the sub-packages: each says what its rooms are, and those that users see show public names only."""

import importlib
import re
from pathlib import Path

import pytest

import workbench.events
from workbench.events import formats, transforms

WING = Path(workbench.events.__file__).parent
FACES = sorted(path.parent.name for path in WING.glob("*/__init__.py"))


@pytest.mark.parametrize("name", FACES)
def test_a_face_says_what_every_room_is(name):
    face = importlib.import_module(f"workbench.events.{name}")
    rooms = {path.stem for path in (WING / name).glob("*.py") if path.stem != "__init__"}
    said = set(re.findall(r"^(\w+) {2,}\S", face.__doc__, re.MULTILINE))
    assert said == rooms
    assert face.__doc__.splitlines()[0].endswith(".")


@pytest.mark.parametrize("face", [formats, transforms], ids=lambda face: face.__name__)
def test_what_users_see_is_what_is_public(face):
    assert dir(face) == sorted(face.__all__)
    assert len(set(face.__all__)) == len(face.__all__)
    assert all(getattr(face, name).__doc__ for name in face.__all__)


def test_users_read_files_by_few_names():
    assert set(formats.__all__) == {"FORMATS", "DamagedFile", "Format", "find_format", "read", "sensor", "stream"}
