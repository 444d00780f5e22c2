"""The picture of a graph: every edge an arrow with its delay, every node a mark, nothing on top of another."""

import numpy as np
import plotly.graph_objects as go
import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_network
from tests.support.torch_modules import BasicBlock, ResNet
from workbench import figures
from workbench.figures._layout.edge_routing import edge_curves, fit_viewport
from workbench.figures._layout.layered_layout import lay_out, layers
from workbench.network.architectures import dsr, shortcut_network

SEEDS = range(60)


def trace(figure: go.Figure, name: str) -> go.Scatter:
    return next(each for each in figure.data if each.name == name)


def places(network: wb.Network, figure: go.Figure) -> dict[str, tuple[float, float]]:
    nodes = trace(figure, "nodes")
    return {node: (float(x), float(y)) for node, x, y in zip(network.nodes, nodes.x, nodes.y, strict=True)}


def drawn(figure: go.Figure) -> dict[str, list[tuple[tuple[float, float], tuple[float, float]]]]:
    """Begin and end of every arrow, by the name of its class."""
    found = {}
    for each in figure.data:
        if each.marker.symbol == "arrow":
            gaps = np.flatnonzero(np.isnan(each.x))
            starts = [0, *(gaps[:-1] + 1)]
            points = list(zip(each.x.tolist(), each.y.tolist(), strict=True))
            found[each.name] = [(points[a], points[b - 1]) for a, b in zip(starts, gaps, strict=True)]
    return found


def chain(nodes: int) -> wb.Network:
    return wb.Network({"n0": (1,)}, [wb.Edge(f"n{i}", f"n{i + 1}", wb.Dense(1)) for i in range(nodes - 1)])


