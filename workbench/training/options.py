"""Every option of a training as one value."""

from __future__ import annotations

import math
from dataclasses import dataclass

from workbench.training.mixed_precision import require_precision
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

    def __post_init__(self) -> None:
        hold_whole(self, "epochs", "batch")
        object.__setattr__(self, "seed", require_seed(self.seed))
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate={self.learning_rate!r} must be positive")
        for option in ("levels", "recompute"):
            if getattr(self, option) is not None:
                hold_whole(self, option)
        require_precision(self.precision)
        for option in ("spike_cost", "noise"):
            if not 0 <= getattr(self, option) < math.inf:
                raise ValueError(f"{option}={getattr(self, option)!r} must be 0 or more; 0 leaves it out")
