"""What a training learns, checked before anything is learned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from workbench.evaluation import require_match
from workbench.events import Recordings, require_augmentation
from workbench.model import Model
from workbench.training.gradient_checkpointing import require_segments
from workbench.training.options import TrainingOptions
from workbench.training.processes.sent_recordings import SentRecordings, pack
from workbench.training.selection import hold_back


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learned, checked: by whom, of which recordings, how."""

    model: Model
    recordings: Recordings
    validation: Recordings | None
    options: TrainingOptions

    def copied(self) -> Lesson:
        """The same with a model whose memory is its own, to be sent to other processes."""
        model = self.model.copy().cpu()
        model.seen = {}
        return replace(self, model=model)

    def __reduce__(self) -> tuple[Any, ...]:
        validation = None if self.validation is None else pack(self.validation)
        return _receive, (self.model, pack(self.recordings), validation, self.options)


def _receive(
    model: Model, recordings: SentRecordings, validation: SentRecordings | None, options: TrainingOptions
) -> Lesson:
    """The lesson in the process that it was sent to."""
    return Lesson(model, recordings.unpack(), None if validation is None else validation.unpack(), options)


def prepare(model: Model, recordings: Recordings, validation: Recordings | None, options: TrainingOptions) -> Lesson:
    """What is learned; ValueError where it cannot be."""
    for part in (recordings, validation):
        if part is not None:
            require_match(model, part)
    require_segments(model, options)
    require_augmentation(options.augment, recordings)
    if options.precision == "bf16" and model.dtype != torch.float32:
        raise ValueError(
            f'precision="bf16" is for models in float32, but this one computes in {model.dtype}; use model.float(), or '
            'precision="fp32", which leaves it as it is'
        )
    return Lesson(model, *hold_back(recordings, validation, options.select, options.patience, options.seed), options)
