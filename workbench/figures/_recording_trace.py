"""One recording in one or several models side by side: operations, answer and activity over one time axis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from workbench.analysis import RecordingTrace, SpikeTrain, Units, gather_units
from workbench.engine import SpikingNeuron
from workbench.evaluation import amount
from workbench.figures._figure import Figure
from workbench.figures._operations import KINDS
from workbench.figures._raster import EXACT, band_px, draw_bands
from workbench.figures._raster_bands import POINTS
from workbench.figures._registry import public
from workbench.figures._style import BLUE, FAINT, GREEN, INK, PURPLE, QUIET, VERMILION, dress, empty
from workbench.figures._words import brief, tell_moments, whole, wrap

ROW_PX = {"operations": 96, "answer": 150, "membrane": 110}
BAND_PX = 74  # at most, of a node
LATE_LETTERS = 44  # in a line that says why there is no answer
MARKED = 24  # steps up to which every answer has a mark: a single one makes no line
CLASSES = 24  # answers up to which every class has its line


@public
def recording_trace(trace: RecordingTrace, traces: pd.DataFrame | None = None, name: str = "") -> go.Figure:
    """One recording through one model over time (frames): operations so far, the answer, every node's activity.

    With `traces`, the table of `wb.trace_membrane`, the membrane of that unit as well, labelled `name`.

    >>> from workbench import figures
    >>> from workbench.analysis.recording_trace import trace_recording
    >>> ticks = np.ones((4, 2, 1, 2, 2), dtype=int)
    >>> model = Model(Network({"eye": (1, 2, 2)}, [Edge("eye", "hand", Dense(2))]))
    >>> figure = figures.recording_trace(trace_recording(model, Recordings.from_ticks(ticks, labels=[0, 1])))
    >>> [axis.title.text for axis in figure.select_yaxes()][:2]
    ['operations<br>so far', 'answer']
    """
    return recording_traces({"": trace}, traces, name)


@public
def recording_traces(
    traces_by_name: Mapping[str, RecordingTrace], traces: pd.DataFrame | None = None, name: str = ""
) -> go.Figure:
    """One recording in several models side by side, on the same axes; `traces` belongs to the first.

    >>> from workbench import figures
    >>> figures.recording_traces({}).layout.annotations[0].text
    'no model was given'
    """
    if not traces_by_name:
        return empty("Recording trace", "no model was given")
    units = {model: _hidden(each) for model, each in traces_by_name.items()}
    rows = ["operations", "answer", *(["membrane"] if traces is not None else []), "nodes"]
    most_nodes = max(len(each) for each in units.values())
    nodes_px = min(BAND_PX, band_px(most_nodes)) * most_nodes
    heights_px = [ROW_PX.get(row, nodes_px) for row in rows]
    figure = Figure().set_subplots(
        len(rows), len(traces_by_name), shared_xaxes=True, row_heights=heights_px, horizontal_spacing=0.09,
        vertical_spacing=18 / sum(heights_px), column_titles=[f"<b>{brief(model)}</b>" for model in traces_by_name],
    )  # fmt: skip
    for column, (model, each) in enumerate(traces_by_name.items(), start=1):
        figure.add_traces(_operations(each), rows=1, cols=column)
        figure.add_traces(_answers(each), rows=2, cols=column)
        if each.lateness:
            _explain_silence(figure, each, column)
        exact = EXACT if each.model.spiking else 0
        draw_bands(figure, units[model], None, each.ticks_per_frame, len(rows), column, exact)
        if column > 1 and list(units[model]) == list(next(iter(units.values()))):
            figure.update_yaxes(showticklabels=False, row=len(rows), col=column)
        span = [0, each.steps / each.ticks_per_frame * 1.01]  # the axes above match this one
        figure.update_xaxes(title_text="time (frames)", range=span, row=len(rows), col=column)
    if traces is not None:
        first = next(iter(traces_by_name.values()))
        figure.add_traces(_membrane(traces, name, _threshold(first, traces.attrs.get("node", ""))), rows=3, cols=1)
        what = "membrane" if traces["membrane"].notna().any() else "drive"
        figure.update_yaxes(title_text=f"{what}<br>{brief(name)}", nticks=5, row=3, col=1)
    most = max(float(each.costs[list(KINDS)].to_numpy().max()) for each in traces_by_name.values())
    figure.update_yaxes(range=[0, 1.05 * most or 1], tickformat="~s", nticks=5, row=1)
    figure.update_layout(yaxis_title_text="operations<br>so far", showlegend=False)
    figure.update_yaxes(title_text="answer", nticks=5, row=2, col=1)
    title, words = _words(traces_by_name, units)
    alt = f"One recording over time: operations so far, answer, activity of every node. {title}. {words}"
    stack = [column / len(units) for column in range(1, len(units))]
    return dress(figure, title, words, alt, 190 + sum(heights_px), stack, between_px=96)


def _hidden(trace: RecordingTrace) -> dict[str, Units]:
    """Every node but the output, whose drive is the answer's."""
    output = trace.model.network.output
    return gather_units({node: values for node, values in trace.activity.items() if node != output})


def _operations(trace: RecordingTrace) -> list[go.Scatter]:
    own = "synaptic_operations" if trace.model.spiking else "dense_macs"
    counted = [(column, *KINDS[column]) for column in KINDS if column == own or (trace.costs[column] > 0).any()]
    moments, when = tell_moments(trace.costs["frame"], trace.costs["step"])
    return [
        go.Scatter(
            name=what,
            x=trace.costs["frame"].to_numpy(np.float32),
            y=trace.costs[column].to_numpy(np.float32),
            customdata=moments,
            mode="lines",
            line={"color": GREEN, "dash": dash, "width": 2.2},
            hovertemplate=f"{when}<br>%{{y:.3~s}} {what} so far<extra></extra>",
        )
        for column, what, dash in counted
    ]


