"""A file of NIR held against the model that it came from: where it spikes otherwise, and by which reading."""

from __future__ import annotations

import warnings
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from workbench.evaluation import batches, bin_batch, choose_batch, require_fit
from workbench.events import Dataset, Recordings
from workbench.exchange.nir_graphs.files import read_nir
from workbench.exchange.nir_graphs.reading import from_nir
from workbench.model import Device, Model, evaluation_mode, place, require_model, take_test
from workbench.progress import Progress, show_progress

if TYPE_CHECKING:
    import pandas as pd

AS_WRITTEN, PLAIN, CHOSEN = "as written", "without metadata", "as chosen"


class NamedReading(NamedTuple):
    """A model read from the file in one way, how that is called, and what was warned of."""

    name: str
    model: Model
    remarks: str


def compare_nir(
    path: str | PathLike[str],
    recordings: Recordings | Dataset,
    *,
    reference: Model | None = None,
    reset: str | None = None,
    burst: int | None = None,
    strict_threshold: bool = False,
    loop_delay: int | None = None,
    device: Device | None = None,
    batch: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Where a file of NIR spikes otherwise than the model that it came from: one row per reading and node.

    The file is run through `from_nir` "as written", with all that its metadata say; "without metadata", as those read
    it who know nothing of the workbench (with the same seconds of a tick); and, where `reset`, `burst` or
    `strict_threshold` are given, without metadata and "as chosen". The model is the `reference`, else the file as it
    is written. Of a `Dataset` its test part is run.

    Columns: reading, node; spikes of the model and spikes_in_file; differing, in how many ticks and units of how many
    places they differ; first_tick, at which the first does, missing where none does; remarks, what was warned of when
    the file was read so. The output does not spike: there, differing counts places whose drive differs.

    ValueError, with node and cure, for a model whose nodes are not those of the file.

    >>> import tempfile
    >>> network = Network({"eye": (1, 2, 2)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(2))])
    >>> snn = Model(network, neuron=IntegrateAndFire(reset="zero"), norm=None)
    >>> ticks = Recordings.from_ticks(np.ones((4, 1, 1, 2, 2), int), [0], ("left", "right"), ticks_per_frame=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = wb.to_nir(snn, f"{folder}/snn.nir")
    ...     drift = wb.compare_nir(f"{folder}/snn.nir", ticks, reference=snn, progress=False)
    >>> drift.query("reading == 'as written'")["differing"].tolist()
    [0, 0]
    """
    import pandas as pd

    recordings = take_test(recordings, "wb.compare_nir")
    written = _read(AS_WRITTEN, path, loop_delay=loop_delay)
    held = written.model if reference is None else require_model(reference, "wb.compare_nir")
    held = place(held, device)
    require_fit(held, recordings)
    notes = read_nir(path).metadata.get("workbench", {})
    tick = {"tick_s": float(notes["tick_s"])} if "tick_s" in notes else {}
    plain: dict[str, Any] = {
        "metadata": False,
        "output": written.model.network.output,
        "ticks_per_frame": written.model.ticks_per_frame,
        "loop_delay": loop_delay,
        **tick,
    }
    readings = [written, _read(PLAIN, path, **plain)]
    if reset is not None or burst is not None or strict_threshold:
        chosen = {"reset": reset, "burst": burst, "strict_threshold": strict_threshold}
        readings.append(_read(CHOSEN, path, **plain, **chosen))
    rows: list[dict[str, Any]] = []
    with show_progress(len(readings) * len(recordings), "comparing", "recording", progress) as bar:
        for reading in readings:
            _require_same_nodes(held, reading.model, str(path))
            rows += _compare(held, reading._replace(model=place(reading.model, device)), recordings, batch, bar)
    table = pd.DataFrame(rows)
    return table.astype({name: "Int64" for name in ("spikes", "spikes_in_file", "differing", "places", "first_tick")})


def _read(name: str, path: str | PathLike[str], **options: Any) -> NamedReading:
    """The model that the file is in one reading, with the warnings as remarks."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = from_nir(path, **options)
    return NamedReading(name, model, "; ".join(str(warning.message).removeprefix(f"{path}: ") for warning in caught))


def _require_same_nodes(reference: Model, other: Model, path: str) -> None:
    """ValueError unless both have the same nodes, of the same shapes, and as many ticks per frame."""
    ours, theirs = reference.network.shapes, other.network.shapes
    if ours != theirs:
        odd = next(node for node in {**ours, **theirs} if ours.get(node) != theirs.get(node))
        raise ValueError(
            f"{path}: node {odd!r} has shape {theirs.get(odd)}, and {ours.get(odd)} in the model; give the reference= "
            "that the file was written from"
        )
    if reference.ticks_per_frame != other.ticks_per_frame:
        raise ValueError(
            f"{path} has {other.ticks_per_frame} ticks per frame, and the model {reference.ticks_per_frame}; give the "
            "reference= that the file was written from"
        )


@torch.no_grad()
def _compare(
    reference: Model, reading: NamedReading, recordings: Recordings, batch: int | None, bar: Progress
) -> list[dict[str, Any]]:
    """A row per node of one reading."""
    network = reference.network
    nodes = [node for node in network.nodes if node not in network.inputs]
    counted = {node: np.zeros(4, dtype=np.int64) for node in nodes}
    first: dict[str, int] = {}
    steps = recordings.frames * reference.ticks_per_frame
    size = choose_batch(reference, len(recordings), nodes, batch, steps)
    with evaluation_mode(reference), evaluation_mode(reading.model):
        for chosen in batches(len(recordings), size):
            ticks = bin_batch(reference, recordings, chosen)
            ours, theirs = reference.run(ticks, nodes), reading.model.run(ticks, nodes)
            for node in nodes:
                apart = ours[node] != theirs[node]
                counted[node] += [_total(ours[node]), _total(theirs[node]), int(apart.sum()), apart.numel()]
                if bool(apart.any()):
                    tick = int(apart.flatten(1).any(1).nonzero()[0])
                    first[node] = min(tick, first.get(node, tick))
            bar.advance(len(chosen))
    rows: list[dict[str, Any]] = []
    for node, (spikes, in_file, differing, places) in counted.items():
        silent = node == network.output
        rows.append(
            {
                "reading": reading.name,
                "node": node,
                "spikes": None if silent else spikes,
                "spikes_in_file": None if silent else in_file,
                "differing": differing,
                "places": places,
                "first_tick": first.get(node),
                "remarks": reading.remarks,
            }
        )
    return rows


def _total(spikes: Tensor) -> int:
    return int(spikes.double().abs().sum())
