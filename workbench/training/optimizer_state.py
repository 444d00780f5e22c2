"""What an optimizer remembers of every parameter: found, and read back where all of it is there and fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from workbench.training.optimizers import OPTIMIZERS

PREFIX = "optimizer."
_MOST_STEPS = 2**53


class Moment(NamedTuple):
    """What an optimizer remembers under a name: whether in the shape of its parameter, or as one number; its type."""

    like_parameter: bool
    single: bool
    dtype: torch.dtype


def find_state(
    optimizer: str | Callable[..., Any], dimensions: int = 1, dtype: torch.dtype = torch.float32
) -> dict[str, Moment]:
    """What such an optimizer remembers of a parameter of so many dimensions after a step: tried with a small one.

    >>> find_state("adamw")["step"]
    Moment(like_parameter=False, single=True, dtype=torch.float32)
    """
    shape = tuple(range(2, 2 + dimensions))
    number = torch.nn.Parameter(torch.ones(shape, dtype=dtype))
    number.grad = torch.ones_like(number)
    factory = optimizer if callable(optimizer) else OPTIMIZERS[optimizer]
    tried: Optimizer = factory([{"params": [number], "weight_decay": 0.0}], lr=1e-3)
    tried.step()
    kept = tried.state_dict()["state"].get(0, {})
    found = {name: value if isinstance(value, Tensor) else torch.tensor([[0]]) for name, value in kept.items()}
    return {name: Moment(v.shape == number.shape, v.ndim == 0, v.dtype) for name, v in found.items()}


def find_moments(optimizer: Optimizer, path: Path) -> dict[str, Tensor]:
    """What an optimizer remembers of each parameter; ValueError where that is no tensor, which would be lost."""
    moments = {}
    for number, found in optimizer.state_dict()["state"].items():
        for name, value in found.items():
            if not isinstance(value, Tensor):
                raise ValueError(
                    f"{path}: {type(optimizer).__name__} remembers {name} as a {type(value).__name__}, which "
                    "a checkpoint cannot hold; leave checkpoint= out, or choose another optimizer"
                )
            moments[f"{PREFIX}{number}.{name}"] = value
    return moments


def read_moments(
    tensors: Mapping[str, Tensor], names: Any, optimizer: Optimizer, factory: str | Callable[..., Any]
) -> dict[int, dict[str, Tensor]]:
    """The moments of the optimizer for every parameter; ValueError unless all that was written is there and fits.

    `names`: of what was written. Parameters that had no gradient have no moments, but not all are so, if the optimizer
    remembers anything.
    """
    found = {name: tensor for name, tensor in tensors.items() if name.startswith(PREFIX)}
    if sorted(found) != names:
        raise ValueError("it lacks a part of the optimizer's state, without which training would go on otherwise")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    places = {str(number): number for number in range(len(parameters))}
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in found.items():
        number, _, moment = name.removeprefix(PREFIX).partition(".")
        if number not in places:
            raise ValueError(f"{name} belongs to none of the {len(parameters)} parameters")
        moments.setdefault(places[number], {})[moment] = tensor
    tried: dict[tuple[int, torch.dtype], dict[str, Moment]] = {}
    for parameter in parameters:
        kind = parameter.ndim, parameter.dtype
        tried[kind] = tried[kind] if kind in tried else find_state(factory, *kind)
    for place, remembered in moments.items():
        parameter = parameters[place]
        _require_remembered(f"{PREFIX}{place}", remembered, parameter, tried[parameter.ndim, parameter.dtype])
    if not moments and any(tried.values()):
        raise ValueError("it lacks the optimizer's state, without which training would go on otherwise")
    return moments


def _require_remembered(
    owner: str, remembered: Mapping[str, Tensor], parameter: Tensor, expected: Mapping[str, Moment]
) -> None:
    """ValueError unless what is remembered of a parameter has the names, shapes and types that it should."""
    if set(remembered) != set(expected):
        wrong = sorted(set(remembered) ^ set(expected))
        raise ValueError(f"{owner}.{wrong[0]} is missing or too much, of the optimizer's state for a parameter")
    for name, moment in expected.items():
        values = remembered[name]
        wanted = parameter.shape if moment.like_parameter else torch.Size([]) if moment.single else values.shape
        if values.shape != wanted or values.dtype != moment.dtype:
            raise ValueError(
                f"{owner}.{name} does not fit its parameter: it is {values.dtype} {tuple(values.shape)}, not "
                f"{moment.dtype} {tuple(wanted)}"
            )
        if not values.isfinite().all():
            raise ValueError(f"{owner}.{name} does not fit its parameter: not all of it is finite")
        if name == "step" and not (1 <= float(values.max()) < _MOST_STEPS and bool((values == values.round()).all())):
            raise ValueError(f"{owner}.step={float(values.max()):g} is no number of steps")
        if "sq" in name and bool((values < 0).any()):
            raise ValueError(f"{owner}.{name} is a mean of squares, and negative")
