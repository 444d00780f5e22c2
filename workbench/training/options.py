"""Every option of a training as one value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from workbench.events import EventTransform, take_transforms
from workbench.training.losses import Loss, require_loss
from workbench.training.mixed_precision import require_precision
from workbench.training.named_functions import describe_function, name_function
from workbench.training.optimizers import require_optimizer
from workbench.training.schedule import Schedule, require_schedule
from workbench.training.selection import require_selection
from workbench.validation import hold_whole, require_seed


@dataclass(frozen=True)
class TrainingOptions:
    """How a training is done; the same options, model and recordings give the same numbers."""

    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    answer: str
    seed: int
    levels: int | None = None
    spike_cost: float = 0.0
    noise: float = 0.0
    recompute: int | None = None
    precision: str = "fp32"
    augment: Sequence[EventTransform] = ()
    dropout: float = 0.0
    label_smoothing: float = 0.0
    loss: Loss | None = None
    optimizer: str | Callable[..., Any] = "adamw"
    schedule: str | Schedule = "one_cycle"
    select: str | float | None = None
    patience: int | None = None
    average: float | None = None
    accumulate: int = 1

    def __post_init__(self) -> None:
        hold_whole(self, "epochs", "batch", "accumulate")
        object.__setattr__(self, "augment", take_transforms(self.augment))
        object.__setattr__(self, "seed", require_seed(self.seed))
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate={self.learning_rate!r} must be positive")
        for option in ("levels", "recompute", "patience"):
            if getattr(self, option) is not None:
                hold_whole(self, option)
        require_precision(self.precision)
        for option in ("spike_cost", "noise"):
            if not 0 <= getattr(self, option) < math.inf:
                raise ValueError(f"{option}={getattr(self, option)!r} must be 0 or more; 0 leaves it out")
        for option in ("dropout", "label_smoothing"):
            if not 0 <= getattr(self, option) < 1:
                raise ValueError(f"{option}={getattr(self, option)!r} must be a share from 0 to less than 1")
        if self.average is not None and not 0 < self.average < 1:
            raise ValueError(
                f"average={self.average!r} must be the share of the average that a batch keeps, between 0 and 1, such "
                "as 0.99"
            )
        require_loss(self.loss, self.label_smoothing)
        require_optimizer(self.optimizer)
        require_schedule(self.schedule)
        require_selection(self.select)

    def describe(self) -> dict[str, Any]:
        """The options as plain data; functions by their names and a digest of what they do, transforms as typed."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["augment"] = [repr(transform) for transform in self.augment]
        if self.accumulate == 1:
            del plain["accumulate"]  # which checkpoints of trainings without it do not name
        for option in ("loss", "optimizer", "schedule"):
            plain[option] = describe_function(plain[option]) if callable(plain[option]) else plain[option]
        return plain

    @property
    def recipe(self) -> str | None:
        """What differs from a plain training, in words; None where nothing does.

        >>> TrainingOptions(80, 32, 4e-3, 1e-2, "running", 0, label_smoothing=0.1).recipe
        'epochs=80, label_smoothing=0.1'
        """
        shown = {"epochs": str(self.epochs)}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _TOLD and value != field.default:
                listed = list(value) if field.name == "augment" else value
                shown[field.name] = name_function(value) if callable(value) else repr(listed)
        return ", ".join(f"{name}={value}" for name, value in shown.items()) if len(shown) > 1 else None


_TOLD = (
    "levels", "spike_cost", "noise", "augment", "dropout", "label_smoothing", "loss", "optimizer", "schedule", "select",
    "patience", "average", "accumulate",
)  # fmt: skip
