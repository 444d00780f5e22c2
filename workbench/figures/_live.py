"""What pages need so that figures follow their width and their colours: the scripts beside this file, in one."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

MODULES = ("dark.js", "fit.js", "live.js")  # each imports only those before it


@cache
def script() -> str:
    """A module script for a page, in which it watches over the figures.

    >>> "watch();" in script()
    True
    """
    folder = Path(__file__).parent
    parts = [re.sub(r"^import .*\n", "", (folder / name).read_text(encoding="utf-8"), flags=re.M) for name in MODULES]
    body = re.sub(r"^export ", "", "\n".join(parts), flags=re.M)
    return f'<script type="module">\n{body}\nwatch();\n</script>'
