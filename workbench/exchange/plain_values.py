"""Frozen values out of plain data: every field there, of its type, and refused by its name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from workbench.json_text import require_names, shorten

Value = TypeVar("Value")

_WORDS = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text", type(None): "null"}


@contextmanager
def in_field(name: str) -> Iterator[None]:
    """Say in which field it was that something was refused.

    >>> with in_field("norm"):
    ...     raise ValueError("it is unknown")
    Traceback (most recent call last):
    ValueError: field 'norm': it is unknown
    """
    try:
        yield
    except (ValueError, TypeError, ArithmeticError) as error:
        raise ValueError(f"field {name!r}: {error}") from error


def make_value(kind: type[Value], data: object, what: str) -> Value:
    """The frozen value that these data describe, whose fields are all there, have their types, and no others.

    >>> from workbench.engine import QuantisedReLU
    >>> make_value(QuantisedReLU, {"levels": "4"}, "the neuron")
    Traceback (most recent call last):
    ValueError: levels='4' must be a whole number or null
    """
    named = require_names(what, data, [f.name for f in fields(kind) if f.init])  # type: ignore[arg-type]  # a dataclass
    hints = get_type_hints(kind)
    for name, given in named.items():
        if not _fits(given, hints[name]):
            raise ValueError(f"{name}={shorten(given)} must be {' or '.join(_describe(hints[name]))}")
    return kind(**named)


def fill_defaults(kind: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """The data, with the defaults of the fields that they lack: what older versions did not know yet."""
    return {f.name: f.default for f in fields(kind) if f.default is not MISSING} | dict(data)


def require_type(hint: Any, given: Any) -> Any:
    """What is given, if it is of this type; ValueError that says what it must be.

    >>> require_type(str | None, 3)
    Traceback (most recent call last):
    ValueError: it is 3 and must be text or null
    """
    if not _fits(given, hint):
        raise ValueError(f"it is {shorten(given)} and must be {' or '.join(_describe(hint))}")
    return given


def _fits(given: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    if hint in (bool, str, type(None)):
        return isinstance(given, hint)
    if hint is int:
        return isinstance(given, int) and not isinstance(given, bool)
    if hint is float:
        return isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)
    inside = _find_contents(hint)
    if inside is not None:
        return isinstance(given, dict) and all(_fits(value, inside) for value in given.values())
    return any(_fits(given, one) for one in get_args(hint))


def _find_contents(hint: Any) -> Any:
    """Of numbers by name their type, None for anything else."""
    origin = get_origin(hint)
    if isinstance(hint, type) and issubclass(hint, dict) and origin is None:
        hint = next(iter(getattr(hint, "__orig_bases__", ())), hint)
        origin = get_origin(hint)
    mapping = isinstance(origin, type) and issubclass(origin, Mapping)
    return get_args(hint)[1] if mapping else None


def _describe(hint: Any) -> list[str]:
    inside = _find_contents(hint)
    if inside is Any:
        return ["an object"]
    if inside is not None:
        return [f"an object that gives by name {' or '.join(_describe(inside))}"]
    return [_WORDS[hint]] if hint in _WORDS else [words for one in get_args(hint) for words in _describe(one)]
