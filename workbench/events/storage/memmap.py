"""Rows on disk: written aside, checked by sums, mapped into memory rather than read."""

from __future__ import annotations

import json
import stat
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from workbench.atomic import replacing
from workbench.progress import Progress, show_progress
from workbench.validation import whole

_MAGIC = b"WBROWS01"
_TAIL = 16  # bytes: where the last page begins, and the magic word again
_BLOCK = 1 << 24


class DamagedStoreError(Exception):
    """A store on disk that is not what was written."""


class UnwritableStoreError(Exception):
    """A store that cannot be written here; the cause says why."""


@dataclass(frozen=True)
class Mark:
    """A place in a store that is being written, to go back to."""

    rows: int
    checksum: int


class Writer:
    """A store that grows row by row; its name appears on disk when all of it is there, by one rename.

    It is used in a ``with`` block that ends with `finish`; a block that ends otherwise leaves nothing behind. Two
    writers of one store do not disturb each other: the last to finish gives the file. Raises UnwritableStoreError when
    the folder cannot be written or the disk is full.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any], settings: Mapping[str, Any]) -> None:
        self.path, self.dtype, self.settings = path, dtype, settings
        self._rows = self._checksum = 0
        self._is_finished = False

    def __enter__(self) -> Writer:
        with ExitStack() as stack, _unwritable():
            aside = stack.enter_context(replacing(self.path))
            self._file: BinaryIO = stack.enter_context(_closing(aside.open("wb")))
            self._file.write(_MAGIC)
            self._at_exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._is_finished:
            with _unwritable():
                self._at_exit.close()
            return
        unfinished = error or RuntimeError(f"{self.path} is left without its last page; call finish(notes)")
        self._at_exit.__exit__(type(unfinished), unfinished, trace)
        if error is None:
            raise unfinished

    @property
    def mark(self) -> Mark:
        """The present end."""
        return Mark(self._rows, self._checksum)

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows of the store's type."""
        raw = np.ascontiguousarray(rows, dtype=self.dtype).tobytes()
        with _unwritable():
            self._file.write(raw)
        self._checksum = zlib.crc32(raw, self._checksum)
        self._rows += len(rows)

    def rewind(self, mark: Mark) -> None:
        """Remove what was added after the mark."""
        with _unwritable():
            self._file.seek(len(_MAGIC) + mark.rows * self.dtype.itemsize)
            self._file.truncate()
        self._rows, self._checksum = mark.rows, mark.checksum

    def finish(self, notes: Mapping[str, Any]) -> None:
        """Write the last page, with the settings and some notes (anything JSON)."""
        page = {"settings": dict(self.settings), "notes": dict(notes), "rows": self._rows, "checksum": self._checksum}
        raw = json.dumps(page).encode()
        with _unwritable():
            begin = self._file.tell()
            self._file.write(raw + begin.to_bytes(8, "little") + zlib.crc32(raw).to_bytes(4, "little") + b"rows")
            self._file.flush()
            self._file.close()
        self._is_finished = True


@contextmanager
def _closing(file: BinaryIO) -> Iterator[BinaryIO]:
    """Closes the file at the end; what is not on disk by then need not get there."""
    try:
        yield file
    finally:
        with suppress(OSError):
            file.close()


@contextmanager
def _unwritable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnwritableStoreError(str(error)) from error


def open_rows(
    path: Path, dtype: np.dtype[Any], settings: Mapping[str, Any], progress: bool = False
) -> tuple[NDArray[Any], dict[str, Any]]:
    """The rows of a store, mapped into memory and read-only, and the notes on its last page.

    Every byte is checked once, which `progress` shows. Raises FileNotFoundError, or DamagedStoreError when it is not
    what was written with these settings.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise DamagedStoreError("it is no ordinary file")
    size = status.st_size
    with path.open("rb") as file:
        page = _read_page(file, size)
        if page.get("settings") != json.loads(json.dumps(dict(settings))):
            raise DamagedStoreError("it was written with other settings")
        rows, notes = whole(page.get("rows")), page.get("notes")
        if rows is None or not isinstance(notes, dict):
            raise DamagedStoreError("its last page has no rows or no notes")
        length = rows * dtype.itemsize
        if not 0 <= length <= size - len(_MAGIC):
            raise DamagedStoreError("it is shorter than its rows")
        file.seek(len(_MAGIC))
        with show_progress(-(-length // _BLOCK), f"check {path.name}", "block", progress) as bar:
            checksum = _sum_up(file, length, bar)
    if checksum != page.get("checksum"):
        raise DamagedStoreError("its checksum is another")
    if rows == 0:
        return np.zeros(0, dtype=dtype), notes
    return np.memmap(path, dtype=dtype, mode="r", offset=len(_MAGIC), shape=(rows,)), notes


def _sum_up(file: BinaryIO, length: int, bar: Progress) -> int:
    """The checksum of so many bytes."""
    checksum = 0
    while length:
        block = file.read(min(length, _BLOCK))
        if not block:
            raise DamagedStoreError("it has become shorter while it was read")
        checksum, length = zlib.crc32(block, checksum), length - len(block)
        bar.advance()
    return checksum


def _read_page(file: BinaryIO, size: int) -> dict[str, Any]:
    if size < len(_MAGIC) + _TAIL or file.read(len(_MAGIC)) != _MAGIC:
        raise DamagedStoreError("it does not begin as a store does")
    file.seek(size - _TAIL)
    tail = file.read(_TAIL)
    begin = int.from_bytes(tail[:8], "little")
    if tail[12:] != b"rows" or not len(_MAGIC) <= begin <= size - _TAIL:
        raise DamagedStoreError("its last page is not there")
    file.seek(begin)
    raw = file.read(size - _TAIL - begin)
    if zlib.crc32(raw) != int.from_bytes(tail[8:12], "little"):
        raise DamagedStoreError("its last page is damaged")
    try:
        page = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DamagedStoreError("its last page is no JSON") from error
    if not isinstance(page, dict):
        raise DamagedStoreError("its last page is no table")
    return page
