"""JSON that somebody else may have written: not too deep, every thing said once, and nothing said that nobody knows."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

DEEPEST = 64  # lists and objects within each other
_LARGEST = 1 << 64


def read_json(text: str) -> Any:
    """The plain data of a JSON text; ValueError, in words, for what is no JSON, and for what no honest file holds.

    That are names given twice in one object, numbers that are not finite or have more than 64 binary digits, halves of
    surrogate pairs, and more than 64 lists and objects within each other.

    >>> read_json('{"delay": 1, "delay": 2}')
    Traceback (most recent call last):
    ValueError: 'delay' is given twice; keep one of them
    >>> read_json('{"delay": ')
    Traceback (most recent call last):
    ValueError: not valid JSON at line 1: Expecting value
    """
    try:
        data = json.loads(
            text, object_pairs_hook=_hold_once, parse_constant=_refuse, parse_int=_hold_whole, parse_float=_hold_finite
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON at line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    _require_shallow(data)
    if "\\ud" in text.lower():
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("a text in it holds half of a surrogate pair; write it as UTF-8") from error
    return data


def require_names(what: str, data: Any, names: Sequence[str]) -> dict[str, Any]:
    """The data, if they are an object with just these names; ValueError that says which one is missing or too much.

    >>> require_names("edge 3", {"source": "eye"}, ("source", "target"))
    Traceback (most recent call last):
    ValueError: edge 3 is incomplete: it has no target; save it again
    """
    if not isinstance(data, dict):
        raise ValueError(f"{what} is {shorten(data)}, not an object with the names {', '.join(names)}; save it again")
    missing = [name for name in names if name not in data]
    unknown = [repr(name) for name in data if name not in names]
    if missing:
        raise ValueError(f"{what} is incomplete: it has no {', '.join(missing)}; save it again")
    if unknown:
        raise ValueError(f"{what} has {', '.join(unknown)}, which nobody knows; leave it out, or save it again")
    return data


_TOO_DEEP = f"more than {DEEPEST} lists and objects within each other; no file of the workbench is so deep"


def shorten(data: Any) -> str:
    """How it is written, the begin of it where that is long.

    >>> shorten("a" * 100)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..."
    """
    text = repr(data)
    return text if len(text) <= 80 else f"{text[:60]}..."


def _hold_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice; keep one of them")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number in JSON; give a finite one")


def _hold_whole(digits: str) -> int:
    if len(digits) > 21 or abs(int(digits)) >= _LARGEST:
        raise ValueError(f"the number {digits[:21]}... has more than 64 binary digits; give a smaller one")
    return int(digits)


def _hold_finite(digits: str) -> float:
    if not math.isfinite(float(digits)):
        raise ValueError(f"the number {digits[:30]} is larger than any float; give a finite one")
    return float(digits)


def _require_shallow(data: Any) -> None:
    level = [data]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise ValueError(_TOO_DEEP)
