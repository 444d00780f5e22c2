"""Graphs of any size: every answer is that of its slow definition, work grows with the graph, nothing recurses."""

import copy
import gc
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from types import FrameType

import networkx
import numpy as np
import pytest
import torch
from torch import nn

import workbench as wb
from tests.support import reference, slow_graphs
from tests.support.certain_speed import CertainSpeed
from tests.support.random_networks import random_frames, random_model, random_network, random_spiking
from workbench import figures
from workbench.engine.block_plan import plan
from workbench.engine.event_driven import cost_model, hybrid_state
from workbench.engine.scheduler import MOST_TIMES_WIDEST, choose_block
from workbench.evaluation import count_updates
from workbench.figures._layout import layered_layout, many_edges
from workbench.figures._layout.edge_routing import BoxGrid, Text, edge_curves, find_badge_positions, fit_viewport
from workbench.figures._layout.layered_layout import lay_out
from workbench.network.graph_algorithms import connected_components, keep_acyclic

SEEDS = range(40)
DENSE = wb.Dense(3)


def large_network(
    seed: int, nodes: int = 40, degree: float = 3.0, *, cyclic: bool = True, longest: int = 3, shuffled: bool = True
) -> wb.Network:
    """A network of so many flat nodes between "in" and "out", `degree` edges into each, in any order."""
    rng = np.random.default_rng(seed)
    names = ["in", *(f"n{i}" for i in range(nodes))]
    ends = {(names[rng.integers(0, i)], names[i]): None for i in range(1, nodes + 1)}
    while len(ends) < degree * nodes:
        a, b = rng.integers(0, nodes + 1, 2).tolist()
        if b > 0 and (cyclic or a < b):
            ends[names[a], names[b]] = None
    ends[names[nodes], "out"] = None
    edges = [wb.Edge(*pair, DENSE, int(rng.integers(1, longest + 1))) for pair in ends]
    if shuffled:
        edges = [edges[i] for i in rng.permutation(len(edges))]
    return wb.Network({"in": (3,)}, edges, output="out")


def chain(nodes: int, backwards: bool = False, delay: int = 1) -> wb.Network:
    """So many nodes in a row, the edges listed from the first on or from the last."""
    names = ["in", *(f"n{i}" for i in range(nodes - 2)), "out"]
    edges = [wb.Edge(a, b, DENSE, delay) for a, b in pairwise(names)]
    return wb.Network({"in": (3,)}, edges[::-1] if backwards else edges, output="out")


# the same answers


@pytest.mark.parametrize("seed", range(150))
def test_pairs_are_kept_one_by_one_unless_they_close_a_cycle(seed):
    rng = np.random.default_rng(seed)
    nodes, count = int(rng.integers(1, 30)), int(rng.integers(0, 120))
    pairs = [tuple(pair) for pair in rng.integers(0, nodes, (count, 2)).tolist()]
    assert keep_acyclic(iter(pairs)) == slow_graphs.keep_acyclic(pairs)


@pytest.mark.parametrize("seed", range(150))
def test_parts_come_in_the_order_of_the_nodes_wherever_that_leads_forward(seed):
    rng = np.random.default_rng(seed)
    nodes = list(range(int(rng.integers(1, 12))))
    pairs = [(a, b) for a in nodes for b in nodes if a < b and rng.random() < 0.3]
    loops = [(a, a) for a in nodes if rng.random() < 0.2]
    assert connected_components(nodes, pairs + loops) == tuple(frozenset([node]) for node in nodes)


@pytest.mark.parametrize("seed", SEEDS)
def test_sequential_goes_through_the_edges_as_listed(seed):
    network = large_network(seed, degree=1 + seed % 5)
    assert [edge.delay for edge in network.sequential().edges] == slow_graphs.sequential_delays(network)


