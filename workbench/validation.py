"""What counts as a whole number, and the words when something is none."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from numbers import Real


def whole(value: object) -> int | None:
    """The value as a plain integer if it is a whole number, numpy's included; None for anything else.

    Booleans are none, and floats are none, even 2.0: what counts is counted in integers.

    >>> import numpy as np
    >>> whole(3), whole(np.int64(3)), whole(True), whole(3.0), whole("3")
    (3, 3, None, None, None)
    """
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]  # what has no index is told by the TypeError
    except TypeError:
        return None


def require_whole(option: str, value: object, least: int = 1, most: int | None = None, *, floats: bool = False) -> int:
    """The value as a plain integer; ValueError unless this option is a whole number from ``least`` to ``most``.

    With ``floats`` a whole number may be written as a float, such as 1e6.

    >>> require_whole("burst", 0)
    Traceback (most recent call last):
    ValueError: burst=0 must be a whole number of at least 1
    >>> require_whole("window_us", 3e5, floats=True)
    300000
    """
    number = whole(value)
    if number is None and floats and not isinstance(value, bool) and isinstance(value, Real):
        number = int(float(value)) if float(value).is_integer() else None
    if number is None or number < least or (most is not None and number > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{option}={value!r} must be a whole number {bounds}")
    return number


def hold_whole(owner: object, *fields: str, least: int = 1) -> None:
    """Make these fields of a frozen value plain integers, or refuse them as `require_whole` does."""
    for field in fields:
        object.__setattr__(owner, field, require_whole(field, getattr(owner, field), least))


def require_seeds(seeds: object, owner: str = "seed") -> list[int]:
    """One seed or several as plain integers; ValueError unless each is a whole number from 0 to 2^63 - 1."""
    several = seeds if isinstance(seeds, Sequence) and not isinstance(seeds, str) else [seeds]
    return [require_seed(seed, owner) for seed in several]


def require_seed(seed: object, owner: str = "seed") -> int:
    """The seed as a plain integer; ValueError unless it is a whole number from 0 to 2^63 - 1.

    >>> require_seed(-1)
    Traceback (most recent call last):
    ValueError: seed=-1 must be a whole number from 0 to 9223372036854775807
    """
    return require_whole(owner, seed, 0, (1 << 63) - 1)
