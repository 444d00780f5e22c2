"""Files are whole or not there, whatever goes wrong while one is written, and whoever writes it."""

from __future__ import annotations

import errno
import io
import os
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from tests.support import tiny
from workbench import figures
from workbench.atomic import replacing
from workbench.exchange import model_files
from workbench.study import report

SMALL_BYTES = 100  # less than anything that is written here


def write_text(path: Path) -> None:
    with replacing(path) as aside:
        aside.write_text("a line of words\n" * 100)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "text": write_text,
    "network": lambda path: tiny.network().save(path),
    "model": lambda path: model_files.save_model(tiny.ann(), path),
    "report": lambda path: report.write_report([], path),
    "table": lambda path: figures.save(pd.DataFrame({"a": range(1000)}), path),
    "page": lambda path: figures.save(go.Figure(), path),
}


@contextmanager
def no_room(step: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that is full when the file aside is opened, written to, brought to disk or renamed."""

    def fail(*arguments: Any, **options: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    def open_unless_aside(path: Any, *arguments: Any, **options: Any) -> Any:
        return (fail if str(path).endswith(".part") else opened)(path, *arguments, **options)

    opened, limits = io.open, resource.getrlimit(resource.RLIMIT_FSIZE)
    with monkeypatch.context() as patched:
        if step == "open":
            patched.setattr(io, "open", open_unless_aside)
        elif step == "write":
            resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_BYTES, limits[1]))
        else:
            patched.setattr(os, {"sync": "fsync", "rename": "replace"}[step], fail)
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("before", [None, b"what was there before"], ids=["new", "old"])
@pytest.mark.parametrize("step", ["open", "write", "sync", "rename"])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_an_error_and_leaves_everything_as_it_was(
    writer: str, step: str, before: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ("file.csv" if writer == "table" else "file.html")
    if before is not None:
        path.write_bytes(before)
    with no_room(step, monkeypatch), pytest.raises(OSError, match=r"No space left|File too large"):
        WRITERS[writer](path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == ({path.name: before} if before else {})
    WRITERS[writer](path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_size > SMALL_BYTES


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ValueError, MemoryError])
def test_whatever_stops_a_writer_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")

    def stop() -> None:
        with replacing(path) as aside:
            aside.write_text("half")
            raise error

    with pytest.raises(error):
        stop()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("file", "before")]


def test_who_writes_nothing_is_told() -> None:
    with pytest.raises(FileNotFoundError), replacing("nothing"):
        pass


@pytest.mark.parametrize("name", ["a" * 250, "ä" * 120, "😀" * 60, "one.two.three"])
def test_any_name_that_the_disk_takes_is_taken(name: str, tmp_path: Path) -> None:
    write_text(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_folders_are_made_and_a_link_leads_to_the_new_file(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "deep" / "inside" / "file")
    for _ in range(2):
        write_text(link)
        assert link.is_symlink()
        assert [file.name for file in (tmp_path / "deep" / "inside").iterdir()] == ["file"]


def test_many_writers_of_one_file_leave_one_whole_file(tmp_path: Path) -> None:
    path, texts = tmp_path / "file", [letter * 100_000 for letter in "abcdefgh"]

    def write(text: str) -> None:
        for _ in range(5):
            with replacing(path) as aside:
                aside.write_text(text)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]