def told(of: Callable[[], object]) -> object:
    """What something gives, or the words with which it is refused."""
    try:
        return of()
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("seed", SEEDS)
def test_shapes_are_found_in_the_same_order_and_the_same_disagreement_is_named(seed):
    network, rng = random_network(seed), np.random.default_rng(seed)
    for listed in (network, large_network(seed)):
        assert list(listed.shapes.items()) == list(slow_graphs.shapes(listed.inputs, listed.edges).items())
    edges = [wb.Edge(*edge.ends, wb.Dense(int(rng.integers(3, 5)))) for edge in large_network(seed, nodes=8).edges]
    expected = told(lambda: slow_graphs.shapes({"in": (3,)}, edges))
    found = told(lambda: wb.Network({"in": (3,)}, edges, output="out").shapes)
    assert expected in found if isinstance(expected, str) else expected == found


@pytest.mark.parametrize("seed", SEEDS)
def test_one_node_is_answered_as_all_are(seed):
    network = large_network(seed)
    for node in network.nodes:
        assert network.shape_of(node) == network.shapes[node]
        assert network.first_response_of(node) == network.first_response[node]
        assert network.incoming(node) == tuple(p for p, edge in enumerate(network.edges) if edge.target == node)
        assert network.outgoing(node) == tuple(p for p, edge in enumerate(network.edges) if edge.source == node)
    for ask in (network.shape_of, network.first_response_of):
        with pytest.raises(KeyError):
            ask("nobody")


@pytest.mark.parametrize("seed", SEEDS)
def test_plans_hold_their_definitions(seed):
    network, wanted = large_network(seed, degree=1.5 + seed % 3), ["out", "n3"]
    graph = networkx.DiGraph([edge.ends for edge in network.edges])
    found = plan(network, wanted, ahead=True)
    assert set(found.lead) == set().union(*(networkx.ancestors(graph, node) | {node} for node in wanted))
    done: set[str] = set()
    for part in found.components:
        assert part.steps == slow_graphs.steps_at_once(network, part.nodes)
        entering = [e for e in network.edges if e.target in part.nodes and e.source not in part.nodes]
        assert done >= {edge.source for edge in entering}, "a part comes before its sources"
        lead = min((found.lead[edge.source] + edge.delay for edge in entering), default=0)
        assert {found.lead[node] for node in part.nodes} == {lead}
        done |= {*part.nodes}
    for node in found.lead:
        ahead = [found.lead[e.source] + e.delay - found.lead[e.target] for e in network.edges
                 if e.source == node and e.target in found.lead]  # fmt: skip
        assert found.depth[node] == max([found.lead[node] if node in wanted else 0, *ahead])


