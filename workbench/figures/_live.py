"""What pages need so that figures follow their width and their colours: the scripts beside this file, in one."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

MODULES = ("dark.js", "fit.js", "live.js")  # each imports only those before it


MARKS = re.compile(r"^import .*\n|^export (default )?", re.MULTILINE)


@cache
def script() -> str:
    """A module script for a page, in which it watches over the figures.

    >>> "watch();" in script()
    True
    """
    return f'<script type="module">\n{read_modules(*MODULES)}\nwatch();\n</script>'


def read_modules(*names: str) -> str:
    """The modules of these names as parts of one: without what they import from each other and export.

    >>> "export" in read_modules("dark.js", "fit.js")
    False
    """
    folder = Path(__file__).parent
    return "\n".join(MARKS.sub("", (folder / name).read_text(encoding="utf-8")) for name in names)
