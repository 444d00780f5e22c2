"""The fields of nodes of NIR, looked at before they are used: numbers where numbers belong, of as many axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nir import NIRNode

WORDS = ("same", "valid", b"same", b"valid")
BY_AXIS = ("kernel", "padding")  # of which metadata hold a number for each axis
Check = Callable[[Any], str | None]


def require_fields(name: str, node: NIRNode) -> None:
    """ValueError, with node and field, for a field that is not what its kind of node has, and for odd metadata.

    >>> import nir
    >>> require_fields("a", nir.Scale(np.array(["x"])))
    Traceback (most recent call last):
    ValueError: node 'a' (Scale): scale holds <U1, and finite numbers are needed; mend the file
    """
    kind = type(node).__name__
    for field, check in FIELDS.get(kind, {}).items():
        wrong = check(getattr(node, field))
        if wrong:
            raise ValueError(f"node {name!r} ({kind}): {field} {wrong}; mend the file")
    require_notes(f"node {name!r} ({kind})", node.metadata)


def require_notes(where: str, metadata: Any) -> None:
    """ValueError for metadata of ours that are no single values by name; those of others may be anything."""
    notes = metadata.get("workbench", {}) if isinstance(metadata, Mapping) else metadata
    if not isinstance(notes, Mapping) or not all(isinstance(key, str) for key in notes):
        raise ValueError(f"{where}: its metadata 'workbench' are no values by name; read it with metadata=False")
    for key, value in notes.items():
        if not isinstance(value, np.ndarray | np.generic | bool | int | float | str | bytes) or (
            np.ndim(value) > (key in BY_AXIS)
        ):
            raise ValueError(f"{where}: {key} of its metadata is {type(value).__name__}; read it with metadata=False")
        if np.asarray(value).dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(f"{where}: {key} of its metadata is not finite; read it with metadata=False")


def _check_numbers(value: Any) -> str | None:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return f"holds {array.dtype!s}, and finite numbers are needed"
    return None if array.size else "is empty"


def _check_sizes(value: Any) -> str | None:
    """One or two whole numbers that are not negative."""
    return _check_numbers(value) or _check_whole(np.asarray(value), most=2)


def _check_padding(value: Any) -> str | None:
    """The same, or a word for it."""
    return None if isinstance(value, str | bytes) and value in WORDS else _check_sizes(value)


def _check_number(value: Any) -> str | None:
    return _check_numbers(value) or _check_whole(np.asarray(value), most=1, negative=True)


def _check_whole(array: Any, most: int, negative: bool = False) -> str | None:
    flat = array.reshape(-1).astype(np.float64)
    if array.ndim > 1 or array.size > most or not (np.isfinite(flat) & (flat == np.round(flat))).all():
        return f"is {array.tolist()!r:.60}, and {'one whole number is' if most == 1 else 'whole numbers are'} needed"
    if ((flat < 0).any() and not negative) or (np.abs(flat) > 1 << 31).any():
        return f"is {array.tolist()!r:.60}, which is negative or too large"
    return None


_CONVOLUTION: Mapping[str, Check] = {
    "weight": _check_numbers, "bias": _check_numbers, "stride": _check_sizes, "padding": _check_padding,
    "dilation": _check_sizes, "groups": _check_number,
}  # fmt: skip
_POOL: Mapping[str, Check] = {field: _check_sizes for field in ("kernel_size", "stride", "padding")}
FIELDS: Mapping[str, Mapping[str, Check]] = {
    "Affine": {"weight": _check_numbers, "bias": _check_numbers},
    "AvgPool2d": _POOL,
    "Conv1d": _CONVOLUTION,
    "Conv2d": _CONVOLUTION,
    "Delay": {"delay": _check_numbers},
    "Flatten": {"start_dim": _check_number, "end_dim": _check_number},
    "IF": dict.fromkeys(("r", "v_threshold", "v_reset"), _check_numbers),
    "Input": {"input_type": lambda shape: _check_shape(shape.get("input"))},
    "LIF": dict.fromkeys(("tau", "r", "v_leak", "v_threshold", "v_reset"), _check_numbers),
    "Linear": {"weight": _check_numbers},
    "Scale": {"scale": _check_numbers},
    "SumPool2d": _POOL,
    "Threshold": {"threshold": _check_numbers},
}


def _check_shape(value: Any) -> str | None:
    return "is not given" if value is None else _check_numbers(value) or _check_whole(np.asarray(value), most=8)