@pytest.mark.parametrize("seed", range(12))
def test_a_network_of_many_nodes_runs_as_the_plain_loop_does(seed):
    network = large_network(seed, degree=1.5 + seed % 3)
    model, frames = random_model(network, seed), random_frames(network, seed, steps=14)
    expected = reference.run(model, frames)
    for block in (None, 1, 5):
        found = model.run(frames, block=block)
        for node in network.nodes:
            torch.testing.assert_close(found[node], expected[node], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threads", [1, 2])
def test_the_engines_agree_on_networks_of_many_nodes(seed, threads, monkeypatch):
    """Bands of units, and parts computed in turns by layers and along lists, included."""
    monkeypatch.setattr("workbench.engine.kernels.parallel.MIN_PARALLEL_SIZE", 1)
    monkeypatch.setattr("workbench.engine.kernels.parallel.DIVIDED", 1)
    network = large_network(seed, nodes=25).slowed(2)
    snn = random_spiking(network, seed, threshold=1.0, start=0.5, floor=-1.0)
    ticks = random_frames(network, seed, steps=24, batch=1, counts=True)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        dense, events, auto = (snn.run(ticks, block=7, engine=engine) for engine in ("dense", "events", "auto"))
        mixed = run_in_turns(snn, ticks, monkeypatch)
    finally:
        torch.set_num_threads(before)
    for node in network.nodes:
        for found in (events, auto, mixed):
            assert torch.equal(found[node], dense[node]), node


def run_in_turns(snn: wb.Model, ticks: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """Every other part along lists, the rest by layered_layout, whatever that costs."""
    from workbench.engine.event_driven.cost_model import EngineChoice

    def choose(choice: EngineChoice, *_: object) -> frozenset[str]:
        return frozenset(node for part in list(choice.costs)[::2] for node in part.nodes)

    monkeypatch.setattr(EngineChoice, "choose", choose)
    return snn.run(ticks, block=7, engine="auto")


def test_in_those_networks_parts_take_turns_and_recordings_are_divided(monkeypatch):
    """Or the law above would say little."""
    networks = [large_network(seed, nodes=25) for seed in range(6)]
    assert sum(len(plan(network, network.nodes).components) > 6 for network in networks) > 2
    monkeypatch.setattr("workbench.engine.kernels.parallel.MIN_PARALLEL_SIZE", 1)
    monkeypatch.setattr("workbench.engine.kernels.parallel.DIVIDED", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    snn = random_spiking(networks[0], 0, threshold=1.0)
    stream = snn.stream(batch=1, engine="events")
    stream.feed(random_frames(networks[0], 0, steps=8, batch=1, counts=True))
    assert stream._state.lists.bands == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_norm_knows_whether_its_node_lies_on_a_cycle(seed):
    network = random_network(seed)
    graph = networkx.DiGraph([edge.ends for edge in network.edges])
    cyclic = {node for part in networkx.strongly_connected_components(graph) if len(part) > 1 for node in part}
    cyclic |= {edge.source for edge in network.edges if edge.source == edge.target}
    model = wb.Model(network)
    assert {node for node in network.hidden if model.node_layer(node).on_cycle} == cyclic & set(network.hidden)


@pytest.mark.parametrize("seed", range(20))
def test_numbers_are_loaded_as_torch_loads_them(seed):
    network = random_network(seed)
    ann = wb.Model(network, seed=seed, neuron=wb.QuantisedReLU(4) if seed % 2 else None)
    gained = wb.Model(network, norm=None)
    for position, edge in enumerate(network.edges):
        if not edge.operation.weight_shapes(network.shape_of(edge.source)):
            gained.gains[str(position)] = nn.Parameter(torch.rand(()))
    for model in (ann, gained):
        numbers = {name: values + 1 for name, values in model.state_dict().items()}
        for assign, given in ((False, numbers), (True, {name: values.double() for name, values in numbers.items()})):
            ours, theirs = model.copy(), model.copy()
            loaded = ours.load_state_dict(given, assign=assign)
            assert loaded == nn.Module.load_state_dict(theirs, given, assign=assign) == ([], [])
            assert ours.state_dict().keys() == theirs.state_dict().keys()
            for name, values in ours.state_dict().items():
                assert values.dtype == theirs.state_dict()[name].dtype
                assert torch.equal(values, theirs.state_dict()[name])
            assert [p.requires_grad for p in ours.parameters()] == [p.requires_grad for p in theirs.parameters()]
        few = {"weights.999.0": torch.zeros(1), "more": torch.zeros(1), **dict(list(numbers.items())[1:])}
        partly = model.copy().load_state_dict(few, strict=False)
        assert partly == ([next(iter(numbers))], ["weights.999.0", "more"])
        with pytest.raises(
            RuntimeError, match=r"missing numbers: \['.*'\], unexpected ones: \['weights.999.0', 'more'\]"
        ):
            model.load_state_dict(few)
        wrong = numbers | {next(iter(numbers)): torch.zeros(17, 3)}
        with pytest.raises(RuntimeError, match="size mismatch"):
            model.load_state_dict(wrong)


def test_a_block_of_thousands_of_small_nodes_has_a_bound():
    few, many = large_network(0, nodes=60), large_network(0, nodes=600, degree=2)
    units = 3 * len(many.nodes)
    assert choose_block(few, batch=1) == choose_block(chain(3), batch=1)
    assert choose_block(many, batch=1) < choose_block(few, batch=1)
    assert choose_block(many, batch=1, size=1 << 20) == (1 << 20) // (4 * (units // MOST_TIMES_WIDEST))


# pictures


@pytest.mark.parametrize("seed", SEEDS)
def test_layers_hold_their_definition(seed):
    for network in (random_network(seed), large_network(seed, degree=1 + seed % 4)):
        assert layered_layout.layers(network) == slow_graphs.layers(network)


@pytest.mark.parametrize("size", [4.0, 14.0])
@pytest.mark.parametrize("seed", range(20))
def test_room_on_the_edges_is_found_among_the_near_as_among_all(seed, size):
    for network in (random_network(seed), large_network(seed, nodes=25)):
        canvas = fit_viewport(lay_out(network))
        paths, rng = edge_curves(network, canvas), np.random.default_rng(seed)
        places = [(x * canvas.across, y * canvas.down) for x, y in canvas.layout.nodes.values()]
        texts = {node: Text(node, (x - 20, x + 20, y - 34 * rng.random(), y))
                 for node, (x, y) in zip(network.nodes, places, strict=True)}  # fmt: skip
        assert find_badge_positions(paths, canvas, texts, size) == slow_graphs.find_badge_positions(
            paths, canvas, texts, size
        )


@pytest.mark.parametrize("seed", range(30))
def test_all_boxes_that_meet_one_are_near_it(seed):
    rng = np.random.default_rng(seed)
    corners = rng.integers(-40, 40, (60, 2, 2))
    boxes = [(*sorted(x), *sorted(y)) for x, y in corners.tolist()]
    grid = BoxGrid(float(rng.choice([3, 10, 33])))
    for box in boxes[1:]:
        grid.add(box)
    left, right, low, high = boxes[0]
    meeting = {b for b in boxes[1:] if left <= b[1] and b[0] <= right and low <= b[3] and b[2] <= high}
    assert meeting <= set(grid.near([boxes[0]])) <= set(boxes)


@pytest.fixture(scope="module")
def crowd() -> tuple[wb.Network, object]:
    network = large_network(7, nodes=500, degree=10, longest=2)
    return network, figures.network(network)


def test_of_a_crowd_every_edge_is_a_line_from_source_to_target_and_a_mark_that_points_along_it(crowd):
    network, figure = crowd
    nodes, marks = ({each.name: each for each in figure.data}[name] for name in ("nodes", "edges"))
    place = dict(zip(network.nodes, zip(nodes.x.tolist(), nodes.y.tolist(), strict=True), strict=True))
    for delay, lines in ((1, figure.data[0]), (2, figure.data[1])):
        assert (lines.name, lines.mode) == (f"delay {delay} frame{'s' * (delay > 1)}", "lines")
        gaps = np.flatnonzero(np.isnan(lines.x))
        begins, ends = np.array([0, *(gaps[:-1] + 1)]), gaps - 1
        edges = [edge for edge in network.edges if edge.delay == delay]
        for at, node in ((begins, [edge.source for edge in edges]), (ends, [edge.target for edge in edges])):
            found = np.stack([lines.x[at], lines.y[at]], 1)
            np.testing.assert_allclose(found, [place[name] for name in node], atol=1e-4)
    assert len(marks.x) == len(network.edges) == len(marks.hovertext)
    canvas = fit_viewport(lay_out(network))
    scale = np.array([canvas.across, canvas.down])
    angle = np.radians(marks.marker.angle)
    for position, edge in enumerate(network.edges):
        assert marks.hovertext[position].startswith(f"<b>{edge.source} → {edge.target}</b>")
        if edge.source != edge.target:
            here = np.array([marks.x[position], marks.y[position]])
            ahead = (np.array(place[edge.target]) - here) * scale
            pointing = np.array([np.sin(angle[position]), np.cos(angle[position])])
            assert ahead @ pointing > 0, f"the mark of {edge.name} points away from its target"


def test_of_a_crowd_the_words_say_what_is_simplified_and_no_more(crowd):
    network, figure = crowd
    assert (
        "A mark on each line points to its target; lines may pass behind other nodes." in figure.layout.meta["subtitle"]
    )
    assert "Shade of a node: frame of its first response" in figure.layout.meta["subtitle"]
    assert figure.data[2].text is None, "no number is promised, and none is there"
    assert f"and {len(network.nodes) - 50:,} more: " in figure.layout.meta["alt"]
    assert not any(each.marker.symbol == "arrow" for each in figure.data[:2])
    few = figures.network(large_network(7, nodes=20))
    assert "mark on each line" not in few.layout.meta["subtitle"]
    assert "Number and shade of a node" in figures.network(random_network(3)).layout.meta["subtitle"]
    assert not many_edges.has_many_edges(lay_out(large_network(7, nodes=20)))


# work


def work(of: Callable[[], object]) -> int:
    """How many functions are called, Python's and those in C: a measure of work that no other process disturbs."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    gc.disable()
    sys.setprofile(note)
    try:
        of()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def growing(nodes: int, kind: str) -> wb.Network:
    if kind == "chain":
        return chain(nodes, backwards=True)
    if kind == "hub":
        names = [f"n{i}" for i in range(nodes)]
        edges = [wb.Edge(*ends, DENSE) for name in names for ends in (("in", name), (name, "out"))]
        return wb.Network({"in": (3,)}, edges, output="out")
    return large_network(1, nodes, degree=4, cyclic=kind == "cyclic", longest=1)


def instant(network: wb.Network) -> wb.Network:
    """The same where every edge that can takes no time, so that a chain of any length answers within a recording."""
    return network.sequential()


RECORDINGS = wb.Recordings.from_ticks(
    np.random.default_rng(0).integers(0, 3, (12, 2, 3)), labels=[0, 1], classes=("a", "b", "c"), ticks_per_frame=1
)


def quiet(network: wb.Network) -> wb.Model:
    """An ANN without norm whose nodes are all active."""
    model = wb.Model(network, norm=None)
    with torch.no_grad():
        for node in network.nodes:
            if node not in network.inputs:
                model.node_layer(node).bias.fill_(1.0)
        for weights in model.weights:
            for weight in weights:
                weight.abs_().mul_(0.1)
    return model.eval()


def spiking(network: wb.Network) -> wb.Model:
    """An SNN with the numbers of such an ANN."""
    snn = wb.Model(network, norm=None, neuron=wb.IntegrateAndFire())
    snn.load_state_dict(quiet(network).state_dict())
    return snn.eval()


def convert(ann: wb.Model) -> wb.Model:
    return wb.convert(ann, RECORDINGS, ticks_per_frame=2, percentile=99.0)


FRAMES = torch.rand(6, 2, 3, generator=torch.Generator().manual_seed(0))  # of engines the same is chosen everywhere
VERBS: dict[str, tuple[Callable[[wb.Network], object], Callable[[object], object]]] = {
    "Network": (lambda n: (n.inputs, n.edges), lambda given: wb.Network(*given, output="out")),
    "sequential": (lambda n: n, lambda n: n.sequential()),
    "with_delays": (lambda n: (n, {edge.ends: 2 for edge in n.edges}), lambda given: given[0].with_delays(given[1])),
    "from_json": (lambda n: n.to_json(), wb.Network.from_json),
    "tableau": (lambda n: wb.Rollout(n, 4), lambda rollout: rollout.tableau),
    "past": (lambda n: wb.Rollout(n, 4), lambda rollout: rollout.past("out", 3)),
    "plan": (lambda n: n, lambda n: plan(n, n.nodes, ahead=True)),
    "Model": (lambda n: n, wb.Model),
    "load_state_dict": (lambda n: wb.Model(n), lambda model: model.load_state_dict(model.state_dict())),
    "copy": (wb.Model, lambda model: model.copy()),
    "run": (lambda n: quiet(instant(n)), lambda model: model.run(FRAMES)),
    "learn": (lambda n: wb.Model(instant(n)).train(), lambda model: model(FRAMES).sum().backward()),
    "events": (lambda n: spiking(instant(n)), lambda snn: snn.run(FRAMES.round(), engine="events")),
    "auto": (lambda n: spiking(instant(n)), lambda snn: snn.run(FRAMES.round(), engine="auto")),
    "convert": (lambda n: quiet(instant(n)), convert),
    "compare": (lambda n: spiking(instant(n)), lambda snn: wb.compare({"SNN": snn}, RECORDINGS)),
    "operations": (lambda n: spiking(instant(n)), lambda snn: wb.operations(snn, RECORDINGS)),
    "count_updates": (lambda n: spiking(instant(n)), lambda snn: count_updates(snn, RECORDINGS)),
    "figures.network": (lambda n: n, figures.network),
    "figures.rollout": (lambda n: wb.Rollout(n, 3), figures.rollout),
}


@pytest.mark.parametrize("kind", ["cyclic", "acyclic", "chain", "hub"])
@pytest.mark.parametrize("verb", VERBS)
def test_work_grows_with_the_graph_and_not_with_its_square(verb, kind, monkeypatch):
    monkeypatch.setattr(cost_model, "measured_speed", lambda threads: CertainSpeed({}))  # no choice by the clock
    monkeypatch.setattr(hybrid_state, "PATIENCE_NS", 0)
    prepare, do = VERBS[verb]
    small, large = (100, 800) if verb == "figures.network" else (50, 200)  # past the bound on the bends in a picture
    for nodes in (10, small, large):
        do(prepare(growing(nodes, kind)))  # whatever is loaded, compiled or measured when first needed
    calls = [work(partial(do, prepare(growing(nodes, kind)))) for nodes in (small, large)]
    times = large / small
    most = times**1.5 if (verb, kind) == ("sequential", "cyclic") else 1.4 * times
    assert calls[1] < most * calls[0], f"{calls[1] / calls[0]:.1f} times the calls for {times:.0f} times the graph"


# depth


@pytest.mark.parametrize("backwards", [False, True])
def test_no_depth_is_too_deep(backwards):
    network, limit = chain(4000, backwards), sys.getrecursionlimit()
    assert len(network.nodes) > 3 * limit
    assert network.first_response["out"] == 3999
    sequential = network.sequential()
    assert {edge.delay for edge in sequential.edges} == {0}
    assert wb.Network.from_json(network.to_json()) == network == copy.deepcopy(network)
    assert wb.count_rollouts(network) == 2**3999
    rollout = wb.Rollout(sequential, 2)
    assert rollout.inference_factor == 3999
    assert len(rollout.past("out", 1)) == 3999
    model = wb.Model(sequential, norm=None)
    drive = model.train()(torch.ones(2, 1, 3))
    drive.sum().backward()
    assert model.weights[0][0].grad is not None
    del drive
    assert wb.Model(network).eval()(torch.ones(2, 1, 3)).abs().sum() == 0
    assert len(figures.network(network).data[0].x) > 3999


def test_a_ring_of_any_length_is_one_part():
    names = [f"n{i}" for i in range(4000)]
    edges = [wb.Edge(a, b, DENSE) for a, b in zip(names, [*names[1:], names[0]], strict=True)]
    network = wb.Network({"in": (3,)}, [wb.Edge("in", "n0", DENSE), *edges], output="n9")
    assert [len(part.nodes) for part in plan(network, ["n9"]).components] == [1, 4000]
    assert [edge.name for edge in network.sequential().edges if edge.delay] == ["n3999 -> n0"]
