"""Trainings put down in a file after every epoch, from which they go on bit for bit."""

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

from workbench.events.recordings import Recordings
from workbench.exchange import describe, read_tensors, write_tensors
from workbench.model import Model

_AT_ONCE = 1 << 22  # events looked at together: recordings may be mapped from files larger than memory


@dataclass
class Progress:
    """Where a training stands: everything that a checkpoint must hold."""

    model: Model
    optimizer: torch.optim.Optimizer
    best: Model
    history: list[dict[str, float]] = field(default_factory=list)

    def note(self, row: dict[str, float]) -> None:
        """Add an epoch, and keep the model if it is the best so far: by validation accuracy, else by loss."""
        ranks = [(-r.get("validation_accuracy", 0.0), r["loss"]) for r in self.history]
        if (-row.get("validation_accuracy", 0.0), row["loss"]) < min(ranks, default=(1.0, math.inf)):
            self.best = self.model.copy()
        self.history.append(row)


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds one training, and what that training is known by."""

    path: Path
    identity: dict[str, Any]

    def write(self, state: Progress) -> None:
        """Put down where the training stands, whole or not at all."""
        tensors = {f"model.{name}": tensor for name, tensor in state.model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in state.best.state_dict().items()}
        for number, moments in state.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in moments.items()}
        write_tensors(self.path, tensors, {"identity": self.identity, "history": state.history})

    def resume(self, state: Progress) -> None:
        """Bring a training to where the file says it stood; ValueError for another training's file or a broken one."""
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
            state.history = description["history"]
            for prefix, model in (("model.", state.model), ("best.", state.best)):
                model.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
        except (KeyError, RuntimeError) as error:
            raise ValueError(
                f"{self.path}: this checkpoint is incomplete ({error}); delete it to start anew"
            ) from error
        whole = state.optimizer.state_dict()
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, number, moment = name.split(".")
                moments.setdefault(int(number), {})[moment] = tensor
        state.optimizer.load_state_dict(whole | {"state": moments})


def identify(
    model: Model, recordings: Recordings, validation: Recordings | None, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What a checkpoint must agree with to be continued."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    clock = f"{recordings.frames} frames of {recordings.window_us} us together"
    identity = {"starting weights": digest.hexdigest(), "recordings": _digest(recordings), "frames": clock}
    return dict(settings) | describe(model) | identity | {"validation": _digest(validation)}


def _digest(recordings: Recordings | None) -> str | None:
    """A fingerprint of all events and labels."""
    if recordings is None:
        return None
    digest = hashlib.sha256()
    for values in (recordings.time_us, recordings.site, recordings.starts, recordings.labels):
        for begin in range(0, len(values), _AT_ONCE):
            digest.update(np.ascontiguousarray(values[begin : begin + _AT_ONCE]).data)
    return digest.hexdigest()