def _answers(trace: RecordingTrace) -> list[go.Scatter]:
    """A line per class: the true one solid, the answered one, if another, dashed, the others in the background."""
    if trace.lateness:
        return []
    last = trace.answers[-1]
    answered = int(last.argmax())
    named = {answered: (VERMILION, "dash"), trace.label: (BLUE, "solid")}
    order = np.argsort(last)[::-1][:CLASSES]
    others = [int(number) for number in order if number not in named]
    every = max(1, -(-trace.steps // POINTS))
    steps = np.arange(trace.steps)[::every]
    times = (steps + 1) / trace.ticks_per_frame
    moments, when = tell_moments(times, steps)
    lines = []
    for number in [*others, *named]:
        colour, dash = named.get(number, (FAINT, "solid"))
        lines.append(
            go.Scatter(
                name=brief(trace.classes[number]),
                x=times.astype(np.float32),
                customdata=moments.astype(np.min_scalar_type(trace.steps)),
                y=trace.answers[::every, number].astype(np.float32),
                mode="lines+markers" if trace.steps <= MARKED else "lines",
                marker={"size": 5},
                line={"color": colour, "dash": dash, "width": 2.6 if number in named else 1},
                hovertemplate=f"<b>{whole(trace.classes[number])}</b><br>{when}<br>answer %{{y:.3g}}<extra></extra>",
            )
        )
    return lines


def _explain_silence(figure: go.Figure, trace: RecordingTrace, column: int) -> None:
    """Instead of the answers, why there is none."""
    figure.add_annotation(
        text=wrap(whole(trace.lateness), LATE_LETTERS),
        showarrow=False,
        x=trace.steps / trace.ticks_per_frame / 2,
        y=0.5,
        row=2,
        col=column,
    )
    figure.update_yaxes(range=[0, 1], showticklabels=False, ticks="", showgrid=False, row=2, col=column)


def _threshold(trace: RecordingTrace, node: str) -> float:
    neuron = trace.model.neuron_of(node)
    return neuron.threshold if isinstance(neuron, SpikingNeuron) else 1.0


def _membrane(traces: pd.DataFrame, name: str, threshold: float) -> list[go.Scatter]:
    """The membrane with its threshold and a mark for every spike; of a neuron without one, its drive."""
    alive = traces["membrane"].notna().any()
    column = "membrane" if alive else "drive"
    frames = traces["frame"].to_numpy(np.float32)
    moments, when = tell_moments(traces["frame"], traces["step"])
    line = go.Scatter(
        name=column, x=frames, y=traces[column].to_numpy(np.float32), mode="lines", line={"color": INK, "width": 1.6},
        customdata=moments, hovertemplate=f"<b>{whole(name)}</b><br>{when}<br>{column} %{{y:.3g}}<extra></extra>",
    )  # fmt: skip
    if not alive:
        return [line]
    ends = frames[[0, -1]]
    limit = go.Scatter(
        name="threshold", x=ends, y=[threshold, threshold], mode="lines",
        line={"color": QUIET, "dash": "dot", "width": 1.4}, hovertemplate="threshold<extra></extra>",
    )  # fmt: skip
    fires = (traces["activity"] > 0).to_numpy()
    fired = traces[fires]
    spikes = go.Scatter(
        name="spikes", x=fired["frame"].to_numpy(np.float32), y=fired["membrane"].to_numpy(np.float32), mode="markers",
        marker={"symbol": "triangle-up", "size": 8, "color": PURPLE, "line": {"color": INK, "width": 0.8}},
        customdata=moments[fires], hovertemplate=f"<b>{whole(name)}</b> spikes<br>{when}<extra></extra>",
    )  # fmt: skip
    return [limit, line, spikes]


def _words(traces_by_name: Mapping[str, RecordingTrace], units: Mapping[str, Mapping[str, Units]]) -> tuple[str, str]:
    """The last answer of each model, and what it cost."""
    facts = []
    for model, each in traces_by_name.items():
        answered = each.chosen[-1] and brief(each.chosen[-1])
        if model:
            facts.append(f"{brief(model)}: {answered or 'no answer'}")
        else:
            facts.append(f"The answer is {answered}" if answered else "There is no answer")
    truth = next(iter(traces_by_name.values()))
    title = f"{', '.join(facts)}; the recording shows {brief(truth.classes[truth.label])}"
    costs = {model: _describe_cost(each, units[model]) for model, each in traces_by_name.items()}
    words = "; ".join(f"{brief(model)}: {costs[model]}" if model else costs[model] for model in traces_by_name)
    some = any(not each.lateness for each in traces_by_name.values())
    return title, f"{words}." + some * " Blue: the true class. Vermilion, dashed: what is answered instead."


def _describe_cost(trace: RecordingTrace, nodes: Mapping[str, Units]) -> str:
    last = trace.costs.iloc[-1]
    counts = [f"{amount(last[column])} {KINDS[column][0]}" for column in ("synaptic_operations", "dense_macs")
              if last[column] > 0] or ["no operations"]  # fmt: skip
    spikes = sum(
        units.total
        for node, units in nodes.items()
        if isinstance(units, SpikeTrain) and node not in trace.model.network.inputs
    )
    return " and ".join([*([f"{spikes:,} spikes"] if trace.model.spiking else []), *counts])
