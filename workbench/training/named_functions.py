"""Functions that users give as options: what to call them, and by what to know them again."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from types import CodeType
from typing import Any


def name_function(function: Callable[..., Any]) -> str:
    """What a user calls it.

    >>> name_function(name_function), name_function(functools.partial(sorted, reverse=True))
    ('name_function', 'sorted(reverse=True)')
    """
    if isinstance(function, functools.partial):
        given = [*map(repr, function.args), *(f"{name}={value!r}" for name, value in function.keywords.items())]
        return f"{name_function(function.func)}({', '.join(given)})"
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def describe_function(function: Callable[..., Any]) -> str:
    """Its name and, where it is written in Python, a digest of its code and of what it takes from around it.

    Two lambdas that differ in a number have other digests, so that a checkpoint tells them apart.
    """
    inner = function.func if isinstance(function, functools.partial) else function
    code = getattr(inner, "__code__", None)
    if code is None:
        return name_function(function)
    taken = [repr(cell.cell_contents) for cell in getattr(inner, "__closure__", None) or ()]
    known = (_read(code), taken, getattr(inner, "__defaults__", None), getattr(inner, "__kwdefaults__", None))
    return f"{name_function(function)} {hashlib.blake2b(repr(known).encode(), digest_size=8).hexdigest()}"


def _read(code: CodeType) -> tuple[Any, ...]:
    """What a function does, whatever the place it was read from."""
    constants = tuple(_read(value) if isinstance(value, CodeType) else value for value in code.co_consts)
    return code.co_code.hex(), constants, code.co_names, code.co_varnames
