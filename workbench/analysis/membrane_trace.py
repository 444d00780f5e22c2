"""One neuron over time: its drive, its membrane before every reset, its spikes."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine import SpikingNeuron, to_tensor
from workbench.model import Device, Model, evaluation_mode, require_model
from workbench.network import Shape

if TYPE_CHECKING:
    import pandas as pd


def trace_membrane(
    model: Model,
    activity: Mapping[str, Tensor | NDArray[Any]],
    node: str,
    unit: int | Sequence[int],
    *,
    recording: int = 0,
    device: Device | None = None,
) -> pd.DataFrame:
    """Drive, membrane and activity of one neuron at every step of one recording.

    drive(t) = bias + sum over edges of (W source(t - delay)) at the unit, then the neuron's own v(t). `activity` is
    what `model.run` gives, (step, batch, *shape) by node, or arrays of numpy; it must hold every source of the node.
    `unit` is a flat index or one index per axis of the node's shape. Columns: step, frame ((step + 1) /
    ticks_per_frame, when the step ends), drive, membrane (what is compared with the threshold, before the reset; NaN
    where there is none: in an ANN, in the output, before the first response) and activity; the drive and the activity
    are 0 before the first response. The table's `attrs` name node and unit. ValueError for a node, unit or recording
    that is not there, for an input, which has no drive, and for activity that lacks a source. `device` as in
    `wb.evaluate`.

    >>> network = Network({"eye": (1,)}, [Edge("eye", "v1", Identity(), delay=0), Edge("v1", "hand", Identity())])
    >>> snn = Model(network, norm=None, neuron=IntegrateAndFire(start=0.0), ticks_per_frame=2)
    >>> activity = snn.run(torch.tensor([0.75, 0.5, 0.0]).reshape(3, 1, 1))
    >>> trace_membrane(snn, activity, "v1", unit=0)[["frame", "membrane", "activity"]].to_numpy().tolist()
    [[0.5, 0.75, 0.0], [1.0, 1.25, 1.0], [1.5, 0.25, 0.0]]
    """
    import pandas as pd

    model = require_model(model, "wb.trace_membrane", device)
    place, like = _place(model, node, unit), next(model.parameters())
    tensors = {name: to_tensor(name, values, like).to(like.device) for name, values in activity.items()}
    _require_sources(model, tensors, node, recording)
    drive = _drive(model, tensors, node, recording)
    first = min(model.network.first_response[node], len(drive))
    drive = torch.cat([drive[:first], model.schedule_bias(node, drive[first:], 0).detach()])[:, 0]
    for index in place:
        drive = drive[:, index]
    membrane, answers = _scan(model, node, drive[first:])
    silent = torch.zeros_like(drive[:first])
    step = np.arange(len(drive))
    columns = {
        "drive": torch.cat([silent, drive[first:]]),
        "membrane": torch.cat([torch.full_like(silent, torch.nan), membrane]),
        "activity": torch.cat([silent, answers]),
    }
    table = pd.DataFrame(
        {"step": step, "frame": (step + 1) / model.ticks_per_frame}
        | {name: values.double().cpu().numpy() for name, values in columns.items()}
    )
    table.attrs = {"node": node, "unit": place}
    return table


@torch.no_grad()
def _drive(model: Model, activity: Mapping[str, Tensor], node: str, recording: int) -> Tensor:
    """Drive of a node in every step of one recording, (steps, 1, *shape); meaningless before its first response."""
    with evaluation_mode(model):
        arrivals = []
        for position in model.network.incoming(node):
            edge = model.network.edges[position]
            source = activity[edge.source][:, recording : recording + 1]
            silent = torch.zeros_like(source[: model.executed_delay(position)])
            arrivals.append(model.connect(position, torch.cat([silent, source[: len(source) - len(silent)]])))
        return model.normalize(node, sum(arrivals[1:], start=arrivals[0]))


@torch.no_grad()
def _scan(model: Model, node: str, drive: Tensor) -> tuple[Tensor, Tensor]:
    """Membrane before the reset, NaN for neurons without one, and activity; one tick after the other."""
    neuron = None if node == model.network.output else model.neuron_of(node)
    if not isinstance(neuron, SpikingNeuron):
        answers = model.fire(node, drive.unsqueeze(1), None, 0)[0][:, 0]
        return torch.full_like(drive, torch.nan), answers
    membranes, answers = torch.empty_like(drive), torch.empty_like(drive)
    left: Tensor | None = None
    for elapsed, now in enumerate(drive.view(-1, 1, 1)):
        met = neuron.membrane_at_step_start(left, now[0], elapsed) + now[0]
        met = met.clamp(max=neuron.most_potential())
        answer, left = neuron.scan(now, left, elapsed)
        answers[elapsed] = answer.item()
        counted = neuron.latency and (elapsed + 1) % (neuron.latency + 1) == 0
        shown = met if answer.item() or counted or left is None else neuron.potential(left)  # nothing else resets
        membranes[elapsed] = shown.item()
    return membranes, answers


def _place(model: Model, node: str, unit: int | Sequence[int]) -> tuple[int, ...]:
    """Index of the unit along every axis of the node's shape."""
    network = model.network
    if node not in network.nodes:
        raise ValueError(f"trace_membrane: unknown node {node!r}; the network has {', '.join(network.nodes)}")
    if node in network.inputs:
        raise ValueError(
            f"trace_membrane: {node!r} is an input, which is given from outside and has no drive; choose one of "
            f"{', '.join(other for other in network.nodes if other not in network.inputs)}"
        )
    shape: Shape = network.shapes[node]
    try:
        place = tuple(operator.index(i) for i in unit) if isinstance(unit, Sequence) else _unfold(unit, shape)
    except TypeError:
        place = ()
    if len(place) != len(shape) or not all(0 <= i < size for i, size in zip(place, shape, strict=True)):
        raise ValueError(
            f"trace_membrane: unit {unit!r} is not in {node!r} of shape {shape}; give a flat index from 0 to "
            f"{int(np.prod(shape)) - 1}, or one index per axis, counted from 0"
        )
    return place


