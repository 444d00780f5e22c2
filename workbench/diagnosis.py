"""Where a conversion loses accuracy: every node of the SNN held against the ANN, frame by frame."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.engine import State, advance, plan
from workbench.events.recordings import Recordings
from workbench.measures import BATCH, find_mismatch
from workbench.model import Model
from workbench.neurons import IntegrateAndFire
from workbench.training import batches, require_match

if TYPE_CHECKING:
    import pandas as pd

SATURATED, SILENT, EXCESS, ERROR = 0.01, 0.05, 0.1, 0.3  # shares from which on there is something to advise
MEASURED = ("ann_activity", "snn_activity", "error", "magnitude", "size", "saturated", "silent", "floor_hits")


def diagnose(ann: Model, snn: Model, recordings: Recordings) -> pd.DataFrame:
    """How well an SNN follows its ANN: one row per node that is no input and frame (0, 1, ...).

    Columns: node, frame, ann_activity and snn_activity (mean over recordings and units; the SNN's from spikes per tick
    times the node's scale over the ticks of that frame, the output's from its mean drive), error (mean absolute
    difference per unit and recording), relative_error (error / mean |activity| of the ANN over the frames in which
    the node answers; NaN while both are silent), as shares of units and recordings saturated (a spike in every tick),
    silent (no spike, though the ANN's activity is above scale / 2K) and floor_hits (ticks in which the membrane was
    held at its floor; the three NaN for the output), and advice (the same for all rows of a node, "" if it is well).

    ValueError unless an ANN and an SNN of the same nodes, edges and training delays are given, and recordings that fit.

    >>> network = Network({"in": (1, 1, 2)}, [Edge("in", "v1", Dense(2)), Edge("v1", "class", Dense(2))])
    >>> ticks = np.random.default_rng(0).integers(0, 3, (12, 5, 1, 1, 2))
    >>> recordings = Recordings.from_ticks(ticks, [0, 1, 0, 1, 0], ("a", "b"), ticks_per_frame=3)
    >>> ann = Model(network, seed=1, norm=None)
    >>> wb.diagnose(ann, convert(ann, recordings), recordings)["node"].unique().tolist()
    ['v1', 'class']
    """
    import pandas as pd

    scales = _require_pair(ann, snn, recordings)
    nodes = [node for node in ann.network.nodes if node not in ann.network.inputs]
    sums = {node: np.zeros((recordings.frames, len(MEASURED))) for node in nodes}
    training = ann.training, snn.training
    ann.eval(), snn.eval()
    try:
        for chosen in batches(len(recordings), BATCH):
            _add(sums, ann, snn, scales, recordings, chosen)
    finally:
        ann.train(training[0]), snn.train(training[1])
    tables = []
    for node in nodes:
        table = _tabulate(ann, snn, node, sums[node])
        table["advice"] = _advise(snn, node, table)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _require_pair(ann: Model, snn: Model, recordings: Recordings) -> dict[str, float]:
    """The scales of the SNN, once everything fits."""
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
    return snn.scales


def _edges(model: Model) -> list[tuple[object, ...]]:
    return [(*edge.ends, edge.operation) for edge in model.network.edges]


@torch.no_grad()
def _add(
    sums: dict[str, np.ndarray],
    ann: Model,
    snn: Model,
    scales: dict[str, float],
    recordings: Recordings,
    chosen: np.ndarray,
) -> None:
    """Run both on some recordings, frame by frame, and add up what is measured."""
    k, output = snn.ticks_per_frame, snn.network.output
    frames = torch.from_numpy(recordings.as_frames(chosen)).to(ann.device)
    ticks = torch.from_numpy(recordings.as_ticks(chosen, k)).to(snn.device)
    stream, watch, state = ann.stream(len(chosen), record=sums), Watch(snn), State()
    order, name = plan(snn.network, sums), next(iter(snn.network.inputs))
    for frame in range(recordings.frames):
        expected = stream.run(frames[frame : frame + 1])
        activity, state = advance(order, watch, state, {name: ticks[frame * k : (frame + 1) * k]})
        for node, values in activity.items():
            spikes, scale, target = values.sum(0), scales[node], expected[node][0].to(snn.device)
            found = spikes * (scale / k)
            real = node == output
            sums[node][frame] += [
                float(target.sum(dtype=torch.float64)),
                float(found.sum(dtype=torch.float64)),
                float((found - target).abs().sum(dtype=torch.float64)),
                float(target.abs().sum(dtype=torch.float64)),
                target.numel(),
                np.nan if real else int((values != 0).all(0).sum()),
                np.nan if real else int(((target > scale / k / 2) & (spikes == 0)).sum()),
                np.nan if real else watch.held.pop((node, frame), 0) / k,
            ]


@dataclass
class Watch:
    """The layers of an SNN for the engine, counting by (node, frame) how often membranes are held at the floor."""

    model: Model
    held: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))

    def connect(self, position: int, source: Tensor) -> Tensor:
        """As the model does."""
        return self.model.connect(position, source)

    def settle(self, node: str, drive: Tensor) -> Tensor:
        """As the model does."""
        return self.model.settle(node, drive)

    def fire(self, node: str, drive: Tensor, membrane: Tensor | None, age: int) -> tuple[Tensor, Tensor | None]:
        """As the model does, tick by tick, watching the membrane."""
        neuron, network = self.model.neuron, self.model.network
        if node == network.output or not isinstance(neuron, IntegrateAndFire) or neuron.floor is None:
            return self.model.fire(node, drive, membrane, age)
        spikes = []
        for tick, now in enumerate(range(age, age + len(drive))):
            before: Tensor | float = neuron.start * neuron.threshold
            if membrane is not None and not (neuron.membrane == "frame" and now % neuron.ticks_per_frame == 0):
                before = membrane
            frame = (network.first_response[node] + now) // self.model.ticks_per_frame
            self.held[node, frame] += int((before + drive[tick] < neuron.floor * neuron.threshold).sum())
            spike, membrane = neuron.scan(drive[tick : tick + 1], membrane, now)
            spikes.append(spike)
        return torch.cat(spikes), membrane


def _tabulate(ann: Model, snn: Model, node: str, sums: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    frame = np.arange(len(sums))
    table = pd.DataFrame(sums / sums[:, [MEASURED.index("size")]], columns=list(MEASURED))
    table.insert(0, "node", node)
    table.insert(1, "frame", frame)
    first = ann.network.first_response[node]
    usual = table.loc[first:, "magnitude"].mean()
    silent = (frame < first) & ((frame + 1) * snn.ticks_per_frame <= snn.network.first_response[node])
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
        lines.append(f"{node} is off by {_percent(answered['relative_error'])} of its activity: raise ticks_per_frame")
    return "; ".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:,.0f} %" if share >= 1 else f"{100 * share:.2g} %"
