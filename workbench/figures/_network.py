"""The graph of a network: nodes from inputs to output, edges with their operations and delays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from torch import nn

from workbench.evaluation import duration, moment
from workbench.exchange import Example
from workbench.figures._browser import WIDTH_PX
from workbench.figures._figure import Figure
from workbench.figures._layout.edge_routing import (
    SIDES_PX,
    BoxGrid,
    Text,
    Viewport,
    edge_curves,
    find_badge_positions,
    fit_viewport,
)
from workbench.figures._layout.layered_layout import Point, lay_out
from workbench.figures._layout.many_edges import edge_lines, has_many_edges, lines, pointers
from workbench.figures._network_sources import find_network
from workbench.figures._registry import public
from workbench.figures._style import BLUE, GREEN, INK, ORANGE, PAPER, PURPLE, QUIET, VERMILION, dress, ink_on, shade
from workbench.figures._words import brief, cut, whole
from workbench.network import Edge, Network

if TYPE_CHECKING:
    from nir import NIRGraph

INSTANT = ("dot", GREEN)  # an edge that takes no time
LINES = (("solid", QUIET), ("dash", BLUE), ("longdash", VERMILION), ("dashdot", PURPLE), ("longdashdot", ORANGE))
BADGES = 80  # edges up to which each shows its delay as a number
NUMBERED_PX = 15  # nodes from this size on show numbers, and their shapes below their names
NAME_LETTERS = 20  # of a name below its node
LEAST_PX, LAYER_PX = 160, 48  # of a figure in a narrow page: around, and between layers; narrower, it scrolls
NAMED = 50  # nodes up to which the alt text names every one


@public
def network(
    network: Network | str | PathLike[str] | NIRGraph | nn.Module,
    ticks_per_frame: int | None = None,
    *,
    example: Example | None = None,
) -> go.Figure:
    """The graph: inputs left, output right, an arrow per edge with its delay, a mark per node with its shape.

    Networks of others are drawn as they stand: the path of a file of NIR, or a `nir.NIRGraph`, as `wb.from_nir` reads
    it by default; the path of a file of `wb.save_model`, which ends in .safetensors; a `torch.nn.Module` with an
    `example` of what it takes, as `wb.from_torch` reads it, max pools as average pools. The subtitle says what was
    read, and all that reading it warned of.

    Number (where there is room) and shade of a node: its first response. Where there are thousands of edges, or fewer
    that span many layers, each is drawn as a line from layer to layer with a mark that points to its target, and the
    subtitle says so. Delays are in steps of the network: frames, or ticks where `ticks_per_frame` is more than 1; None
    is what a file says, else 1. ValueError unless that is a whole number of at least 1, and, with the cure, for what
    cannot be read as a network.

    >>> from workbench import figures
    >>> figures.network(Network({"eye": (4,)}, [Edge("eye", "hand", Dense(2))])).layout.meta["title"]
    '2 nodes, 1 edge: first response of hand in frame 1'
    """
    network, ticks_per_frame, remarks = find_network(network, ticks_per_frame, example)
    viewport = fit_viewport(lay_out(network))
    many = has_many_edges(viewport.layout)
    paths = edge_lines(network, viewport) if many else edge_curves(network, viewport)
    texts = _texts(network, viewport)
    figure, colours = Figure(), [""] * len(paths)
    for name, (dash, colour), width, positions in _classes(network, ticks_per_frame):
        chosen = [paths[p] for p in positions]
        if many:
            figure.add_trace(lines(name, chosen, dash, colour))
        else:
            figure.add_trace(_arrows(name, chosen, dash, colour, width, viewport.size))
        for position in positions:
            colours[position] = colour
    marks = pointers(paths, viewport, colours) if many else _badges(network, paths, viewport, texts, colours)
    hover = [_edge_words(network, edge, ticks_per_frame) for edge in network.edges]
    figure.add_trace(marks.update(hovertext=hover, hovertemplate="%{hovertext}<extra></extra>"))
    figure.add_traces([_nodes(network, viewport, ticks_per_frame), _names(viewport, texts)])
    return _dressed(figure, network, viewport, paths, ticks_per_frame, remarks, len(texts))


def _classes(network: Network, ticks_per_frame: int) -> list[tuple[str, tuple[str, str], float, list[int]]]:
    """Edges of equal delay: what they are called, dash and colour, width, positions; the longest delays together."""
    delays = sorted({edge.delay for edge in network.edges if edge.delay})
    found = []
    if any(edge.delay == 0 for edge in network.edges):
        found.append(("no delay", INSTANT, 1.4, [p for p, edge in enumerate(network.edges) if edge.delay == 0]))
    for rank, delay in enumerate(delays[: len(LINES)]):
        last = rank == len(LINES) - 1 and len(delays) > len(LINES)
        name = f"delay {_time(delay, ticks_per_frame)}" + (" or more" if last else "")
        chosen = [p for p, edge in enumerate(network.edges) if edge.delay == delay or (last and edge.delay > delay)]
        found.append((name, LINES[rank], 1.6 + 0.45 * rank, chosen))
    return found


def _time(steps: int, ticks_per_frame: int) -> str:
    """A number of steps in words.

    >>> _time(1, 1), _time(24, 12)
    ('1 frame', '24 ticks')
    """
    unit = "frame" if ticks_per_frame == 1 else "tick"
    return f"{steps} {unit}" + ("" if steps == 1 else "s")


def _moment(step: int, ticks_per_frame: int) -> str:
    """A step in words.

    >>> _moment(1, 1), _moment(24, 12)
    ('frame 1', 'frame 2, tick 24')
    """
    return moment((step + 1) / ticks_per_frame, step)


def _arrows(name: str, paths: Sequence[list[Point]], dash: str, colour: str, width: float, size: float) -> go.Scatter:
    gaps = [(*path, (np.nan, np.nan)) for path in paths]
    scale = min(1.0, max(0.4, size / 20))
    heads = [head for path in paths for head in (*[0.0] * (len(path) - 1), (8 + width) * scale, 0.0)]
    return go.Scatter(
        name=name,
        mode="lines+markers",
        x=np.array([x for path in gaps for x, _ in path], dtype=np.float32),
        y=np.array([y for path in gaps for _, y in path], dtype=np.float32),
        line={"color": colour, "width": width * scale, "dash": dash, "backoff": 0},
        marker={
            "symbol": "arrow",
            "angleref": "previous",
            "standoff": size / 2 + 1,
            "color": colour,
            "opacity": 1,
            "size": np.array(heads, dtype=np.float32),
            "line": {"width": 0},
        },
        hoverinfo="skip",
    )


def _badges(
    network: Network,
    paths: Sequence[list[Point]],
    viewport: Viewport,
    texts: Mapping[str, Text],
    colours: Sequence[str],
) -> go.Scatter:
    """A mark on every edge, with the delay where there is room."""
    numbered = len(paths) <= BADGES and viewport.size >= 9
    size = float(np.clip(0.62 * viewport.size, 13, 18)) if numbered else 4.0
    x, y = zip(*find_badge_positions(paths, viewport, texts, size), strict=True)
    return go.Scatter(
        name="edges",
        mode="markers+text" if numbered else "markers",
        x=np.array(x, dtype=np.float32),
        y=np.array(y, dtype=np.float32),
        text=[str(edge.delay) for edge in network.edges],
        textfont={"size": max(10, 0.62 * size), "color": INK},
        marker={
            "size": size,
            "color": PAPER if numbered else colours,
            "opacity": 1,
            "line": {"color": colours, "width": 1 if numbered else 0},
        },
        showlegend=False,
    )


def _edge_words(network: Network, edge: Edge, ticks_per_frame: int) -> str:
    shapes = edge.operation.weight_shapes(network.shape_of(edge.source))
    weights = sum(math.prod(shape) for shape in shapes)
    frames = "" if ticks_per_frame == 1 else f" ({duration(edge.delay / ticks_per_frame)})"
    counted = f"{weights:,} weights" if weights else "no weights"
    delay = f"delay {_time(edge.delay, ticks_per_frame)}{frames}" if edge.delay else "no delay"
    return (
        f"<b>{whole(edge.source)} → {whole(edge.target)}</b><br>{whole(repr(edge.operation))}<br>{delay}<br>{counted}"
    )


def _nodes(network: Network, viewport: Viewport, ticks_per_frame: int) -> go.Scatter:
    first = network.first_response
    latest = max(first.values())
    fills = [shade(first[node], latest) for node in network.nodes]
    numbered = viewport.size >= NUMBERED_PX
    x, y = zip(*(viewport.layout.nodes[node] for node in network.nodes), strict=True)
    ends = {*network.inputs, network.output}
    return go.Scatter(
        name="nodes",
        mode="markers+text" if numbered else "markers",
        x=np.array(x, dtype=np.float32),
        y=np.array(y, dtype=np.float32),
        text=[str(first[node]) for node in network.nodes],
        textfont={"size": max(9.0, 0.4 * viewport.size), "color": [ink_on(fill) for fill in fills]},
        marker={
            "size": viewport.size,
            "symbol": ["circle"] * len(fills),
            "color": fills,
            "opacity": 1,
            "line": {
                "color": [INK if node in ends else QUIET for node in network.nodes],
                "width": [(3.0 if node in ends else 1.2) * viewport.size / 34 for node in network.nodes],
            },
        },
        hovertext=[_node_words(network, node, ticks_per_frame) for node in network.nodes],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )


def _node_words(network: Network, node: str, ticks_per_frame: int) -> str:
    role = " (input)" if node in network.inputs else " (output)" if node == network.output else ""
    response = f"first response in {_moment(network.first_response_of(node), ticks_per_frame)}"
    return f"<b>{whole(node)}</b>{role}<br>{_shape(network.shape_of(node))}<br>{response}"


def _shape(shape: tuple[int, ...]) -> str:
    """A shape as it is said.

    >>> _shape((16, 17, 17)), _shape((10,))
    ('16 × 17 × 17', '10 units')
    """
    if len(shape) == 1:
        return f"{shape[0]} unit" + ("" if shape[0] == 1 else "s")
    return " \N{MULTIPLICATION SIGN} ".join(map(str, shape))


def _texts(network: Network, viewport: Viewport) -> dict[str, Text]:
    """Name and shape below every node, the name alone or nothing where others stand: inputs and output first."""
    texts: dict[str, Text] = {}
    boxes = BoxGrid(64)
    for node in dict.fromkeys([*network.inputs, network.output, *network.nodes]):
        x, y = viewport.layout.nodes[node]
        x, y = x * viewport.across, y * viewport.down - viewport.size / 2 - 3
        shape = _shape(network.shape_of(node))
        name, long = f"<b>{brief(node, NAME_LETTERS)}</b>", len(cut(node, NAME_LETTERS))
        both = [(f"{name}<br>{shape}", max(long, len(shape)), 2)] if viewport.size >= NUMBERED_PX else []
        for words, letters, high in (*both, (name, long, 1)):
            box = (x - 3.6 * letters, x + 3.6 * letters, y - 17 * high, y)
            if all(box[0] > b or box[1] < a or box[2] > d or box[3] < c for a, b, c, d in boxes.near([box])):
                texts[node] = Text(words, box)
                boxes.add(box)
                break
    return texts


def _names(viewport: Viewport, texts: Mapping[str, Text]) -> go.Scatter:
    points = [viewport.layout.nodes[node] for node in texts]
    return go.Scatter(
        name="names",
        mode="text",
        x=np.array([x for x, _ in points], dtype=np.float32),
        y=np.array([y - (viewport.size / 2 + 3) / viewport.down for _, y in points], dtype=np.float32),
        text=[text.words for text in texts.values()],
        textposition="bottom center",
        textfont={"size": 12.5, "color": INK, "shadow": ", ".join([f"0 0 3px {PAPER}"] * 3)},
        hoverinfo="skip",
        showlegend=False,
    )


def _dressed(
    figure: go.Figure,
    network: Network,
    viewport: Viewport,
    paths: Sequence[list[Point]],
    ticks_per_frame: int,
    remarks: str,
    named: int,
) -> go.Figure:
    nodes, edges, output = len(network.nodes), len(network.edges), network.output
    response = _moment(network.first_response[output], ticks_per_frame)
    title = f"{nodes} nodes, {edges} edge{'s' * (edges > 1)}: first response of {brief(output)} in {response}"
    delays = sorted({edge.delay for edge in network.edges})
    longest = _time(delays[-1], ticks_per_frame) if delays[-1] else "no time"
    taken = f"Every edge takes {longest}" if len(delays) == 1 else f"Edges take {delays[0]} to {longest}"
    unit = "frame" if ticks_per_frame == 1 else "tick"
    shown = "Number and shade" if viewport.size >= NUMBERED_PX else "Shade"
    subtitle = f"{taken}. {shown} of a node: {unit} of its first response."
    if named < nodes:
        subtitle += f" {nodes - named:,} nodes have no room for their names: hover over them."
    if has_many_edges(viewport.layout):
        subtitle += " A mark on each line points to its target; lines may pass behind other nodes."
    remarks = whole(remarks)
    subtitle += remarks
    loops = sum(edge.source == edge.target for edge in network.edges)
    names = ", ".join(map(brief, network.nodes[:NAMED])) + (f" and {nodes - NAMED:,} more" if nodes > NAMED else "")
    alt = f"Graph of {names}: {title}. {taken}; {loops} loop{'s' * (loops != 1)} on a node.{remarks}"
    rows = [y * viewport.down for _, y in viewport.layout.nodes.values()]
    curved = [y * viewport.down for path in paths for _, y in path]
    top = max(max(rows) + viewport.size / 2, *curved) + 14
    bottom = min(min(rows) - viewport.size / 2 - 42, min(curved) - 14)
    side = SIDES_PX / viewport.across
    last = max(x for x, _ in viewport.layout.nodes.values())
    figure.update_xaxes(visible=False, range=[-side, last + side])
    figure.update_yaxes(visible=False, range=[bottom / viewport.down, top / viewport.down])
    figure.update_layout(showlegend=len(delays) > 1, legend={"itemwidth": 48}, dragmode="pan")
    figure.update_layout(margin={"l": 10, "r": 10, "t": 78, "b": 10}, hoverdistance=12)
    grown = viewport.width > WIDTH_PX + 1
    least_px = viewport.width if grown else LEAST_PX + LAYER_PX * last
    figure.update_layout(width=viewport.width if grown else None, meta={"least_px": round(least_px)})
    return dress(figure, title, subtitle, alt, round(88 + top - bottom))
