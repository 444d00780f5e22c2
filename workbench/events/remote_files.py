"""Files behind a URL, on a web server or in an object store: copied here while they are read, and then removed."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from os import PathLike
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any

AHEAD = 8  # files that are copied at the same time, of which most wait to be read
VERSIONS = ("etag", "mtime", "lastmodified", "last_modified", "updated", "created", "md5hash", "checksum")


def is_url(path: object) -> bool:
    """Whether a path is a URL, such as "s3://bucket/set" or "https://host/one.aedat4".

    >>> is_url("s3://bucket/set"), is_url("data/set"), is_url(3)
    (True, False, False)
    """
    return isinstance(path, str) and "://" in path


class RemoteFolder:
    """What lies below a URL, by the file system of fsspec that its beginning names.

    Raises ValueError for a beginning that nobody knows, ImportError with what to install, and OSError, with the URL,
    where it cannot be reached.
    """

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url.rstrip("/")
        try:
            self._files, self.root = fsspec.core.url_to_fs(self.url)
        except ImportError as error:
            raise ImportError(f"{url}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{url}: {error}; give a path, or a URL such as https://... or s3://...") from error

    def list_files(self) -> dict[PurePosixPath, dict[str, Any]]:
        """All files below, by their paths from here, with what the file system says of each."""
        with self._reaching():
            found = self._files.find(self.root, detail=True)
        inside = {name.removeprefix(self.root).lstrip("/"): about for name, about in found.items()}
        return {PurePosixPath(name): about for name, about in inside.items() if name}

    def copy(self, name: str, into: Path) -> Path:
        """A copy of one file, under its own name; "" is the URL itself."""
        remote = f"{self.root}/{name}" if name else self.root
        local = into / PurePosixPath(remote).name
        with self._reaching(name):
            self._files.get_file(remote, str(local))
        return local

    def read_head(self, name: str, size: int) -> bytes:
        """The first bytes of a file, or all of a shorter one."""
        with self._reaching(name):
            return bytes(self._files.cat_file(f"{self.root}/{name}", 0, size))

    @contextmanager
    def _reaching(self, name: str = "") -> Iterator[None]:
        """Say which URL it was that could not be reached."""
        where = f"{self.url}/{name}" if name else self.url
        try:
            yield
        except FileNotFoundError as error:
            raise FileNotFoundError(f"nothing is at {where}; mend the URL") from error
        except PermissionError as error:
            raise PermissionError(f"{where} may not be read ({error}); give its credentials, as fsspec says") from error
        except Exception as error:  # every file system has errors of its own
            raise OSError(f"{where} cannot be read ({type(error).__name__}: {error}); try again") from error


@contextmanager
def local_copy(path: str | PathLike[str]) -> Iterator[Path]:
    """A file here: the path itself, or a copy of what is behind a URL, which is removed at the end.

    Errors and what they say name the URL.
    """
    if not is_url(path):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        local = RemoteFolder(str(path)).copy("", Path(folder))
        with naming(local, str(path)):
            yield local


@contextmanager
def naming(local: Path, url: str) -> Iterator[None]:
    """Errors that name a copy name the URL instead."""
    try:
        yield
    except (ValueError, OSError) as error:
        error.args = tuple(each.replace(str(local), url) if isinstance(each, str) else each for each in error.args)
        raise


def tell_version(url: str, about: dict[str, Any]) -> str | None:
    """A text that changes when a remote file does; None where its file system says nothing that would.

    >>> tell_version("s3://set/1.bin", {"size": 3, "ETag": "ab"}), tell_version("http://set/1.bin", {"size": 3})
    ('s3://set/1.bin 3 ab', None)
    """
    versions = [str(value) for key, value in sorted(about.items()) if key.lower() in VERSIONS and value is not None]
    return " ".join([url, str(about.get("size")), *versions]) if versions else None


class CopiesAhead:
    """Copies of files in a given order: while one is read, threads copy those that come next, so many at a time."""

    def __init__(self, remote: RemoteFolder, names: Sequence[str], ahead: int = AHEAD) -> None:
        self._remote, self._names, self._ahead = remote, list(names), ahead
        self._places = {name: place for place, name in enumerate(names)}
        self._copies: dict[str, Future[Path]] = {}
        self._lock, self._threads = Lock(), ThreadPoolExecutor(ahead, "copies")
        self._folder = Path(tempfile.mkdtemp(prefix="workbench-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to another process it copies there."""
        return CopiesAhead, (self._remote, self._names, self._ahead)

    @contextmanager
    def take(self, name: str) -> Iterator[Path]:
        """A copy of one file, removed at the end; the next ones are on their way. Errors name the URL."""
        place = self._places[name]
        with self._lock:
            wanted = self._names[place : place + self._ahead]
            for each in [each for each in self._copies if each not in wanted]:
                self._drop(self._copies.pop(each))
            for each in wanted:
                if each not in self._copies:
                    self._copies[each] = self._threads.submit(self._copy, each)
            copy = self._copies.pop(name)
        local = copy.result()
        try:
            with naming(local, f"{self._remote.url}/{name}"):
                yield local
        finally:
            shutil.rmtree(local.parent)

    def close(self) -> None:
        """Remove what was copied ahead; from now on files are asked for in any order, and none is copied ahead."""
        with self._lock:
            copies, self._ahead = list(self._copies.values()), 1
            self._copies.clear()
        for copy in copies:
            if not copy.cancel() and copy.exception() is None:  # what nobody reads may fail
                shutil.rmtree(copy.result().parent)

    def _copy(self, name: str) -> Path:
        return self._remote.copy(name, Path(tempfile.mkdtemp(dir=self._folder)))

    def _drop(self, copy: Future[Path]) -> None:
        """Remove a copy that nobody reads."""
        if not copy.cancel():
            copy.add_done_callback(lambda done: None if done.exception() else shutil.rmtree(done.result().parent))
