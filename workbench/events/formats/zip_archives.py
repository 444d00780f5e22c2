"""Zip archives, opened only where all of their directory is in order and small."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.events.formats.errors import DamagedFile

MAGIC = b"PK\x03\x04"
_END = struct.Struct("<4s4H2LH")
_END_64, _LOCATOR_64 = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_SENTINEL = 2**32 - 1
_LARGEST_DIRECTORY = 2**20
_ENCRYPTED = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive at ``path``; whatever is found broken in it, then or later, becomes DamagedFile."""
    _refuse_large_directories(path)
    with guard_archive(path):
        archive = zipfile.ZipFile(path)
    with archive:
        yield archive


@contextmanager
def guard_archive(path: Path) -> Iterator[None]:
    """What zipfile and zlib find wrong becomes DamagedFile."""
    try:
        yield
    except DamagedFile:
        raise
    except _BROKEN as error:
        words = " ".join(str(error).split())[:200]
        raise DamagedFile(path, f"cannot be read as an archive ({words})") from error


def require_member(path: Path, archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """What the directory says of a member. Raises DamagedFile for one that is encrypted, larger than the file, or
    packed as numpy packs none: of the other ways zipfile unpacks all at once.
    """
    member = archive.getinfo(name)
    if member.flag_bits & _ENCRYPTED:
        raise DamagedFile(path, f"has encrypted {name}", None, "write it without a password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        fact = f"has {name} compressed by method {member.compress_type}"
        raise DamagedFile(path, fact, None, "write it by numpy.savez_compressed")
    if member.compress_size > path.stat().st_size:
        raise DamagedFile(path, f"is shorter than its member {name} ({member.compress_size:,} bytes)")
    return member


def _refuse_large_directories(path: Path) -> None:
    """Raise DamagedFile for bytes after the archive's end, and for a directory of far too many members."""
    length = path.stat().st_size
    with path.open("rb") as file:
        start = max(0, length - _END.size - 2**16)
        file.seek(start)
        tail = file.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or at + _END.size > len(tail):
            raise DamagedFile(path, f"has no end of an archive in its last bytes, at byte {start}", start)
        *_, size, _, comment = _END.unpack_from(tail, at)
        end = start + at + _END.size + comment
        if end != length:
            raise DamagedFile(path, f"does not end where its archive does, at byte {end} ({length} bytes)", end)
        if size == _SENTINEL and at >= _LOCATOR_64.size:
            _, _, record, _ = _LOCATOR_64.unpack_from(tail, at - _LOCATOR_64.size)
            file.seek(min(record, length))
            raw = file.read(_END_64.size)
            size = _END_64.unpack(raw)[8] if len(raw) == _END_64.size else size
    if size > _LARGEST_DIRECTORY:
        raise DamagedFile(path, f"has a directory of {size:,} bytes, far more than four columns need")
