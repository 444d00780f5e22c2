"""Optimizers by name, or any of torch's by a factory."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch.optim import Optimizer

from workbench.model import Model
from workbench.training.named_functions import name_function

OPTIMIZERS: Mapping[str, Callable[..., Optimizer]] = MappingProxyType(
    {
        "adamw": torch.optim.AdamW,
        "adam": torch.optim.Adam,
        "nadam": torch.optim.NAdam,
        "radam": torch.optim.RAdam,
        "rmsprop": torch.optim.RMSprop,
        "sgd": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    }
)
"""Factories by name, each called as factory(groups, lr=learning_rate); SGD has a momentum of 0.9, Nesterov's."""


def require_optimizer(optimizer: object) -> None:
    """ValueError unless it is the name of an optimizer or a factory.

    >>> require_optimizer("lion")
    Traceback (most recent call last):
    ValueError: optimizer='lion' is unknown; choose from adamw, adam, nadam, radam, rmsprop, sgd, or give a factory ...
    """
    if not callable(optimizer) and optimizer not in list(OPTIMIZERS):
        raise ValueError(
            f"optimizer={optimizer!r} is unknown; choose from {', '.join(OPTIMIZERS)}, or give a factory of one of "
            "torch's, such as torch.optim.Adagrad or functools.partial(torch.optim.SGD, momentum=0.8)"
        )


def make_optimizer(
    model: Model, optimizer: str | Callable[..., Any], learning_rate: float, weight_decay: float
) -> Optimizer:
    """An optimizer of all parameters of a model; the ceilings of its neurons are not decayed.

    A factory is called as factory(groups, lr=learning_rate), the weight decay in the groups. ValueError where it fails,
    gives no optimizer, or one that must compute the loss itself.

    >>> model = Model(Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))]))
    >>> type(make_optimizer(model, torch.optim.Adagrad, 0.1, 0.0)).__name__
    'Adagrad'
    """
    ceilings = list(model.log_ceilings.parameters())
    others = [parameter for name, parameter in model.named_parameters() if not name.startswith("log_ceilings.")]
    groups: list[dict[str, Any]] = [{"params": others, "weight_decay": weight_decay}]
    groups += [{"params": ceilings, "weight_decay": 0.0}]
    if not callable(optimizer):
        return OPTIMIZERS[optimizer](groups, lr=learning_rate)
    name = name_function(optimizer)
    try:
        made = optimizer(groups, lr=learning_rate)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"optimizer={name} could not be made as {name}(groups, lr={learning_rate:g}) ({error}); give a factory of "
            "one of torch's that takes both, such as lambda groups, lr: torch.optim.SGD(groups, lr, momentum=0.9)"
        ) from error
    if not isinstance(made, Optimizer):
        raise ValueError(
            f"optimizer={name} gave a {type(made).__name__}, no optimizer of torch; give a factory, such as "
            "torch.optim.Adagrad"
        )
    closure = inspect.signature(made.step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise ValueError(
            f"optimizer={name} computes the loss several times a step, which train does not; choose another one, or "
            "train in a loop of your own: model(frames)"
        )
    return made
