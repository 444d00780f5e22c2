"""Models as files: weights in safetensors, everything else as JSON in the same file; written whole or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from workbench.conversion import ConversionOptions
from workbench.engine import require_finite
from workbench.exchange.history_tables import describe_history, make_history, require_history
from workbench.exchange.model_description import ModelDescription, describe, read_description
from workbench.exchange.number_checks import add_gains, require_enough, require_layout, require_sound
from workbench.exchange.older_formats import upgrade_model
from workbench.exchange.plain_values import in_field, make_value, require_type
from workbench.exchange.tensor_files import TensorHeader, read_header, read_tensors, write_tensors
from workbench.json_text import require_names
from workbench.machine import find_version
from workbench.model import Model, Provenance, TrainingRecord, require_model
from workbench.network import Network

if TYPE_CHECKING:
    import pandas as pd

KIND = "model"


def save_model(model: Model, path: str | Path, *, history: pd.DataFrame | None = None) -> None:
    """Write a model, ANN or SNN, into one safetensors file, with where its numbers come from.

    `history` is the table that `wb.train` returned with it, for `wb.describe_model_file(path).history`. ValueError for
    a model whose numbers are not finite, OSError where the disk does not take the file; nothing is half-written.

    >>> import os, tempfile
    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wb.save_model(Model(network, seed=3), os.path.join(folder, "model.safetensors"))
    ...     wb.load_model(os.path.join(folder, "model.safetensors"))
    Model(ANN: 2 nodes, 1 edges, 34 parameters, 'class' answers from step 1)
    """
    model = require_model(model, "wb.save_model")
    require_finite(model.network, model.state_dict())
    description = describe(model) | {
        "provenance": _describe_provenance(model.provenance),
        "history": None if history is None else describe_history(history),
    }
    write_tensors(path, KIND, model.state_dict(), description)


def load_model(path: str | Path) -> Model:
    """The model that `save_model` wrote, equal in every respect, in evaluation mode; files of older versions too.

    Everything in the file is checked before the model is made: a checksum, every field, and the names, shapes and types
    of the tensors beside those that the network needs. ValueError names the file, the field or tensor, and what to do;
    for the files of other programs, what they are and the way that works.
    """
    header = read_header(path, KIND)
    tensors = read_tensors(header)
    with _in_file(header.path):
        model, _ = _build(header)
        require_finite(model.network, tensors)
        require_sound(model, tensors)
        with torch.inference_mode(False):
            model.load_state_dict(tensors, assign=True)  # in the precision it was saved in
    return model.eval()


def _build(header: TensorHeader) -> tuple[Model, _Said]:
    """The model that a file describes, which needs just the tensors that are in it, but has no values yet."""
    said = _read(header)
    require_enough(said.description.network, header.layout)
    model = said.description.build()
    add_gains(model, header.layout)
    require_layout(model, header.layout)
    model.provenance = said.provenance
    return model, said


@dataclass(frozen=True)
class _Said:
    description: ModelDescription
    provenance: Provenance
    written_by: tuple[str | None, str | None]
    history: dict[str, Any] | None


def _read(header: TensorHeader) -> _Said:
    """Everything that a file says of its model, checked."""
    data = upgrade_model(header.description, header.format)
    extra = {name: data.pop(name) for name in ("provenance", "history") if name in data}
    description = read_description(data)
    require_names("the description", extra, ("provenance", "history"))
    with in_field("provenance"):
        provenance, written_by = _read_provenance(extra["provenance"])
    with in_field("history"):
        history = None if extra["history"] is None else require_history(extra["history"])
    return _Said(description, provenance, written_by, history)


@dataclass(frozen=True, repr=False)
class ModelFile:
    """What a model file says of its model, without the model.

    `format` of the file; `workbench` and `torch`, the versions that wrote it, None where they are unknown; `numbers`:
    how many there are; `model`: what the model is, as it prints; `provenance`: the seed that drew its numbers, and its
    trainings; `training_recipe` and `recipe`, how it was trained and converted, in words.
    """

    path: Path
    format: int
    workbench: str | None
    torch: str | None
    numbers: int
    model: str
    network: Network
    training_recipe: str | None
    recipe: ConversionOptions | None
    provenance: Provenance
    _history: dict[str, Any] | None = field(repr=False, compare=False)

    @property
    def history(self) -> pd.DataFrame | None:
        """The table of the training, a row per epoch, its recipe in `history.attrs`; None where none was saved."""
        return None if self._history is None else make_history(self._history)

    def __repr__(self) -> str:
        version = f"workbench {self.workbench}, torch {self.torch}" if self.workbench else "an unknown version"
        lines = [f"ModelFile {self.path}: format {self.format}, written by {version}", f"  {self.model}"]
        if self.provenance.seed is not None:
            lines.append(f"  first numbers drawn with seed {self.provenance.seed}")
        for one in self.provenance.trainings:
            lines.append(
                f"  {one.verb}: {one.epochs} epochs of {one.recordings!r} (version {one.version[:12]}), seed {one.seed}"
                + (f", {one.recipe}" if one.recipe else "")
            )
        if self._history is not None:
            rows = max((len(values) for _, values in self._history["columns"].values()), default=0)
            lines.append(f"  history: {rows} rows, {', '.join(self._history['columns'])}")
        return "\n".join(lines)


def describe_model_file(path: str | Path) -> ModelFile:
    """What a file of `save_model` says: network, recipes, history, and where the numbers come from; none is read.

    The checksum, which is over the numbers as well, is looked at where they are read, by `load_model`. ValueError and
    FileNotFoundError as there.

    >>> import os, tempfile
    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wb.save_model(Model(network, seed=3), os.path.join(folder, "model.safetensors"))
    ...     wb.describe_model_file(os.path.join(folder, "model.safetensors")).provenance
    Provenance(seed=3, trainings=())
    """
    header = read_header(path, KIND)
    with _in_file(header.path):
        model, found = _build(header)
    return ModelFile(
        header.path, header.format, *found.written_by, sum(tensor.numel() for tensor in model.state_dict().values()),
        repr(model), model.network, model.training_recipe, model.conversion_options, found.provenance, found.history,
    )  # fmt: skip


@contextmanager
def _in_file(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{path}: not a model of this version of the workbench: {error}") from error


def _describe_provenance(provenance: Provenance) -> dict[str, Any]:
    written_by = {"workbench": find_version(), "torch": torch.__version__.partition("+")[0]}
    return written_by | dataclasses.asdict(provenance)


def _read_provenance(data: Any) -> tuple[Provenance, tuple[str | None, str | None]]:
    named = require_names("the provenance", data, ("workbench", "torch", "seed", "trainings"))
    versions = require_type(str | None, named["workbench"]), require_type(str | None, named["torch"])
    seed, trainings = require_type(int | None, named["seed"]), named["trainings"]
    if not isinstance(trainings, list):
        raise ValueError("trainings must be a list; save the model again")
    return Provenance(seed, tuple(make_value(TrainingRecord, one, "a training") for one in trainings)), versions
