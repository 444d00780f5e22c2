"""Scikit-learn's 1,797 handwritten digits, and splines to draw them at any size and place."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def load_digit_images() -> tuple[Floats, NDArray[np.int64]]:
    """The images (1797, 8, 8) with ink from 0 to 1 and the digits (1797,) that they show.

    Source: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI, doi 10.24432/C50P49; its
    test part, as scikit-learn carries it.
    """
    from sklearn import datasets

    load = cast(Callable[..., tuple[Floats, NDArray[np.int64]]], datasets.load_digits)
    ink, digit = load(return_X_y=True)
    return ink.reshape(-1, 8, 8) / 16, digit.astype(np.int64)


def spline_weights(positions: ArrayLike, samples: int = 8) -> Floats:
    """Weights (*positions, samples) that draw the smooth curve through samples lying at 0, 1, 2, ...

    Cubic B-spline: w(x) = 2/3 - x^2 + |x|^3 / 2 for |x| < 1, (2 - |x|)^3 / 6 for 1 <= |x| < 2, else 0.
    It smooths a little, never rings, and fades to 0 outside; an image at rows and columns is
    ``spline_weights(rows) @ image @ spline_weights(columns).T``.

    >>> spline_weights([0.0, 2.5], samples=4).round(3).tolist()
    [[0.667, 0.167, 0.0, 0.0], [0.0, 0.021, 0.479, 0.479]]
    """
    distance = np.abs(np.asarray(positions, dtype=np.float64)[..., None] - np.arange(samples))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far)
