"""Checkpoints: a training written to a file after every epoch, from which it goes on bit for bit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from workbench.engine import require_finite
from workbench.exchange import in_field, read_header, read_tensors, require_layout, require_sound, write_tensors
from workbench.json_text import require_names, shorten
from workbench.model import Model
from workbench.training.optimizer_state import PREFIX, find_moments, read_moments
from workbench.training.selection import find_best

KIND = "checkpoint"
_FRACTIONS = ("accuracy", "validation_accuracy")


@dataclass
class TrainingState:
    """Where a training stands: everything that a checkpoint must hold."""

    model: Model
    optimizer: torch.optim.Optimizer
    best: Model
    history: list[dict[str, float]] = field(default_factory=list)
    averaged: Model | None = None

    @property
    def answering(self) -> Model:
        """The model that the training gives: the one that is learned, or its average."""
        return self.model if self.averaged is None else self.averaged

    def note(self, row: dict[str, float]) -> None:
        """Add an epoch, and keep the model if it is the best so far: by validation accuracy, else by loss."""
        self.history.append(row)
        if find_best(self.history) == len(self.history) - 1:
            self.best = self.answering.copy()

    def models(self) -> dict[str, Model]:
        """The models that a checkpoint holds, by the prefix of their numbers' names."""
        averaged = {} if self.averaged is None else {"averaged.": self.averaged}
        return {"model.": self.model, "best.": self.best} | averaged


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds one training, what identifies it, and the optimizer that it is done with."""

    path: Path
    identity: dict[str, Any]
    optimizer: str | Callable[..., Any]

    def write(self, state: TrainingState) -> None:
        """Write the training state, completely or not at all."""
        tensors = {
            f"{prefix}{name}": tensor
            for prefix, model in state.models().items()
            for name, tensor in model.state_dict().items()
        }
        moments = find_moments(state.optimizer, self.path)
        description = {"identity": self.identity, "history": state.history, "moments": sorted(moments)}
        write_tensors(self.path, KIND, tensors | moments, description)

    def resume(self, state: TrainingState) -> None:
        """Restore a training from the file; ValueError for another training's file or a broken one.

        What a training needs to go on bit for bit must all be there and make sense: weights, the best ones, the moments
        of the optimizer, and a history with a row for every epoch. There is no generator of random numbers among it:
        every batch and every epoch draws from the seed and its own number.
        """
        header = read_header(self.path, KIND)
        tensors, description = read_tensors(header), header.description
        self._require_same(description.get("identity"))
        state.best = state.model.copy()
        try:
            require_names("its description", description, ("identity", "history", "moments"))
            with in_field("history"):
                history = _read_history(description["history"], self.identity)
            prefixes = (*state.models(), PREFIX)
            unknown = [name for name in tensors if not name.startswith(prefixes)]
            if unknown:
                raise ValueError(f"tensor {unknown[0]!r} belongs to no part of a training")
            for prefix, model in state.models().items():
                inside = {name.removeprefix(prefix): name for name in tensors if name.startswith(prefix)}
                own = {short: tensors[name] for short, name in inside.items()}
                require_layout(model, {short: header.layout[name] for short, name in inside.items()}, prefix, same=True)
                require_finite(model.network, own)
                require_sound(model, own)
            with in_field("moments"):
                moments = read_moments(tensors, description["moments"], state.optimizer, self.optimizer)
        except ValueError as error:
            words = " ".join(str(error).split())
            raise ValueError(
                f"{self.path}: this checkpoint is incomplete or damaged ({words}); delete it to start anew"
            ) from error
        for prefix, model in state.models().items():
            model.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
        state.history = history
        state.optimizer.load_state_dict(state.optimizer.state_dict() | {"state": moments})

    def _require_same(self, saved: Any) -> None:
        """ValueError, with what differs, unless the file is of this training."""
        own, other = json.loads(json.dumps(self.identity)), saved if isinstance(saved, dict) else {}
        differing = [name for name in own | other if name not in own or name not in other or own[name] != other[name]]
        if differing:
            raise ValueError(
                f"{self.path} is a checkpoint of another training (it differs in {', '.join(differing)}); name another "
                "file, or delete this one to start anew"
            )


def _read_history(rows: Any, identity: Mapping[str, Any]) -> list[dict[str, float]]:
    """The rows of a history; ValueError unless they are those of the first epochs, one for each."""
    columns = ["epoch", "loss", "accuracy"]
    if identity.get("validation") is not None:
        columns += ["validation_loss", "validation_accuracy"]
    if not isinstance(rows, list) or not 1 <= len(rows) <= identity["epochs"]:
        raise ValueError("its history has no row for every epoch")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or list(row) != columns or not all(map(_is_number, row.values())):
            raise ValueError(f"row {number} of its history is {shorten(row)}, not one of {', '.join(columns)}")
        if row["epoch"] != number:
            raise ValueError(f"row {number} of its history is of epoch {row['epoch']}")
        if any(not 0 <= row[name] <= 1 for name in _FRACTIONS if name in row):
            raise ValueError(f"row {number} of its history has an accuracy that is no share, {shorten(row)}")
    return rows


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
