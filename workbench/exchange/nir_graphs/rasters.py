"""Spikes of nodes as data of NIR, in and out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.atomic import replacing
from workbench.exchange.nir_graphs.export import escape_name
from workbench.exchange.nir_graphs.files import require_nir, require_sound_hdf5
from workbench.exchange.nir_graphs.flat_graph import unescape_name
from workbench.validation import whole

if TYPE_CHECKING:
    from nir import NIRGraphData

OBSERVABLE = "spikes"
MOST_VALUES = 1 << 28  # of a raster that is read


def to_nir_data(
    activity: Mapping[str, Tensor], path: str | PathLike[str] | None = None, *, tick_s: float = 1.0
) -> NIRGraphData:
    """Spikes by node, (tick, batch, *shape) as `Model.run` gives them, as data of NIR; into a file too where a path is.

    By node the observable "spikes": an event for each, `idx` the unit in C order and `time` = tick x `tick_s` seconds,
    or a value for each place and time where any unit sends several in a tick or takes one back. ValueError, with the
    node, for fractions, as an output or an ANN has them.

    >>> data = to_nir_data({"v1": torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]]])}, tick_s=0.001)
    >>> data.nodes["v1"].observables["spikes"].time.tolist()
    [[0.0, 0.001]]
    """
    nir = require_nir()
    nodes = {escape_name(node): _make_node(node, values.detach().cpu(), tick_s) for node, values in activity.items()}
    data: NIRGraphData = nir.NIRGraphData(nodes=nodes)
    if path is not None:
        with replacing(fspath(path)) as aside:
            nir.write_data(aside, data)
    return data


def from_nir_data(
    source: str | PathLike[str] | NIRGraphData, *, tick_s: float | None = None, observable: str = OBSERVABLE
) -> dict[str, Tensor]:
    """Rasters of NIR by node, as spikes (tick, batch, unit); from a file or from its data.

    `tick_s`: seconds of a tick, for events, which are put into the tick that their time lies in; data on a grid have
    their own. Of several nodes all have as many ticks as their data say. ValueError, with file and node, for data that
    are damaged, for events without a `tick_s`, between ticks of the last or of units that there are not.

    >>> spikes = {"v1": torch.tensor([[[0.0, 1.0]], [[2.0, 0.0]]])}
    >>> from_nir_data(to_nir_data(spikes), tick_s=1.0)["v1"].tolist() == spikes["v1"].tolist()
    True
    """
    where = fspath(source) if isinstance(source, str | PathLike) else "this data"
    data: Any = _read(where) if isinstance(source, str | PathLike) else source
    if not hasattr(data, "nodes"):
        raise ValueError(f"wb.from_nir_data takes a path or a nir.NIRGraphData, not a {type(source).__name__}")
    found = {}
    for name, node in data.nodes.items():
        observed = getattr(node, "observables", {}).get(observable)
        if observed is None:
            known = ", ".join(map(repr, getattr(node, "observables", {}))) or "there are none"
            raise ValueError(
                f"{where}: node {name!r} has no observable {observable!r}; choose observable= from {known}"
            )
        try:
            found[unescape_name(name)] = _read_raster(observed, tick_s)
        except ValueError as error:
            raise ValueError(f"{where}: node {name!r}: {error}") from error
    return found


def _make_node(node: str, values: Tensor, tick_s: float) -> Any:
    nir = require_nir()
    if values.ndim < 3:
        raise ValueError(f"node {node!r} has shape {tuple(values.shape)}; give (tick, batch, *shape)")
    flat = values.flatten(2).transpose(0, 1).numpy()  # recording, tick, unit
    if (flat != np.round(flat)).any():
        raise ValueError(f"node {node!r} holds fractions, and data of NIR are spikes here; leave it out")
    places = [np.nonzero(one) for one in flat]
    most = max((len(tick) for tick, _ in places), default=0)
    idx = np.full((len(flat), most), -1, dtype=np.int64)
    time = np.full((len(flat), most), np.inf)
    value = np.zeros((len(flat), most))
    for row, (tick, unit) in enumerate(places):
        idx[row, : len(tick)], time[row, : len(tick)] = unit, tick * tick_s
        value[row, : len(tick)] = flat[row, tick, unit]
    common = {"idx": idx, "time": time, "n_neurons": flat.shape[2], "t_max": flat.shape[1] * tick_s}
    single = bool((value[idx >= 0] == 1).all())
    events = nir.EventData(**common) if single else nir.ValuedEventData(**common, value=value)
    return nir.NIRNodeData(observables={OBSERVABLE: events})


def _read(where: str) -> Any:
    """The data in a file, looked through before they are read."""
    nir = require_nir()
    with require_sound_hdf5(where, "data of NIR") as file:
        if file.attrs.get("__type__") != "NIRGraphData":
            raise ValueError("it holds no NIRGraphData; for a graph use wb.from_nir")
        return nir.read_data(where)


def _read_raster(observed: Any, tick_s: float | None) -> Tensor:
    """One observable as (tick, batch, unit)."""
    if hasattr(observed, "data"):  # on a grid
        return torch.from_numpy(np.ascontiguousarray(observed.data)).float().transpose(0, 1).contiguous()
    if tick_s is None or not 0 < tick_s < math.inf:
        raise ValueError("its events have times in seconds; say how long a tick is, by tick_s=")
    units = whole(observed.n_neurons)
    ticks = whole(round(float(observed.t_max) / tick_s)) if math.isfinite(observed.t_max) else None
    idx, time = np.asarray(observed.idx), np.asarray(observed.time, dtype=np.float64)
    if units is None or ticks is None or units < 1 or ticks < 0 or idx.ndim != 2 or idx.shape != time.shape:
        raise ValueError(f"n_neurons={observed.n_neurons}, t_max={observed.t_max} and idx {idx.shape} fit no raster")
    if len(idx) * ticks * units > MOST_VALUES:
        raise ValueError(
            f"{len(idx)} recordings of {ticks} ticks and {units} units are too many; give a longer tick_s="
        )
    row, place = np.nonzero(idx != -1)
    unit, step = idx[row, place], np.floor(time[row, place] / tick_s + 1e-6)
    outside = ~((unit >= 0) & (unit < units) & (step >= 0) & (step < ticks))
    if outside.any():
        first = int(outside.argmax())
        raise ValueError(
            f"event {int(place[first])} of recording {int(row[first])} is of unit {unit[first]} at "
            f"{time[row[first], place[first]]:g} s, outside {units} units and {observed.t_max:g} s; mend the file"
        )
    raster = np.zeros((ticks, len(idx), units), dtype=np.float32)
    values: NDArray[Any] = np.ones(len(row)) if not hasattr(observed, "value") else observed.value[row, place]
    np.add.at(raster, (step.astype(int), row, unit.astype(int)), values)
    return torch.from_numpy(raster)