def _unfold(unit: int, shape: Shape) -> tuple[int, ...]:
    """The flat index as one index per axis; () if it lies outside."""
    flat = operator.index(unit)
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if 0 <= flat < np.prod(shape) else ()


def _require_sources(model: Model, activity: Mapping[str, Tensor], node: str, recording: int) -> None:
    sources = dict.fromkeys(model.network.edges[position].source for position in model.network.incoming(node))
    missing = [source for source in sources if source not in activity]
    if missing:
        raise ValueError(
            f"trace_membrane: the activity lacks {', '.join(missing)}, from which {node!r} is driven; it holds "
            f"{', '.join(activity) or 'nothing'}; record every node with model.run(frames)"
        )
    for source in sources:
        values, shape = activity[source], model.network.shapes[source]
        if tuple(values.shape[2:]) != shape or values.ndim < 3:
            raise ValueError(
                f"trace_membrane: the activity of {source!r} has shape {tuple(values.shape)}; expected (step, batch, "
                f"{', '.join(map(str, shape))}), as model.run(frames) of this model gives it"
            )
        if recording not in range(values.shape[1]):
            raise ValueError(
                f"trace_membrane: recording={recording!r} is not among the {values.shape[1]} of the activity; count "
                "from 0"
            )


def summarise_membrane(traces: pd.DataFrame) -> pd.DataFrame:
    """How often one neuron spikes, or how large its activity is, and what drives it: one row.

    `traces` is the table of `trace_membrane`. Columns: frames (how long), spikes (<NA> without a membrane), first_frame
    (of its first spike, or of its first activity; NaN if it stays silent), mean_activity and mean_drive (per step).

    >>> columns = {"frame": [0.5, 1.0], "drive": [0.75, 0.5], "membrane": [0.75, 1.25], "activity": [0.0, 1.0]}
    >>> summarise_membrane(pd.DataFrame(columns))[["frames", "spikes", "first_frame", "mean_drive"]].values.tolist()
    [[1.0, 1, 1.0, 0.625]]
    """
    import pandas as pd

    spiking = bool(traces["membrane"].notna().any())
    active = traces[traces["activity"] > 0] if spiking else traces[traces["activity"] != 0]
    row = {
        "frames": float(traces["frame"].iloc[-1]),
        "spikes": int(active["activity"].sum()) if spiking else None,
        "first_frame": active["frame"].iloc[0] if len(active) else None,
        "mean_activity": traces["activity"].mean(),
        "mean_drive": traces["drive"].mean(),
    }
    return pd.DataFrame([row]).astype({"spikes": "Int64", "first_frame": float})
