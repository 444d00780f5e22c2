"""Checkpoints: a training written to a file after every epoch, from which it goes on bit for bit."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.engine import require_finite
from workbench.events import Recordings
from workbench.exchange import describe, read_tensors, write_tensors
from workbench.model import Model
from workbench.training.selection import find_best

_AT_ONCE = 1 << 22  # events looked at together: recordings may be mapped from files larger than memory


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
    """A file that holds one training, what identifies it, and what its optimizer remembers of every parameter."""

    path: Path
    identity: dict[str, Any]
    remembered: frozenset[str]

    def write(self, state: TrainingState) -> None:
        """Write the training state, completely or not at all."""
        tensors = {
            f"{prefix}{name}": tensor
            for prefix, model in state.models().items()
            for name, tensor in model.state_dict().items()
        }
        moments = self._read_optimizer(state.optimizer)
        description = {"identity": self.identity, "history": state.history, "moments": sorted(moments)}
        write_tensors(self.path, tensors | moments, description)

    def _read_optimizer(self, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
        """What an optimizer remembers of each parameter; ValueError where that is no tensor, which would be lost."""
        moments = {}
        for number, found in optimizer.state_dict()["state"].items():
            for name, value in found.items():
                if not isinstance(value, Tensor):
                    raise ValueError(
                        f"{self.path}: {type(optimizer).__name__} remembers {name} as a {type(value).__name__}, which "
                        "a checkpoint cannot hold; leave checkpoint= out, or choose another optimizer"
                    )
                moments[f"optimizer.{number}.{name}"] = value
        return moments

    def resume(self, state: TrainingState) -> None:
        """Restore a training from the file; ValueError for another training's file or a broken one.

        What a training needs to go on bit for bit must all be there and make sense: weights, the best ones, the moments
        of the optimizer, and a history with a row for every epoch.
        """
        tensors, description = read_tensors(self.path)
        saved = description.get("identity", {})
        differing = [name for name, value in json.loads(json.dumps(self.identity)).items() if saved.get(name) != value]
        if differing:
            raise ValueError(
                f"{self.path} is a checkpoint of another training (it differs in {', '.join(differing)}); name another "
                "file, or delete this one to start anew"
            )
        state.best = state.model.copy()
        try:
            for prefix, model in state.models().items():
                model.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
                require_finite(model.network, model.state_dict())
            history = _read_history(description["history"], saved)
            moments = _read_moments(tensors, description["moments"], state.optimizer, self.remembered)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            words = " ".join(str(error).split())
            raise ValueError(
                f"{self.path}: this checkpoint is incomplete or damaged ({words}); delete it to start anew"
            ) from error
        state.history = history
        state.optimizer.load_state_dict(state.optimizer.state_dict() | {"state": moments})


def _read_history(rows: Any, identity: Mapping[str, Any]) -> list[dict[str, float]]:
    """The rows of a history; ValueError unless they are those of the first epochs, one for each."""
    columns = ["epoch", "loss", "accuracy"]
    if identity.get("validation") is not None:
        columns += ["validation_loss", "validation_accuracy"]
    if not isinstance(rows, list) or not 1 <= len(rows) <= identity["epochs"]:
        raise ValueError("its history has no row for every epoch")
    for number, row in enumerate(rows, start=1):
        whole = isinstance(row, dict) and list(row) == columns and row["epoch"] == number
        if not whole or not all(isinstance(v, int | float) and math.isfinite(v) for v in row.values()):
            raise ValueError(f"row {number} of its history is {row}, not one of {', '.join(columns)}")
    return rows


def _read_moments(
    tensors: Mapping[str, Tensor], names: Any, optimizer: torch.optim.Optimizer, remembered: frozenset[str]
) -> dict[int, dict[str, Tensor]]:
    """The moments of the optimizer for every parameter; ValueError unless all that was written is there and fits.

    Parameters that had no gradient have none, but not all are so, if the optimizer has `remembered` anything.
    """
    found = {name: tensor for name, tensor in tensors.items() if name.startswith("optimizer.")}
    kinds = {name.split(".")[2] for name in found}
    if sorted(found) != names or kinds != remembered:
        raise ValueError("it lacks a part of the optimizer's state, without which training would go on otherwise")
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in found.items():
        _, number, moment = name.split(".")
        parameter = parameters[int(number)] if int(number) < len(parameters) else torch.empty(0)
        if tensor.shape not in (parameter.shape, torch.Size([])) or not tensor.isfinite().all():
            raise ValueError(f"{name} does not fit its parameter")
        moments.setdefault(int(number), {})[moment] = tensor
    return moments


def identify(
    model: Model, recordings: Recordings, validation: Recordings | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """What a checkpoint must agree with to be continued."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    clock = f"{recordings.frames} frames of {recordings.window_us} us together"
    identity = {"starting weights": digest.hexdigest(), "recordings": _digest(recordings), "frames": clock}
    return dict(options) | describe(model) | identity | {"validation": _digest(validation)}


def _digest(recordings: Recordings | None) -> str | None:
    """A fingerprint of all events and labels."""
    if recordings is None:
        return None
    digest = hashlib.sha256()
    for values in (recordings.time_us, recordings.site, recordings.starts, recordings.labels):
        for begin in range(0, len(values), _AT_ONCE):
            digest.update(np.ascontiguousarray(values[begin : begin + _AT_ONCE]).data)
    if recordings.clip is not None:
        digest.update(f"at most {recordings.clip} in ticks of {recordings.ticks_per_frame} a frame".encode())
    return digest.hexdigest()
