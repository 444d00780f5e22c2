"""Headers of text lines that all begin with one mark, before binary data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LONGEST_LINE = 2**16
LARGEST_HEADER = 2**24


@dataclass(frozen=True)
class Header:
    """The lines before the data, without mark and line end, and the byte at which the data begins."""

    lines: tuple[str, ...]
    end: int

    @property
    def text(self) -> str:
        """All lines in one, as they stand."""
        return "\n".join(self.lines)


def read_header(path: Path, mark: bytes, last: str) -> Header:
    r"""The lines at the beginning of ``path`` that begin with ``mark``, up to one that says ``last``.

    Data may begin with the mark's byte too: a line is of the header only if it is text and ends as the first line
    does, in CR LF or LF. Reads no more than 16 MiB.
    """
    lines: list[str] = []
    end = 0
    ending = b""
    with path.open("rb") as file:
        while end < LARGEST_HEADER and (not lines or lines[-1] != last):
            line = file.readline(LONGEST_LINE)
            ending = ending or (b"\r\n" if line.endswith(b"\r\n") else b"\n")
            text = read_line(line, mark, ending)
            if text is None:
                break
            lines.append(text)
            end += len(line)
    return Header(tuple(lines), end)


def read_line(line: bytes, mark: bytes, ending: bytes) -> str | None:
    r"""What a header's line says after ``mark``; None of data that merely begin with the mark's byte.

    >>> read_line(b"# chip\r\n", b"#", b"\r\n"), read_line(b"#\x01\r\n", b"#", b"\r\n"), read_line(b"# c", b"#", b"\n")
    ('chip', None, None)
    """
    if not line.startswith(mark) or not line.endswith(ending):
        return None
    try:
        text = line[len(mark) : -len(ending)].decode()
    except UnicodeDecodeError:
        return None
    return text.strip() if text.replace("\t", " ").strip("\r").isprintable() else None