@pytest.mark.parametrize("seed", SEEDS)
def test_every_edge_is_an_arrow_from_its_source_to_its_target(seed: int) -> None:
    network = random_network(seed, parallel=True)
    figure = figures.network(network)
    place = {node: tuple(np.float32(point).tolist()) for node, point in places(network, figure).items()}
    expected = sorted((place[edge.source], place[edge.target]) for edge in network.edges)
    arrows = [arrow for group in drawn(figure).values() for arrow in group]
    assert np.allclose(sorted(arrows), expected, atol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_delay_is_told_by_number_dash_and_words(seed: int) -> None:
    network = random_network(seed, parallel=True)
    figure = figures.network(network)
    edges = trace(figure, "edges")
    assert list(edges.text) == [str(edge.delay) for edge in network.edges]
    for edge, words in zip(network.edges, edges.hovertext, strict=True):
        assert repr(edge.operation) in words
        assert ("no delay" if edge.delay == 0 else f"delay {edge.delay} frame") in words
    groups = [each for each in figure.data if each.marker.symbol == "arrow"]
    assert len({each.line.dash for each in groups}) == len(groups) == len({edge.delay for edge in network.edges})
    for each in groups:
        delay = 0 if each.name == "no delay" else int(each.name.split()[1])
        assert np.isnan(each.x).sum() == sum(edge.delay == delay for edge in network.edges)


@pytest.mark.parametrize("seed", SEEDS)
def test_layers_lead_from_inputs_to_output_and_only_closing_edges_lead_back(seed: int) -> None:
    network = random_network(seed, parallel=True)
    layer = layers(network)
    assert layer["in"] == 0
    assert layer["out"] == max(layer.values())
    for node in network.nodes:
        if node != "in":
            assert any(layer[edge.source] < layer[node] for edge in network.edges if edge.target == node)
    back = [edge.ends for edge in network.edges if layer[edge.source] >= layer[edge.target]]
    for source, target in back:
        assert source in reach(network, target), "an edge leads back without closing a cycle"


def reach(network: wb.Network, node: str) -> set[str]:
    found, waiting = {node}, [node]
    while waiting:
        here = waiting.pop()
        for edge in network.edges:
            if edge.source == here and edge.target not in found:
                found.add(edge.target)
                waiting.append(edge.target)
    return found


@pytest.mark.parametrize("network", [*(random_network(seed) for seed in SEEDS), *map(dsr, range(7))])
def test_no_edge_passes_through_the_mark_of_another_node(network: wb.Network) -> None:
    viewport = fit_viewport(lay_out(network))
    for edge, path in zip(network.edges, edge_curves(network, viewport), strict=True):
        fine = np.linspace(0, len(path) - 1, 400)
        x, y = (np.interp(fine, range(len(path)), column) for column in zip(*path, strict=True))
        for node, (column, row) in viewport.layout.nodes.items():
            if node not in edge.ends:
                nearest_px = np.hypot((x - column) * viewport.across, (y - row) * viewport.down).min()
                assert nearest_px > viewport.size / 2, (edge.name, node)


@pytest.mark.parametrize("seed", SEEDS)
def test_parallel_and_opposite_edges_are_apart(seed: int) -> None:
    network = random_network(seed, parallel=True)
    viewport = fit_viewport(lay_out(network))
    paths = edge_curves(network, viewport)
    for i, one in enumerate(network.edges):
        for j, other in enumerate(network.edges[:i]):
            if set(one.ends) == set(other.ends):
                middles = [
                    np.array(path[len(path) // 2]) * (viewport.across, viewport.down) for path in (paths[i], paths[j])
                ]
                assert np.hypot(*(middles[0] - middles[1])) > 8, (one.name, other.name)


def test_names_shapes_and_first_responses_are_told() -> None:
    figure = figures.network(shortcut_network((2, 34, 34), 10))
    assert {text.replace("\N{MULTIPLICATION SIGN}", "x") for text in trace(figure, "names").text} == {
        "<b>retina</b><br>2 x 34 x 34", "<b>v1</b><br>16 x 17 x 17", "<b>v2</b><br>32 x 9 x 9",
        "<b>v3</b><br>32 x 9 x 9", "<b>class</b><br>10 units",
    }  # fmt: skip
    assert trace(figure, "nodes").text == ("0", "1", "2", "1", "2")
    assert figure.layout.meta["title"] == "5 nodes, 5 edges: first response of class in frame 2"
    words = trace(figure, "edges").hovertext[0]
    assert words == "<b>retina → v1</b><br>Conv(16, kernel=5, stride=2)<br>delay 1 frame<br>800 weights"


def test_delays_of_an_snn_are_in_ticks() -> None:
    figure = figures.network(shortcut_network((2, 34, 34), 10).slowed(12), ticks_per_frame=12)
    assert figure.layout.meta["title"].endswith("in frame 2, tick 24")
    assert "delay 12 ticks (1 frame)" in trace(figure, "edges").hovertext[0]


def test_weights_of_chains_are_summed_and_none_are_said() -> None:
    edges = [
        wb.Edge("in", "a", wb.Chain(wb.Conv(2, kernel=3), wb.Conv(2, kernel=1))),
        wb.Edge("in", "b", wb.Pool(2)),
        wb.Edge("a", "out", wb.Dense(3)),
        wb.Edge("b", "out", wb.Dense(3)),
    ]
    words = trace(figures.network(wb.Network({"in": (1, 4, 4)}, edges)), "edges").hovertext
    assert [each.rsplit("<br>", 1)[1] for each in words] == ["22 weights", "no weights", "96 weights", "12 weights"]


@pytest.mark.parametrize("nodes", [2, 12, 60, 200])
def test_it_works_for_any_depth_with_fewer_names_where_there_is_no_room(nodes: int) -> None:
    figure = figures.network(chain(nodes))
    assert len(trace(figure, "nodes").x) == nodes
    assert figure.layout.height <= 900
    names = trace(figure, "names").text
    assert "<b>n0</b>" in names[0]
    assert f"<b>n{nodes - 1}</b>" in names[1]
    assert (len(names) < nodes) == (nodes >= 200)
    assert ("have no room for their names" in figure.layout.meta["subtitle"]) == (nodes >= 200)


def test_a_deep_network_grows_wider_than_a_page_and_no_badge_touches_a_node() -> None:
    figure = figures.network(ResNet(BasicBlock, [3, 3, 3]), example=torch.zeros(1, 3, 32, 32))
    nodes, badges = trace(figure, "nodes"), trace(figure, "edges")
    begin, end = figure.layout.xaxis.range
    across = figure.layout.width / (end - begin)
    assert figure.layout.width > 1_400
    assert figure.layout.meta["least_px"] == figure.layout.width
    assert len(trace(figure, "names").x) == len(nodes.x)
    low, high = figure.layout.yaxis.range
    down = (figure.layout.height - figure.layout.margin.t - figure.layout.margin.b) / (high - low)
    apart = np.hypot(across * (badges.x[:, None] - nodes.x), down * (badges.y[:, None] - nodes.y))
    assert apart.min() > (nodes.marker.size + badges.marker.size) / 2


def test_a_graph_with_very_many_skips_is_drawn_as_well() -> None:
    nodes = [f"n{i}" for i in range(60)]
    edges = [wb.Edge(a, b, wb.Dense(1)) for i, b in enumerate(nodes) for a in nodes[:i]]
    figure = figures.network(wb.Network({"n0": (1,)}, edges))
    assert sum(len(group) for group in drawn(figure).values()) == 60 * 59 / 2


def test_many_delays_share_the_last_dash_and_keep_their_numbers() -> None:
    edges = [wb.Edge("a", "b", wb.Dense(1), delay=delay) for delay in range(9)]
    figure = figures.network(wb.Network({"a": (1,)}, edges))
    assert [each.name for each in figure.data if each.marker.symbol == "arrow"] == [
        "no delay", *(f"delay {n} frame{'s' * (n > 1)}" for n in range(1, 5)), "delay 5 frames or more",
    ]  # fmt: skip
    assert len(drawn(figure)["delay 5 frames or more"]) == 4


def test_the_same_call_gives_the_same_figure_and_mistakes_are_refused() -> None:
    network = random_network(5)
    assert figures.network(network).to_json() == figures.network(network).to_json()
    for wrong in (0, 1.5, True):
        with pytest.raises(ValueError, match="must be a whole number of at least 1"):
            figures.network(network, ticks_per_frame=wrong)
