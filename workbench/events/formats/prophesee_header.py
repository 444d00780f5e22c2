"""What the headers of Prophesee's files say: the encoding and the sensor's size."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.events.event_arrays import Sensor
from workbench.events.formats.errors import DamagedFile
from workbench.events.formats.text_header import Header, read_header

_SIDE = r"(?:^|;) *{} *[= ] *(\d{{1,5}})\b"
_GEOMETRY = re.compile(r"^geometry *:? *(\d{1,5})x(\d{1,5})\b", re.IGNORECASE | re.MULTILINE)


def read(path: Path) -> Header:
    """The lines that begin with %, up to "% end" where there is one."""
    return read_header(path, b"%", "end")


def encoding(text: str) -> str | None:
    r"""The encoding that a header's text names, None where it names none.

    >>> encoding("date 2023\nevt 3.0"), encoding("format EVT21;width=320"), encoding("Version 2")
    ('3.0', '2.1', None)
    """
    evt = re.search(r"^evt *(\d\.\d)\b", text, re.IGNORECASE | re.MULTILINE)
    if evt:
        return evt[1]
    named = re.search(r"^format *EVT(\d)(\d?)\b", text, re.IGNORECASE | re.MULTILINE)
    return f"{named[1]}.{named[2] or 0}" if named else None


def sensor(path: Path) -> Sensor | None:
    """Height and width as the header says: in its geometry, its format or in lines of their own."""
    return geometry(read(path).text)


def geometry(text: str) -> Sensor | None:
    r"""Height and width that a header's text names, None where it does not name both.

    >>> geometry("geometry 640x480"), geometry("format EVT3;height=720;width=1280"), geometry("Width 304\nHeight 240")
    ((480, 640), (720, 1280), (240, 304))
    """
    pair = _GEOMETRY.search(text)
    if pair:
        height, width = int(pair[2]), int(pair[1])
    else:
        sides = [re.search(_SIDE.format(side), text, re.IGNORECASE | re.MULTILINE) for side in ("height", "width")]
        height, width = (int(side[1]) if side else 0 for side in sides)
    return (height, width) if height and width else None


def begins(head: bytes) -> str | None:
    """The text of the header with which a file begins, None of a file without."""
    if not head.startswith(b"%"):
        return None
    lines = re.match(rb"(?:%[^\r\n]*\r?\n)*", head)
    return "\n".join(line[1:].strip() for line in lines[0].decode(errors="replace").splitlines()) if lines else None


def refuse_big_endian(path: Path, text: str) -> None:
    """Raise DamagedFile where a header says that words have their high byte first."""
    if re.search(r"endian\w* *[= ] *big", text, re.IGNORECASE):
        raise DamagedFile(path, "says big endian in its header, at byte 0", 0, "convert it to little endian")
