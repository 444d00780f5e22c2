"""The unit of the times in a table: given, named in the file, guessed, or doubted in a warning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.events.formats.column_checks import require_integers
from workbench.events.formats.errors import CURE

UNITS = ("s", "ms", "us", "ns")
HEAD = 2**16
"""Number of events that are looked at to guess the unit."""

US_PER = {"s": 1_000_000, "ms": 1_000}
NS_PER_US = 1_000
_SINCE_1973_NS = 10**17
_SINCE_2000_S = 946_684_800
_FEW, _MANY = 16, 1_000
_MOST_PER_US = 100
_LONG_US = 5_000_000
_FRACTION = f'{CURE}, or say the unit, as unit="s"'


def require_unit(unit: str | None) -> str | None:
    """The unit that a user gives, None for none. Raises ValueError for what is no unit of time here."""
    if unit is not None and unit not in UNITS:
        raise ValueError(f"unit is {unit!r}; give {', '.join(map(repr, UNITS[:-1]))} or {UNITS[-1]!r}")
    return unit


def guess_unit(times: NDArray[Any]) -> tuple[str, str]:
    """The unit of the first times of a recording, and in words what else it could be ("" where nothing).

    Numbers of which most are no whole ones are seconds: in microseconds such a recording would last no time. They may
    be milliseconds too if they last more than 1,000, or if all are whole thousandths and last more than one. Whole
    numbers are microseconds, but nanoseconds where they would else begin 3,000 years after 1970.

    >>> guess_unit(np.array([0.25, 0.500001])), guess_unit(np.array([7, 250])), guess_unit(np.array([10**18]))
    (('s', ''), ('us', ''), ('ns', ''))
    """
    times = times[np.isfinite(times)] if times.dtype.kind == "f" else times
    if len(times) == 0:
        return "us", ""
    if times.dtype.kind == "f" and 2 * np.count_nonzero(times != np.floor(times)) > len(times):
        return "s", _doubt_seconds(times)
    return ("ns" if times[0] >= _SINCE_1973_NS else "us"), ""


def _doubt_seconds(times: NDArray[np.floating[Any]]) -> str:
    with np.errstate(all="ignore"):
        thousandths = times.astype(np.float64) * 1000
        steps = bool((np.abs(thousandths - np.rint(thousandths)) < 1e-6).all())
        lasts = float(times.max() - times.min())
    if times[0] < _SINCE_2000_S and (lasts >= 1000 or (steps and lasts >= 1)):
        return 'has times that are taken as seconds and may be milliseconds; say unit="s" or unit="ms"'
    return ""


@dataclass
class Times:
    """The times of one table on their way to microseconds, watched for signs that they are something else.

    ``unit`` is theirs; ``sure`` holds where a user or the file names it; ``doubt`` says what a first look left open.
    """

    unit: str
    sure: bool
    doubt: str = ""
    count: int = 0
    divisor: int = 0
    first: int = 0
    last: int = 0

    def convert(self, path: Path, values: NDArray[Any], first: int, word: str = "event") -> NDArray[np.int64]:
        """Whole microseconds; event or line ``first``, as ``word`` says, is the first of the values.

        Raises DamagedFile for a time that is not finite, beyond 64 bits or a fraction of a microsecond.
        """
        us = require_integers(path, "t", _scale(values, self.unit), first, word, CURE if self.sure else _FRACTION)
        if not self.sure and self.unit == "us" and len(us):
            self._watch(us)
        return us

    def _watch(self, us: NDArray[np.int64]) -> None:
        earliest, latest = int(us.min()), int(us.max())
        self.first = min(self.first, earliest) if self.count else earliest
        self.last = max(self.last, latest) if self.count else latest
        if self.divisor % NS_PER_US == 0:
            self.divisor = int(np.gcd(self.divisor, np.gcd.reduce(us)))
        self.count += len(us)

    @property
    def words(self) -> str:
        """What to say of the unit after the last event: "" if it is not doubtful."""
        lasts = self.last - self.first
        sparse = self.count >= _FEW and lasts > max(_LONG_US, NS_PER_US * self.count)
        if sparse and self.divisor == NS_PER_US:
            return (
                f"has times that are taken as microseconds and may be nanoseconds: all are whole thousands, over"
                f' {lasts / 1e6:,.6g} s; say unit="ns" or unit="us"'
            )
        if self.count >= _MANY and self.count > _MOST_PER_US * (lasts + 1):
            return (
                f"has times that are taken as microseconds and may be seconds: {self.count:,} events within"
                f' {lasts + 1:,} us; say unit="s" or unit="us"'
            )
        return self.doubt


def _scale(values: NDArray[Any], unit: str) -> NDArray[Any]:
    """Times of a unit in microseconds, as exact as their type is: rounded from seconds, down from nanoseconds.

    >>> _scale(np.array([0.25, 1e-6]), "s").tolist(), _scale(np.array([1999, 2000]), "ns").tolist()
    ([250000.0, 1.0], [1, 2])
    """
    if unit == "us":
        return values
    if unit == "ns":
        with np.errstate(all="ignore"):
            return values // NS_PER_US
    with np.errstate(all="ignore"):
        scaled: NDArray[Any] = np.rint(values.astype(np.float64) * US_PER[unit])
    if values.dtype.kind == "f" or not (np.abs(scaled) < 2.0**62).all():
        return scaled
    return values.astype(np.int64) * US_PER[unit]
