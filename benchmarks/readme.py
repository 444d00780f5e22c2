"""Parts of pages that hold measured numbers, written by the commands that measure them."""

from __future__ import annotations

import textwrap
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
WIDTH = 150  # letters in a line


def write_sentences(name: str, text: str, path: Path = README) -> None:
    """What `write_block` does, the text wrapped."""
    write_block(name, "\n".join(textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)), path)


def write_block(name: str, text: str, path: Path) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->`; ValueError where these are not there."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    whole = path.read_text(encoding="utf-8")
    if whole.count(begin) != 1 or whole.count(end) != 1:
        raise ValueError(f"{path}: the lines {begin.strip()} and {end} must be there, once each")
    before, after = whole.split(begin)[0], whole.split(end)[1]
    path.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")
