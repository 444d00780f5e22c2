"""Streams as files: where a long recording stands, to go on in another process, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from workbench.engine import Segment, State
from workbench.exchange.model_description import describe
from workbench.exchange.plain_values import in_field, require_type
from workbench.exchange.tensor_files import find_checksum, read_header, read_tensors, write_tensors
from workbench.json_text import require_names, shorten
from workbench.model import KeptStream, Model, NetworkNumbers, Stream, require_model
from workbench.validation import require_whole

KIND = "stream"
_FIELDS = ("model", "batch", "record", "engine", "steps", "step", "settled", "past", "membranes")
_COUNTED = "operations"
_OTHER = ("origin", "training_recipe")  # what is said of a model that changes no number


def save_stream(stream: Stream, path: str | Path) -> None:
    """Write where a stream stands into one safetensors file, with what it remembers of the recording so far.

    Nothing of the model is in it but a digest. ValueError for a stream of a model in training; OSError where the disk
    does not take the file; nothing is half-written.

    >>> import os, tempfile
    >>> model = Model(Network({"eye": (4,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(2))]), norm=None)
    >>> frames, stream = torch.rand(9, 1, 4), model.eval().stream()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     before = stream.feed(frames[:5])
    ...     wb.save_stream(stream, os.path.join(folder, "eye.stream"))
    ...     again = wb.load_stream(os.path.join(folder, "eye.stream"), model)
    >>> again.step, torch.equal(again.feed(frames[5:]), stream.feed(frames[5:]))
    (5, True)
    """
    if not isinstance(stream, Stream):
        raise ValueError(
            f"wb.save_stream takes a stream, not a {type(stream).__name__}; open one: stream = model.stream(batch=1)"
        )
    kept = stream.keep()
    tensors: dict[str, Tensor] = {_COUNTED: torch.from_numpy(kept.counted)}
    past: dict[str, list[dict[str, Any]]] = {}
    membranes: dict[str, list[int]] = {}
    for number, node in enumerate(stream.network.nodes):
        for place, segment in enumerate(kept.state.past.get(node, ())):
            past.setdefault(node, []).append({"start": segment.start, "axes": _find_axes(segment.values)})
            tensors[f"past.{number}.{place}"] = segment.values
        membrane = kept.state.membranes.get(node)
        if membrane is not None:
            membranes[node], tensors[f"membranes.{number}"] = _find_axes(membrane), membrane
    description = {
        "model": find_digest(stream.model), "batch": kept.batch, "record": list(kept.record), "engine": kept.engine,
        "steps": kept.steps, "step": kept.state.step, "settled": kept.settled, "past": past, "membranes": membranes,
    }  # fmt: skip
    write_tensors(path, KIND, tensors, description)


def load_stream(path: str | Path, model: Model) -> Stream:
    """The stream that `save_stream` wrote, of the same model, ready for the next step of the recording.

    What follows has the bits of a stream that was never interrupted, on every engine, for an SNN on its grid; else on
    the engine "dense", which is taken unless another was named. Everything in the file is checked: ValueError names the
    file, the field and what to do, for a model with other numbers, and for files that are damaged or of other programs.
    """
    model = require_model(model, "wb.load_stream")
    header = read_header(path, KIND)
    tensors, said = read_tensors(header), header.description
    try:
        require_names("its description", said, _FIELDS)
        if said["model"] != find_digest(model):
            raise ValueError("field 'model': it is of a model with other numbers, network or neurons")
        kept = _read(said, tensors, model)
        if model.training:
            raise ValueError("the model is in training mode; call model.eval()")
        stream = model.stream(kept.batch, kept.record, kept.engine, kept.steps)
        with in_field("past"):
            stream.resume(kept)
    except ValueError as error:
        raise ValueError(
            f"{header.path}: this stream cannot go on here ({error}); give the model that it was saved of, or save it "
            "again"
        ) from error
    return stream


def find_digest(model: NetworkNumbers) -> str:
    """By what a model is known again: its network, neurons and numbers, wherever it lies."""
    said = {name: value for name, value in describe(cast(Model, model)).items() if name not in _OTHER}
    return find_checksum("model", said, {name: one.detach().cpu().contiguous() for name, one in _numbers(model)})


def _numbers(model: NetworkNumbers) -> list[tuple[str, Tensor]]:
    return list(model.state_dict().items())


def _read(said: Mapping[str, Any], tensors: Mapping[str, Tensor], model: Model) -> KeptStream:
    """Everything that a file says of its stream, checked."""
    batch, step = (require_whole(name, said[name], least) for name, least in (("batch", 1), ("step", 0)))
    steps = None if said["steps"] is None else require_whole("steps", said["steps"], step)
    record = said["record"]
    if not isinstance(record, list) or not all(node in model.network.nodes for node in record):
        raise ValueError(f"field 'record': {shorten(record)} are not nodes of the network")
    with in_field("engine"):
        engine = require_type(str | None, said["engine"])
    with in_field("settled"):
        settled = require_type(bool, said["settled"])
    numbers = {node: place for place, node in enumerate(model.network.nodes)}
    left = set(tensors) - {_COUNTED}
    past: dict[str, tuple[Segment, ...]] = {}
    for node, rows in _by_node(said, "past", numbers):
        with in_field("past"):
            past[node] = tuple(_read_segments(node, rows, numbers[node], batch, tensors, left, model))
    membranes: dict[str, Tensor | None] = {}
    for node, axes in _by_node(said, "membranes", numbers):
        with in_field("membranes"):
            values = _take(f"membranes.{numbers[node]}", axes, tensors, left, model)
            shape = model.network.shape_of(node)
            if tuple(values.shape[-len(shape) - 1 :]) != (batch, *shape):
                raise ValueError(f"node {node!r}: a membrane of shape {tuple(values.shape)}, not (batch, *shape)")
            membranes[node] = values
    if left:
        raise ValueError(f"tensor {sorted(left)[0]!r} belongs to nothing in the stream")
    counted, edges = tensors.get(_COUNTED), len(model.network.edges)
    if counted is None or counted.dtype != torch.float64 or tuple(counted.shape) != (edges, batch):
        raise ValueError(f"tensor {_COUNTED!r} is not of float64 and (edges, batch), ({edges}, {batch})")
    if not bool(counted.isfinite().all()):
        raise ValueError(f"tensor {_COUNTED!r} is not finite")
    return KeptStream(batch, tuple(record), engine, steps, settled, State(step, past, membranes), counted.numpy())


def _by_node(said: Mapping[str, Any], field: str, numbers: Mapping[str, int]) -> list[tuple[str, Any]]:
    if not isinstance(said[field], dict):
        raise ValueError(f"field {field!r}: it is {shorten(said[field])} and must be an object by node")
    unknown = [node for node in said[field] if node not in numbers]
    if unknown:
        raise ValueError(f"field {field!r}: {unknown[0]!r} is no node of the network")
    return list(said[field].items())


def _read_segments(
    node: str, rows: Any, number: int, batch: int, tensors: Mapping[str, Tensor], left: set[str], model: Model
) -> list[Segment]:
    if not isinstance(rows, list):
        raise ValueError(f"node {node!r}: {shorten(rows)} is no list of segments")
    found = []
    for place, row in enumerate(rows):
        named = require_names(f"a segment of node {node!r}", row, ("start", "axes"))
        values = _take(f"past.{number}.{place}", named["axes"], tensors, left, model)
        if tuple(values.shape[1:]) != (batch, *model.network.shape_of(node)):
            raise ValueError(f"node {node!r}: activity of shape {tuple(values.shape)}, not (steps, batch, *shape)")
        found.append(Segment(require_whole("start", named["start"], 0), values))
    return found


def _take(name: str, axes: Any, tensors: Mapping[str, Tensor], left: set[str], model: Model) -> Tensor:
    """A tensor of the file in the order of memory that it had, on the model's device."""
    if name not in left:
        raise ValueError(f"tensor {name!r} is missing")
    left.discard(name)
    values = tensors[name]
    if values.dtype != model.dtype or not bool(values.isfinite().all()) or not math.prod(values.shape):
        raise ValueError(f"tensor {name!r} is {values.dtype}, empty or not finite, where the model has {model.dtype}")
    if not isinstance(axes, list) or sorted(map(str, axes)) != sorted(map(str, range(values.ndim))):
        raise ValueError(f"tensor {name!r}: axes {shorten(axes)} are not those of {values.ndim} dimensions")
    inverse = [axes.index(axis) for axis in range(values.ndim)]
    return values.permute(axes).contiguous().permute(inverse).to(model.device)


def _find_axes(values: Tensor) -> list[int]:
    """The axes from the slowest in memory to the quickest: sums of rounded numbers depend on it."""
    return sorted(range(values.ndim), key=values.stride, reverse=True)
