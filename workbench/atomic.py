"""Files that are whole or not there: written aside, then renamed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LETTERS = 40  # of its name that the file aside keeps: a name has room for 255 bytes, and a letter takes up to four


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a place beside `path` to write to; what was written there becomes `path` when all has gone well.

    Folders above it are made. Whatever goes wrong, a full disk or an interrupt too, is raised; `path` is then as it
    was, and nothing is left beside it. A link stays one: the file that it leads to is replaced.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/notes.txt") as aside:
    ...         _ = aside.write_text("whole")
    ...     [(file.name, file.read_text()) for file in Path(folder).iterdir()]
    [('notes.txt', 'whole')]
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name[:LETTERS]}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())  # a name that is given before the bytes are on disk may outlive them
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
