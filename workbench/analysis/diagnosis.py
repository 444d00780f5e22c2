"""Where a conversion loses accuracy: every node of the SNN held against the ANN, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.analysis.error_decomposition import CAUSES, Record, RecordingLayers, find_neuron, split_error
from workbench.conversion import broadcast_scale
from workbench.engine import Counting, State, advance, plan, sum_errors, sum_steps
from workbench.evaluation import batches, bin_batch, choose_batch, find_mismatch, require_match
from workbench.events import Dataset, Recordings
from workbench.model import Device, Model, evaluation_mode, require_model, take_test
from workbench.progress import show_progress

if TYPE_CHECKING:
    import pandas as pd

CURES = {
    "quantisation": "lower percentile, or raise ticks_per_frame",
    "saturation": "raise percentile or ticks_per_frame, or allow a burst",
    "sources": "look at the nodes before it",
    "delays": 'convert with delays="matched"',
    "carry": 'return the membrane every frame: membrane="frame"',
    "unevenness": 'count for a frame with emission="spread", or take spikes back with signed=True',
    "floor": "lower floor",
}
SATURATED, SILENT, EXCESS, ERROR = 0.01, 0.05, 0.1, 0.3  # shares from which on there is something to advise
COPIES = 3  # of the frame at hand: what is counted, what a neuron without a floor would do, and the causes
MEASURED = ("ann_activity", "snn_activity", "error", "magnitude", "size", "saturated", "silent", "floor_hits")


def diagnose(
    ann: Model,
    snn: Model,
    recordings: Recordings | Dataset,
    *,
    engine: str | None = None,
    device: Device | None = None,
    batch: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """How well an SNN follows its ANN: one row per node that is no input and frame (0, 1, ...).

    Columns: node, frame, ann_activity and snn_activity (mean over recordings and units; the SNN's from spikes per tick
    times the node's scale over the ticks of that frame, the output's from its mean drive), error (mean absolute
    difference per unit and recording), relative_error (error / mean |activity| of the ANN over the frames in which
    the node answers; NaN while both are silent), as shares of units and recordings saturated (as many spikes as the
    neuron can send in a frame), silent (no spike, though the ANN's activity is above scale / 2K) and floor_hits (ticks
    in which the membrane was held at its floor; the three NaN for the output); the causes of the error, which add up to
    it: quantisation, saturation, sources (what the nodes before sent wrongly), delays (what arrives in another frame
    than in training), carry (the membrane left by the frame before), unevenness (of arrivals within the frame) and
    floor, as `split_error` separates them; and advice (the same for all rows of a node, "" if it is well).

    Of a `Dataset` its test part is run, `batch` recordings side by side: 32, or fewer where memory is short. What nodes
    get is computed layer by layer (`engine="dense"`), spike by spike ("events"), or as activity has it ("auto", which
    is taken unless another is named where the SNN's arithmetic is exact). A call that takes long shows its `progress`.
    ValueError unless an ANN and an SNN of the same nodes, edges and training delays are given, and recordings that fit.

    >>> network = Network({"in": (1, 1, 2)}, [Edge("in", "v1", Dense(2)), Edge("v1", "class", Dense(2))])
    >>> ticks = np.random.default_rng(0).integers(0, 3, (12, 5, 1, 1, 2))
    >>> recordings = Recordings.from_ticks(ticks, [0, 1, 0, 1, 0], ("a", "b"), ticks_per_frame=3)
    >>> ann = Model(network, seed=1, norm=None)
    >>> wb.diagnose(ann, convert(ann, recordings), recordings)["node"].unique().tolist()
    ['v1', 'class']
    """
    import pandas as pd

    ann, snn = (require_model(model, "wb.diagnose", device) for model in (ann, snn))
    recordings = take_test(recordings, "wb.diagnose")
    _require_pair(ann, snn, recordings)
    batch = choose_batch(snn, len(recordings), snn.network.nodes, batch, steps=COPIES * snn.ticks_per_frame)
    nodes = [node for node in ann.network.nodes if node not in ann.network.inputs]
    sums = {node: np.zeros((recordings.frames, len(MEASURED) + len(CAUSES))) for node in nodes}
    with evaluation_mode(ann, snn), show_progress(len(recordings), "diagnose", "recording", progress) as bar:
        for chosen in batches(len(recordings), batch):
            _add(sums, ann, snn, recordings, chosen, engine)
            bar.advance(len(chosen))
    tables = []
    for node in nodes:
        table = _tabulate(ann, snn, node, sums[node])
        table["advice"] = _advise(snn, node, table)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _require_pair(ann: Model, snn: Model, recordings: Recordings) -> None:
    """ValueError unless everything fits."""
    if ann.spiking or not snn.spiking:
        raise ValueError("diagnose takes an ANN and the SNN converted from it, in this order: diagnose(ann, snn, ...)")
    if snn.scales is None or snn.trained_network is None:
        raise ValueError("diagnose: this SNN has no scales, so it was not converted; make it with wb.convert(ann, ...)")
    for what, ours, theirs in (
        ("nodes", ann.network.shapes, snn.network.shapes),
        ("edges", _edges(ann), _edges(snn)),
        ("delays of training", ann.network, snn.trained_network),
    ):
        if ours != theirs:
            raise ValueError(f"diagnose: ANN and SNN differ in their {what}; give the ANN that the SNN was made from")
    require_match(ann, recordings)
    require_match(snn, recordings)


def _edges(model: Model) -> list[tuple[object, ...]]:
    network = model.network
    return [(*edge.ends, edge.operation.as_sums(network.shape_of(edge.source))[0]) for edge in network.edges]


@torch.no_grad()
def _add(
    sums: dict[str, np.ndarray],
    ann: Model,
    snn: Model,
    recordings: Recordings,
    chosen: np.ndarray,
    engine: str | None,
) -> None:
    """Run both on some recordings, frame by frame, and add up what is measured."""
    k, network = snn.ticks_per_frame, snn.network
    longest = max(edge.delay for edge in (snn.trained_network or network).edges)
    stream, watch, state = ann.stream(len(chosen), record=sums), RecordingLayers(snn, engine), State()
    order, name = plan(network, network.nodes, latency=snn.latencies), next(iter(network.inputs))
    sent: list[dict[str, Tensor]] = []  # by frame, what every node sent in it
    for frame in range(recordings.frames):
        watch.records.clear()
        ticks = bin_batch(snn, recordings, chosen, frame * k, (frame + 1) * k)
        activity, state = advance(order, watch, state, {name: ticks})
        records = watch.records
        rest = {node: sum_steps(values) for node, values in activity.items() if node not in records}
        sent.append(rest | {node: record.spikes for node, record in records.items()})
        expected = stream.run(sent[-1][name].to(ann.device, ann.dtype).unsqueeze(0))  # a frame is the sum of its ticks
        if frame > longest:
            sent[frame - longest - 1] = {}  # it is not read any more
        for node in sums:
            record = records.get(node)
            presumed = None if _is_mismatched(snn, node) else _arrived(snn, node, sent, record)
            presumed = _presume(snn, node, sent) if presumed is None else presumed
            sums[node][frame] += _measure(snn, node, expected[node][0].to(snn.device), sent[-1][node], presumed, record)


def _arrived(snn: Model, node: str, sent: Sequence[Mapping[str, Tensor]], record: Record | None) -> Tensor | None:
    """The drive of a node summed over the last frame, as it was; None while it is silent."""
    if node == snn.network.output:
        return sent[-1][node]
    return None if record is None else record.drive


def _presume(snn: Model, node: str, sent: Sequence[Mapping[str, Tensor]]) -> Tensor:
    """The drive of a node summed over the last frame if every spike took as many frames as in training."""
    trained = snn.trained_network or snn.network
    total = torch.zeros_like(sent[-1][node])
    if len(sent) <= trained.first_response_of(node):
        return total
    for position in trained.incoming(node):
        edge = trained.edges[position]
        if edge.delay < len(sent):
            total = total + snn.connect(position, sent[-1 - edge.delay][edge.source].unsqueeze(0))[0]
    nothing = torch.zeros_like(total).unsqueeze(0)
    return total + snn.ticks_per_frame * snn.normalize(node, nothing)[0]


def _is_mismatched(snn: Model, node: str) -> bool:
    """Whether any edge into the node takes another time than in training, or its sources answer at another time."""
    trained = snn.trained_network or snn.network
    late = snn.network.first_response_of(node) != snn.ticks_per_frame * trained.first_response_of(node)
    return late or any(abs(find_mismatch(snn, position)) > 1e-9 for position in snn.network.incoming(node))


def _split_output(expected: Tensor, presumed: Tensor, found: Tensor) -> dict[str, Tensor]:
    """The parts of an analog error: the output has no neuron, so only sources and delays can be wrong."""
    nothing = torch.zeros_like(found)
    return dict.fromkeys(CAUSES, nothing) | {"sources": presumed - expected, "delays": found - presumed}


def _measure(
    snn: Model, node: str, target: Tensor, sent: Tensor, presumed: Tensor, record: Record | None
) -> list[float]:
    """The sums of `MEASURED` and then of `CAUSES`, over units and recordings."""
    k, scale = snn.ticks_per_frame, broadcast_scale(snn, node)
    if record is not None and find_neuron(snn, node).dynamics is not None:
        neuron = find_neuron(snn, node)
        counting = Counting(k, neuron.start, neuron.threshold, neuron.most_spikes_per_frame())
        sums = sum_errors(counting, scale, target, presumed, record.before, (record.drive, record.spikes, record.free))
        if sums is not None:
            return [*sums[:4], target.numel(), *sums[4:6], record.held / k, *sums[6:]]
    return _measure_plainly(snn, node, target, sent * (scale / k), presumed, record)


def _measure_plainly(
    snn: Model, node: str, target: Tensor, found: Tensor, presumed: Tensor, record: Record | None
) -> list[float]:
    """The same by torch: on every device, of every neuron, and of the output."""
    k, scale = snn.ticks_per_frame, broadcast_scale(snn, node)
    real, error = node == snn.network.output, found - target
    if real:
        parts = _split_output(target, presumed / k, found)
    else:
        parts = split_error(find_neuron(snn, node), target * k / scale, presumed, record)
        parts = {cause: part * (scale / k) for cause, part in parts.items()}
    spikes = torch.zeros_like(target) if record is None else record.spikes
    most = k if real else find_neuron(snn, node).most_spikes_per_frame()
    signed = torch.stack([parts[cause] for cause in CAUSES]) * error.sign()
    return [
        float(target.sum(dtype=torch.float64)),
        float(found.sum(dtype=torch.float64)),
        float(error.abs().sum(dtype=torch.float64)),
        float(target.abs().sum(dtype=torch.float64)),
        target.numel(),
        np.nan if real else int((spikes >= most).sum()),
        np.nan if real else int(((target > scale / k / 2) & (spikes == 0)).sum()),
        np.nan if real else (0 if record is None else record.held / k),
        *signed.flatten(1).sum(1, dtype=torch.float64).tolist(),
    ]


def _tabulate(ann: Model, snn: Model, node: str, sums: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    frame = np.arange(len(sums))
    table = pd.DataFrame(sums / sums[:, [MEASURED.index("size")]], columns=[*MEASURED, *CAUSES])
    table.insert(0, "node", node)
    table.insert(1, "frame", frame)
    first = ann.network.first_response_of(node)
    usual = table.loc[first:, "magnitude"].mean()
    silent = (frame < first) & ((frame + 1) * snn.ticks_per_frame <= snn.network.first_response_of(node))
    relative = (table["error"] / usual if usual > 0 else table["error"] * np.nan).mask(silent)
    table.insert(table.columns.tolist().index("error") + 1, "relative_error", relative)
    return table.drop(columns=["magnitude", "size"])


def _advise(snn: Model, node: str, table: pd.DataFrame) -> str:
    """What to try for one node, most important first."""
    answered = table[table["relative_error"].notna()].mean(numeric_only=True)
    lines = []
    for position in snn.network.incoming(node):
        edge, mismatch = snn.network.edges[position], find_mismatch(snn, position)
        if abs(mismatch) > 1e-9:
            longer = "longer" if mismatch > 0 else "shorter"
            lines.append(f"the delay of {edge.source} to {node} is {abs(mismatch):.2g} frames {longer} than in "
                         'training: convert with delays="matched"')  # fmt: skip
    excess = answered["snn_activity"] / answered["ann_activity"] - 1 if answered["ann_activity"] > 0 else 0.0
    if answered["saturated"] > SATURATED:
        lines.append(f"{node} saturates in {_percent(answered['saturated'])} of its units: raise percentile or "
                     "ticks_per_frame")  # fmt: skip
    if answered["silent"] > SILENT:
        lines.append(f"{_percent(answered['silent'])} of the units of {node} are silent where the ANN is active: raise "
                     "ticks_per_frame or start")  # fmt: skip
    if answered["floor_hits"] > EXCESS and excess > EXCESS:
        lines.append(f"{node} answers {_percent(excess)} too much and is held at the floor in "
                     f"{_percent(answered['floor_hits'])} of its ticks: lower floor")  # fmt: skip
    if not lines and answered["relative_error"] > ERROR:
        cause = str(answered[list(CAUSES)].idxmax())
        share = answered[cause] / answered["error"]
        lines.append(f"{node} is off by {_percent(answered['relative_error'])} of its activity, "
                     f"{_percent(share)} of it by {cause}: {CURES[cause]}")  # fmt: skip
    return "; ".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:,.0f} %" if share >= 1 else f"{100 * share:.2g} %"
