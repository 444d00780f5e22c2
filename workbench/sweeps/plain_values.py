"""Values that a table and a file can hold alike: numbers, texts, booleans, nothing; parameters also tuples of them."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from workbench.validation import whole

Scalar = bool | int | float | str | None
LARGEST = 1 << 63  # whole numbers of a column have 64 bits with a sign
KINDS = "a number, a text, a boolean or None"


def simplify(value: object) -> Scalar:
    """The value as Python's own number, text or boolean: numpy's and torch's scalars too; TypeError for anything else.

    >>> simplify(np.float32(0.5)), simplify(np.int8(3)), simplify(torch.tensor(True)), simplify("a")
    (0.5, 3, True, 'a')
    >>> simplify([1, 2])
    Traceback (most recent call last):
    TypeError: [1, 2] is a list, not a number, a text, a boolean or None
    """
    own = value
    if not isinstance(value, bool | int | float | str) and getattr(value, "ndim", None) == 0:
        own = value.item()  # type: ignore[attr-defined]  # scalars of numpy, tensors and arrays without axes
    if isinstance(own, bool | None):
        return own
    if isinstance(own, str):
        return str(own)
    if (number := whole(own)) is not None:
        if not -LARGEST <= number < LARGEST:
            raise TypeError(f"a whole number of {number.bit_length()} bits is larger than a column holds; give a float")
        return number
    if isinstance(own, float):
        return float(own)
    raise TypeError(f"{_shorten(value)} is a {type(value).__name__}, not {KINDS}")


def simplify_parameter(value: object) -> Any:
    """As `simplify`; lists and tuples of such values become tuples.

    >>> simplify_parameter([16, np.int64(32)])
    (16, 32)
    """
    if isinstance(value, list | tuple):
        return tuple(simplify_parameter(inner) for inner in value)
    return simplify(value)


def encode(value: Any) -> Any:
    """A simple value as JSON holds it, exactly.

    >>> encode((1, float("inf"))), decode(encode((1, float("inf"))))
    ([1, {'float': 'inf'}], (1, inf))
    """
    if isinstance(value, tuple):
        return [encode(inner) for inner in value]
    return {"float": repr(value)} if isinstance(value, float) and not math.isfinite(value) else value


def decode(data: Any) -> Any:
    """What `encode` made of a value; ValueError for what it never writes."""
    if isinstance(data, list):
        return tuple(decode(inner) for inner in data)
    if isinstance(data, dict):
        if set(data) != {"float"} or data["float"] not in ("inf", "-inf", "nan"):
            raise ValueError(f"{_shorten(data)} is no value of a point")
        return float(data["float"])
    return data


def standardise(value: Any) -> Any:
    """A value for comparisons: whole numbers are the same as floats, as they are in a column.

    >>> standardise((1.0, 0.5, True))
    (1, 0.5, True)
    """
    if isinstance(value, tuple):
        return tuple(standardise(inner) for inner in value)
    return int(value) if is_whole_float(value) else value


def is_whole_float(value: object) -> TypeGuard[float]:
    """Whether this is a float without a fraction."""
    return isinstance(value, float) and value.is_integer()


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}..."
