"""The precision of the linear maps in training: float32 throughout, or bfloat16 where that is enough."""

from __future__ import annotations

import warnings
from functools import cache

import torch

PRECISIONS = ("fp32", "bf16")


def require_precision(precision: object) -> None:
    """ValueError unless it is one that we know.

    >>> require_precision("fp16")
    Traceback (most recent call last):
    ValueError: precision='fp16' is unknown; choose from fp32, bf16
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision={precision!r} is unknown; choose from {', '.join(PRECISIONS)}")


def cast(device: torch.device, precision: str) -> torch.autocast:
    """The context in which linear maps on this device have the precision; a warning once where that is no gain.

    >>> with cast(torch.device("cpu"), "fp32"):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.float32
    """
    if precision == "bf16" and device.type == "cpu" and not multiplies_natively():
        _warn_once()
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def multiplies_natively() -> bool:
    """Whether this CPU has instructions for bfloat16; assumed where torch does not say."""
    capabilities = getattr(torch.cpu, "get_capabilities", None)  # since torch 2.9 or so
    return capabilities is None or any(has and "bf16" in name for name, has in capabilities().items())


@cache
def _warn_once() -> None:
    warnings.warn(
        'precision="bf16": this CPU has no instructions for bfloat16, so training is right but slower than with "fp32"',
        stacklevel=2,
    )
