"""A rollout: nodes times frames, an arrow for every read, order of computation, past and future of a place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from workbench.analysis import find_kind, find_roles
from workbench.figures._browser import WIDTH_PX
from workbench.figures._figure import Figure
from workbench.figures._layout.arrows import arrows
from workbench.figures._registry import public
from workbench.figures._style import BLUE, FAINT, INK, PAPER, QUIET, REMOVED_BUTTONS, VERMILION, dress, ink_on, shade
from workbench.figures._words import brief, whole
from workbench.model import require_rollout
from workbench.network import Place, Rollout

ROLES = {  # fill and symbol of a place, seen from the chosen one
    "self": (INK, "circle"),
    "past": (BLUE, "square"),
    "future": (VERMILION, "diamond"),
}
NO_ZOOM = ("zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale")  # always all in view
SIZES = {"circle": 1.0, "square": 0.9, "diamond": 0.84}  # so that all symbols look equally large


@public
def rollout(rollout: Rollout, place: Place | None = None) -> go.Figure:
    """Nodes (upwards) times frames, an arrow for every read, numbers for the order of computation T.

    Hollow marks are silent: before their first response. With `place`, a (node, frame) of the window, its whole past
    and its whole future are highlighted. ValueError if the place is not in the window.

    >>> from workbench import Dense, Edge, Network, Rollout, figures
    >>> network = Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))])
    >>> figures.rollout(Rollout(network, frames=3)).layout.meta["title"]
    'Streaming rollout: inference factor 1, first response of hand in frame 1'
    """
    return rollouts(require_rollout(rollout, "figures.rollout"), place=place)


@public
def rollouts(*rollouts: Rollout, names: Sequence[str] | None = None, place: Place | None = None) -> go.Figure:
    """Rollouts side by side with a common node axis; named streaming, sequential or hybrid unless `names` says.

    >>> from workbench import Dense, Edge, Network, Rollout, figures
    >>> network = Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))])
    >>> figure = figures.rollouts(Rollout(network, 3), Rollout(network.sequential(), 3), place=("eye", 0))
    >>> [note.text.split("<br>")[0] for note in figure.layout.annotations]
    ['<b>streaming</b>', '<b>sequential</b>']
    """
    if not rollouts:
        raise ValueError("figures.rollouts: give at least one Rollout, such as Rollout(network, frames=6)")
    for each in rollouts:
        require_rollout(each, "figures.rollouts")
    names = tuple(names) if names is not None else tuple(find_kind(each) for each in rollouts)
    if len(names) != len(rollouts):
        raise ValueError(f"figures.rollouts: {len(names)} names for {len(rollouts)} rollouts; give one name each")
    rows = _rows(rollouts)
    height_px = 150 + max(120, min(76 * len(rows), 1100))
    spacing = 0.05 if len(rollouts) == 1 else 0.05 * 2 / len(rollouts)
    figure = Figure().set_subplots(1, len(rollouts), shared_yaxes=True, horizontal_spacing=spacing)
    for column, each in enumerate(rollouts, start=1):
        spacing_px = min((height_px - 150) / len(rows), 0.9 * WIDTH_PX / len(rollouts) / each.frames)
        figure.add_traces(_traces(each, rows, place, spacing_px), rows=1, cols=column)
        figure.update_xaxes(**_frame_axis(each, len(rollouts)), row=1, col=column)
    figure.update_yaxes(**_node_axis(rows, height_px))
    figure.update_yaxes(title={"text": "node"}, row=1, col=1)
    return _titled(figure, rollouts, names, place, height_px)


def _rows(rollouts: Iterable[Rollout]) -> dict[str, int]:
    """Height of every node: inputs at the bottom, then the order in which edges first reach them."""
    networks = [rollout.network for rollout in rollouts]
    inputs = [node for network in networks for node in network.inputs]
    others = [node for network in networks for node in network.nodes]
    return {node: row for row, node in enumerate(dict.fromkeys([*inputs, *others]))}


def _traces(rollout: Rollout, rows: Mapping[str, int], place: Place | None, spacing_px: float) -> list[go.Scatter]:
    """Always four traces: reads that stay in the background, reads in the past, in the future, and the nodes."""
    role = find_roles(rollout, place)
    size_px = float(np.clip(0.5 * spacing_px, 5, 32))
    groups: dict[str, list[tuple[Place, Place]]] = {"reads": [], "past": [], "future": []}
    for source, target in rollout.reads:
        if role[target] in ("past", "self") and role[source] == "past":
            groups["past"].append((source, target))
        elif role[source] in ("future", "self") and role[target] == "future":
            groups["future"].append((source, target))
        else:
            groups["reads"].append((source, target))
    quiet = "#8793a1" if place is None else "#d9dee4"
    scale = min(1.0, size_px / 17)
    lines = (("reads", quiet, 1.3, "solid"), ("past", BLUE, 2.4, "solid"), ("future", VERMILION, 2.4, "dot"))
    return [
        *(
            arrows(
                name,
                groups[name],
                rows,
                colour=colour,
                width=width * scale,
                dash=dash,
                standoff=size_px / 2 + 1,
                head=(7 + width) * scale,
            )
            for name, colour, width, dash in lines
        ),
        _nodes(rollout, rows, role, size_px),
    ]


def _nodes(rollout: Rollout, rows: Mapping[str, int], role: Mapping[Place, str], size_px: float) -> go.Scatter:
    updates = {
        (node, frame): t
        for frame, row in enumerate(rollout.tableau)
        for node, t in zip(rollout.network.nodes, row, strict=True)
    }
    lit = any(role.values())
    last = max(updates.values())
    looks = [
        _look(t, last, place[1] < rollout.first_response[place[0]], role[place], lit) for place, t in updates.items()
    ]
    fills, rims, inks, symbols = (list(column) for column in zip(*looks, strict=True))
    return go.Scatter(
        name="nodes",
        mode="markers+text" if size_px >= 17 else "markers",
        x=np.array([frame for _, frame in updates], dtype=np.int16),
        y=np.array([rows[node] for node, _ in updates], dtype=np.int16),
        text=[str(t) for t in updates.values()],
        textfont={"size": max(10.0, 0.42 * size_px), "color": inks},
        marker={
            "size": [size_px * SIZES[symbol] for symbol in symbols],
            "symbol": symbols,
            "color": fills,
            "opacity": 1,
            "line": {"color": rims, "width": 1.6 if size_px >= 17 else 0.8},
        },
        hovertext=[_words(rollout, place, t, role[place]) for place, t in updates.items()],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )


def _look(t: int, last: int, silent: bool, role: str, lit: bool) -> tuple[str, str, str, str]:
    """Fill, outline, text colour and symbol of a place that is computed by update t of at most `last`."""
    if role:
        fill, symbol = ROLES[role]
        return (PAPER, fill, fill, symbol) if silent and role != "self" else (fill, fill, PAPER, symbol)
    if lit or silent:
        return PAPER, FAINT, QUIET, "circle"
    fill = shade(t, last)
    return fill, "#34495e", ink_on(fill), "circle"


def _words(rollout: Rollout, place: Place, t: int, role: str) -> str:
    node, frame = place
    first = rollout.first_response[node]
    state = f"silent: it answers from frame {first}" if frame < first else f"answers since frame {first}"
    seen = {
        "": "",
        "self": "<br>chosen",
        "past": "<br>in the past of the chosen one",
        "future": "<br>in the future of the chosen one",
    }[role]
    return f"<b>{whole(node)}</b>, frame {frame}<br>T = {t}: known after update {t}<br>{state}{seen}"


def _frame_axis(rollout: Rollout, columns: int) -> dict[str, object]:
    every = max(1, round(rollout.frames * columns / 26))
    return {
        "title": {"text": "frame"},
        "range": [-0.55, rollout.frames - 0.45],
        "tickvals": list(range(0, rollout.frames, every)),
        "showgrid": False,
        "showline": False,
        "ticks": "",
    }


def _node_axis(rows: Mapping[str, int], height_px: float) -> dict[str, object]:
    every = max(1, round(16 * len(rows) / (height_px - 150)))
    return {
        "range": [-0.6, len(rows) - 0.4],
        "tickvals": list(rows.values())[::every],
        "ticktext": [brief(node) for node in rows][::every],
        "showgrid": False,
        "showline": False,
        "ticks": "",
    }


def _titled(
    figure: go.Figure, rollouts: Sequence[Rollout], names: Sequence[str], place: Place | None, height_px: int
) -> go.Figure:
    facts = [
        f"inference factor {each.inference_factor}, first response of {brief(each.network.output)} in frame "
        f"{each.first_response[each.network.output]}"
        for each in rollouts
    ]
    legend = "Number and shade: order of computation T. Hollow: silent, not yet reached by the input."
    if place is not None:
        legend = (
            f"Seen from {brief(place[0])} in frame {place[1]}:  <b style='color:{BLUE}'>■ past</b> (solid arrows),  "
            f"<b style='color:{VERMILION}'>◆ future</b> (dotted arrows). Hollow: silent."
        )
    alone, names = len(rollouts) == 1, [brief(name) for name in names]
    title = f"{names[0].capitalize()} rollout: {facts[0]}" if alone else f"Rollouts side by side: {', '.join(names)}"
    alt = "; ".join(
        f"{name} rollout of {len(each.network.nodes)} nodes over {each.frames} frames, {fact}"
        for name, each, fact in zip(names, rollouts, facts, strict=True)
    )
    stack = [column / len(rollouts) for column in range(1, len(rollouts))]
    words = f"Nodes times frames, arrows for reads: {alt}."
    figure.update_layout(margin={"t": 92 if alone else 150})
    dress(figure, title, legend, words, height_px + (0 if alone else 58), stack, between_px=130)
    for column, (name, fact) in enumerate(zip(names, facts, strict=True), start=1) if not alone else ():
        axis = "x" if column == 1 else f"x{column}"
        figure.add_annotation(
            text=f"<b>{name}</b><br>{fact.replace(', ', '<br>')}",
            showarrow=False,
            align="left",
            xref=f"{axis} domain",
            x=0,
            xanchor="left",
            yref=f"{axis.replace('x', 'y')} domain",
            y=1,
            yanchor="bottom",
        )
    figure.update_layout(dragmode=False, modebar={"remove": [*REMOVED_BUTTONS, *NO_ZOOM]})
    return figure
