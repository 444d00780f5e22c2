"""Where a call computes: on the device it names, else where the model lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from workbench.model.network_numbers import NetworkNumbers

Device = str | torch.device
"""Where to compute, by name or as torch has it: "cpu", "cuda", "cuda:1"."""

Numbers = TypeVar("Numbers", bound="NetworkNumbers")


def place(model: Numbers, device: Device | None) -> Numbers:
    """The model where nothing or its own device is named, else a copy of it there.

    ValueError, with the cure, for a device that torch does not know or cannot use here, and for one without values.

    >>> model = Model(Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))]))
    >>> place(model, None) is place(model, "cpu") is model
    True
    >>> place(model, "meta")
    Traceback (most recent call last):
    ValueError: device='meta' has shapes and no values, so nothing can be computed there; give device="cpu", "cuda" ...
    """
    if device is None and model.device.type != "meta":
        return model
    wanted, own = require_device(model.device if device is None else device), model.device
    if wanted == own or str(wanted) == own.type:
        return model
    other = model.copy().to(wanted)
    other.train(model.training)
    return other


def require_device(device: object) -> torch.device:
    """The device; ValueError, with the cure, where torch does not know it, or cannot use it on this machine."""
    cure = 'give device="cpu", "cuda" or "cuda:1", or leave it out: then it is computed where the model lies'
    try:
        wanted = torch.device(device) if isinstance(device, str | torch.device) else None
    except RuntimeError:
        wanted = None
    if wanted is None:
        raise ValueError(f"device={device!r} is no device of torch; {cure}")
    name = repr(str(wanted))
    if wanted.type == "meta":
        raise ValueError(f"device={name} has shapes and no values, so nothing can be computed there; {cure}")
    if wanted.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={name}: torch finds no GPU of CUDA on this machine; {cure}. Where there is one, torch must be "
            "built for it: torch.cuda.is_available()"
        )
    if wanted.type == "cuda" and (wanted.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"device={name}: this machine has {torch.cuda.device_count()} of them, from cuda:0 on; {cure}")
    try:
        torch.zeros(1, device=wanted).sum().item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"device={name} cannot be used on this machine ({first}); {cure}") from error
    return wanted
