"""Films before a camera: images as light from 0 to 255, and when each was taken, in microseconds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.events.formats.time_units import NS_PER_US, US_PER

Floats = NDArray[np.float64]

WHITE = 255
"""White on the scale on which a camera's ``linear_below`` stands."""

_OVERSHOT = 2.0
_SLOWEST_US = 1_000_000
_NEAR = 1e-5  # what is so near to a whole number was one before it was divided
_NEAR_US = 1e-3


@dataclass
class Exposure:
    """How the numbers of a film become light: multiplied by 255 / ``full_scale``, its white.

    Where it is None, truth values are light from 0 to 1, and so are fractions of which none is above 1 (or 2:
    some programs that change the size of images overshoot); other numbers are light as they are. Fractions are left
    alone before a camera whose ``linear_below`` is less than 1, which makes it one for light from 0 to 1. ``most`` is
    the largest number so far.
    """

    full_scale: float | None
    linear_below: float
    most: float = 0.0
    found: float = WHITE
    doubt: str = ""

    def expose(self, images: NDArray[Any]) -> Floats:
        """Light of images. Raises ValueError where they contradict the scale that was found for those before."""
        if self.full_scale is None:
            self._find(images)
        scale = self.full_scale or self.found
        light: Floats = images.astype(np.float64, copy=False)
        return light if scale == WHITE else _near_whole(light * (WHITE / scale), _NEAR)

    def warn(self, stacklevel: int) -> None:
        """Warn where the numbers so far may be on another scale than was found."""
        if self.doubt:
            words = f"camera: images {self.doubt}; say which number is white, as full_scale="
            warnings.warn(f"{words}1, full_scale=255 or full_scale=65535", stacklevel=stacklevel + 1)

    def _find(self, images: NDArray[Any]) -> None:
        """Look for a scale in the first image that is not black; it holds for all."""
        brightest = float(images.max())
        if not brightest > 0:
            return
        fractions = images.dtype.kind == "f"
        to_one = images.dtype.kind == "b" or (fractions and brightest <= _OVERSHOT and self.linear_below >= 1)
        if self.most == 0 and to_one:
            self.found = 1
        elif self.found == 1 and not to_one:
            raise ValueError(
                f"camera: images reach {brightest:g} after some that reached {self.most:g} and were taken for light "
                "from 0 to 1; say which number is white, as full_scale=1 or full_scale=255"
            )
        self.most = max(self.most, brightest)
        self.doubt = self._doubt(fractions)

    def _doubt(self, fractions: bool) -> str:
        if self.found == 1:
            return f"reach {self.most:g} and are taken for light from 0 to 1" if self.most > 1 else ""
        if not fractions and self.most == 1:
            return "hold nothing but 0 and 1 and are taken for light from 0 to 255"
        if not fractions and self.most > WHITE:
            return f"reach {self.most:,.0f} and are taken for light where 255 is white"
        return ""


def guess_time_unit(times: ArrayLike, stacklevel: int) -> str:
    """The unit of the times of images, where none is given: microseconds, unless these are no film.

    Where no image is a microsecond after the one before, they are seconds, and a warning says so; one says as well
    that they may be nanoseconds where all images are more than a second apart.
    """
    steps = np.diff(np.asarray(times, dtype=np.float64).ravel())
    if len(steps) and 0 < steps.max() < 1:
        words = f"camera: images are at most {steps.max():g} us apart by times_us, which are taken as seconds"
        warnings.warn(f'{words}; say unit="s", or unit="us" if they are not', stacklevel=stacklevel + 1)
        return "s"
    if len(steps) and _SLOWEST_US < steps.min() < np.inf:
        words = f"camera: images are at least {steps.min() / 1e6:,.4g} s apart by times_us, which may be nanoseconds"
        warnings.warn(f'{words}; say unit="ns", or unit="us" if they are not', stacklevel=stacklevel + 1)
    return "us"


def to_us(times: ArrayLike, unit: str) -> Floats:
    """Times of a unit ("s", "ms", "us", "ns") in microseconds.

    >>> to_us([0.033333, 0.1], "s").tolist(), to_us([1500], "ns").tolist()
    ([33333.0, 100000.0], [1.5])
    """
    given = np.asarray(times, dtype=np.float64)
    if unit == "us":
        return given
    return _near_whole(given * US_PER[unit] if unit in US_PER else given / NS_PER_US, _NEAR_US)


def _near_whole(values: Floats, near: float) -> Floats:
    """The values, but whole where they are so near to a whole number.

    >>> _near_whole(np.array([0.1 * 3 * 10, 0.5]), 1e-5).tolist()
    [3.0, 0.5]
    """
    whole = np.rint(values)
    return np.where(np.abs(values - whole) < near, whole, values)
