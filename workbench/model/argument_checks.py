"""Checks of the arguments of verbs: a model where a model is expected, recordings where these are.

Errors say what was given, what is expected, and the call that would do it. The `verb` is called as a user
calls it: "wb.compare".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from torch import Tensor, nn

from workbench.events import Dataset, Recordings
from workbench.model.model import Model
from workbench.model.placement import Device, place
from workbench.network import Network, Rollout


def take_training(recordings: Any, verb: str) -> Recordings:
    """The recordings, of a Dataset its training part; ValueError, with the call that would do it, for anything else."""
    return recordings.train if isinstance(recordings, Dataset) else _require_recordings(recordings, verb)


def take_test(recordings: Any, verb: str) -> Recordings:
    """The recordings, of a Dataset its test part; ValueError, with the call that would do it, for anything else."""
    return recordings.test if isinstance(recordings, Dataset) else _require_recordings(recordings, verb)


def require_model(model: Any, verb: str, device: Device | None = None) -> Model:
    """The model, on a device that is named a copy; ValueError, with the call that would do it, for anything else.

    >>> require_model(Network({"eye": (2,)}, [Edge("eye", "hand", Dense(1))]), "wb.compare")
    Traceback (most recent call last):
    ValueError: wb.compare takes a wb.Model, not a Network; give it numbers: wb.Model(network, seed=0)
    """
    if isinstance(model, Model):
        return place(model, device)
    raise ValueError(f"{verb} takes a wb.Model, not {_name(model)}; {_model_cure(model, verb)}")


def require_models(models: Any, verb: str, device: Device | None = None) -> dict[str, Model]:
    """Models by name, on a device that is named copies; ValueError, with the call that would do it, for all else."""
    if isinstance(models, Model):
        raise ValueError(f'{verb} takes models by name, not one alone; give {verb}({{"model": model}}, recordings)')
    if not isinstance(models, Mapping):
        several = isinstance(models, Sequence) and all(isinstance(one, Model) for one in models)
        cure = (
            f'give {verb}({{"first": first, "second": second}}, recordings)'
            if several
            else f'give {verb}({{"ANN": ann}}, recordings)'
        )
        raise ValueError(f"{verb} takes a dict of models by name, not {_name(models)}; {cure}")
    if not models:
        raise ValueError(f'{verb}: no models; give at least one, as {{"ANN": ann}}')
    return {str(name): require_model(model, verb, device) for name, model in models.items()}


def require_network(network: Any, verb: str) -> Network:
    """The network; ValueError, with the call that would do it, for anything else."""
    if isinstance(network, Network):
        return network
    cures = {Model: f"give its graph: {verb}(model.network)", Rollout: f"give its graph: {verb}(rollout.network)"}
    cure = next((cure for kind, cure in cures.items() if isinstance(network, kind)), "give wb.Network(inputs, edges)")
    raise ValueError(f"{verb} takes a wb.Network, not {_name(network)}; {cure}")


def require_rollout(rollout: Any, verb: str) -> Rollout:
    """The rollout; ValueError, with the call that would do it, for anything else."""
    if isinstance(rollout, Rollout):
        return rollout
    graph = "model.network" if isinstance(rollout, Model) else "network"
    raise ValueError(
        f"{verb} takes a wb.Rollout, not {_name(rollout)}; unroll first: {verb}(wb.Rollout({graph}, frames=6))"
    )


def _require_recordings(recordings: Any, verb: str) -> Recordings:
    if isinstance(recordings, Recordings):
        return recordings
    raise ValueError(
        f"{verb} takes wb.Recordings or a wb.Dataset, not {_name(recordings)}; {_recordings_cure(recordings, verb)}"
    )


def _model_cure(given: Any, verb: str) -> str:
    """The call that makes a model of what was given, or puts it where it belongs."""
    if isinstance(given, Network):
        return "give it numbers: wb.Model(network, seed=0)"
    if isinstance(given, Recordings | Dataset):
        return f"the model comes first: {verb}(model, recordings)"
    if isinstance(given, nn.Module):
        return "describe it as a graph whose connections have delays: wb.Model(wb.Network(inputs, edges))"
    if isinstance(given, tuple) and given and isinstance(given[0], Model):
        return "wb.train returns a model and its history: ann, history = wb.train(model, recordings)"
    if isinstance(given, Mapping | Sequence) and not isinstance(given, str):
        return f"it takes one at a time: {{name: {verb}(model, recordings) for name, model in models.items()}}"
    if isinstance(given, str | PathLike):
        return "read it first: wb.load_model(path)"
    return "make one by wb.Model(wb.Network(inputs, edges))"


def _recordings_cure(given: Any, verb: str) -> str:
    """The call that makes recordings of what was given, or puts it where it belongs."""
    if isinstance(given, nn.Module | Network):
        return f"the recordings come after the model: {verb}(model, recordings)"
    if isinstance(given, Tensor | np.ndarray):
        return "make recordings of counts per tick: wb.Recordings.from_ticks(counts, labels, ticks_per_frame=...)"
    if hasattr(given, "dataset") and not hasattr(given, "__getitem__"):
        return "load what it draws from: wb.load(loader.dataset)"
    if given is None:
        return "load some: wb.load(name, folder)"
    return "load them first: wb.load(...) takes names, folders, data sets of tonic, and arrays with labels"


def _name(given: Any) -> str:
    """What was given, in words: its type, and its shape where it has one."""
    if given is None:
        return "None"
    kind = type(given).__name__
    shape = f" of shape {tuple(given.shape)}" if isinstance(given, Tensor | np.ndarray) else ""
    return f"{'an' if kind[0].lower() in 'aeiou' or kind == 'ndarray' else 'a'} {kind}{shape}"
