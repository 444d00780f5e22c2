"""Networks as values: written and read back, delays by law on random networks, and every refusal in words."""

import copy
import dataclasses
import json
import math

import networkx
import numpy as np
import pytest

import workbench as wb
from tests.support import reference
from tests.support.random_networks import random_network

SEEDS = range(120)
NAMES = {name: getattr(wb, name) for name in wb.__all__}
LINE = [wb.Edge("in", "a", wb.Dense(4)), wb.Edge("a", "out", wb.Dense(2))]


def with_parallel_edges(seed: int) -> wb.Network:
    """A random network in which some edges that take time have a parallel one, listed before or after them."""
    network, rng = random_network(seed, flat=seed % 3 == 0, signal=seed % 3 == 1), np.random.default_rng(seed)
    edges = list(network.edges)
    for edge in network.edges:
        if edge.delay > 0 and rng.random() < 0.4:
            place = int(rng.integers(0, len(edges)))
            edges.insert(place, dataclasses.replace(edge, delay=edge.delay + int(rng.integers(1, 3))))
    return wb.Network(network.inputs, edges, output=network.output)


def closes(edge: wb.Edge, before: list[wb.Edge]) -> bool:
    """Whether the edge, given delay 0, would close a zero-delay cycle with these."""
    graph = networkx.DiGraph([e.ends for e in before if e.delay == 0])
    graph.add_edge(*edge.ends)
    return not networkx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_network_prints_as_typed_and_goes_through_json_and_copies(seed):
    network = with_parallel_edges(seed)
    for same in (
        eval(repr(network), NAMES),
        wb.Network.from_json(network.to_json()),
        copy.copy(network),
        copy.deepcopy(network),
        dataclasses.replace(network),
        wb.Network(dict(network.inputs), list(network.edges), network.output),
    ):
        assert same == network
        assert hash(same) == hash(network)
        assert (same.nodes, same.shapes, same.first_response) == (network.nodes, network.shapes, network.first_response)
        assert repr(same) == repr(network)
    assert json.loads(network.to_json())["workbench"] == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_changing_one_thing_makes_another_network(seed):
    network = random_network(seed)
    position = seed % len(network.edges)
    edge = network.edges[position]
    edges = [*network.edges[:position], dataclasses.replace(edge, delay=9), *network.edges[position + 1 :]]
    others = [
        wb.Network(network.inputs, edges, network.output),
        wb.Network(network.inputs, [*network.edges, dataclasses.replace(edge, delay=9)], network.output),
        wb.Network({**network.inputs, "more": (1,)}, network.edges, network.output),
        wb.Network(network.inputs, network.edges, network.edges[0].target),
    ]
    assert all(other != network for other in others)
    assert len({network, *others}) == 5


@pytest.mark.parametrize("seed", SEEDS)
def test_first_response_is_the_shortest_path_of_delays(seed):
    network = with_parallel_edges(seed)
    for derived in (network, network.streaming(), network.sequential(), network.slowed(3)):
        assert derived.first_response == reference.first_responses(derived)


@pytest.mark.parametrize("seed", SEEDS)
def test_shapes_agree_with_every_edge_even_where_a_cycle_is_listed_first(seed):
    network = with_parallel_edges(seed)
    rng = np.random.default_rng(seed)
    shuffled = [network.edges[i] for i in rng.permutation(len(network.edges))]
    for edges in (network.edges, network.edges[::-1], shuffled):
        listed = wb.Network(network.inputs, edges, network.output)
        assert dict(listed.shapes) == dict(network.shapes)
        assert set(listed.nodes) == set(listed.shapes)
        for edge in edges:
            assert listed.shapes[edge.target] == edge.operation.output_shape(listed.shapes[edge.source])


def test_nodes_come_in_the_order_in_which_edges_reach_them():
    edges = [wb.Edge("b", "b", wb.Identity()), wb.Edge("y", "c", wb.Dense(3)), wb.Edge("x", "b", wb.Dense(2))]
    network = wb.Network({"y": (1,), "x": (1,)}, edges)
    assert network.nodes == ("y", "x", "b", "c")
    assert network.output == "b"
    assert [network.incoming(node) for node in network.nodes] == [(), (), (0, 2), (1,)]


@pytest.mark.parametrize("seed", SEEDS)
def test_streaming_gives_every_edge_a_delay_and_leaves_the_others_alone(seed):
    network = random_network(seed)
    before = repr(network)
    streaming = network.streaming()
    assert [edge.delay for edge in streaming.edges] == [max(1, edge.delay) for edge in network.edges]
    assert [dataclasses.replace(e, delay=0) for e in streaming.edges] == [
        dataclasses.replace(e, delay=0) for e in network.edges
    ]
    assert (streaming.inputs, streaming.output) == (network.inputs, network.output)
    assert streaming.streaming() == streaming
    assert repr(network) == before


def test_parallel_edges_that_streaming_would_make_equal_are_refused():
    network = wb.Network({"in": (2,)}, [wb.Edge("in", "out", wb.Dense(2), delay) for delay in (0, 1)])
    with pytest.raises(ValueError, match=r"two edges in -> out have the same delay 1; parallel edges must differ"):
        network.streaming()


@pytest.mark.parametrize("seed", SEEDS)
def test_sequential_takes_a_delay_away_wherever_that_closes_no_cycle_with_the_edges_before(seed):
    network = with_parallel_edges(seed)
    before = repr(network)
    sequential = network.sequential()
    assert len(sequential.edges) == len(network.edges)
    for position, (edge, was) in enumerate(zip(sequential.edges, network.edges, strict=True)):
        earlier = list(sequential.edges[:position])
        parallel = any(other.ends == edge.ends and other.delay == 0 for other in earlier)
        assert edge == dataclasses.replace(was, delay=edge.delay)
        assert edge.delay == (max(1, was.delay) if closes(edge, earlier) or parallel else 0)
    assert sequential.sequential() == sequential
    assert repr(network) == before


@pytest.mark.parametrize("seed", SEEDS)
def test_sequential_does_not_depend_on_which_delays_were_zero(seed):
    network = random_network(seed)
    assert [e.delay == 0 for e in network.sequential().edges] == [
        e.delay == 0 for e in network.streaming().sequential().edges
    ]


def test_the_random_networks_hold_what_the_laws_are_about():
    networks = [with_parallel_edges(seed) for seed in SEEDS]
    kept = [edge for network in networks for edge in network.sequential().edges if edge.delay > 0]
    parallel = [edge for n in networks for edge in n.edges if [e.ends for e in n.edges].count(edge.ends) > 1]
    cyclic = [n for n in networks if not networkx.is_directed_acyclic_graph(networkx.DiGraph(e.ends for e in n.edges))]
    assert min(len(kept), len(parallel), len(cyclic)) > 50


@pytest.mark.parametrize("edges", [["in a", "a b", "b a", "b out"], ["in a", "in b", "b a", "a b", "b out"]])
def test_the_first_edge_of_a_loop_as_listed_becomes_instant(edges):
    network = wb.Network({"in": (2,)}, [wb.Edge(*ends.split(), wb.Dense(2)) for ends in edges])
    delays = [edge.delay for edge in network.sequential().edges]
    assert delays == [0 if ends != edges[-2] else 1 for ends in edges]


def test_of_two_parallel_edges_the_first_becomes_instant_and_the_other_keeps_its_delay():
    edges = [wb.Edge("in", "out", wb.Dense(2), delay) for delay in (3, 0, 2)]
    assert [e.delay for e in wb.Network({"in": (2,)}, edges[::2]).sequential().edges] == [0, 2]
    assert [e.delay for e in wb.Network({"in": (2,)}, edges[1:]).sequential().edges] == [0, 2]


@pytest.mark.parametrize("seed", SEEDS)
def test_slowing_multiplies_every_delay(seed):
    network = with_parallel_edges(seed)
    for k in (1, 2, 12):
        assert [edge.delay for edge in network.slowed(k).edges] == [edge.delay * k for edge in network.edges]
    assert network.slowed(1) == network
    assert network.slowed(2).slowed(3) == network.slowed(6)
    assert network.slowed(5).first_response == {node: 5 * first for node, first in network.first_response.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_with_delays_changes_the_named_edges_only(seed):
    network = random_network(seed)
    named = {edge.ends: 7 + position for position, edge in enumerate(network.edges) if position % 2}
    changed = network.with_delays(named)
    assert [e.delay for e in changed.edges] == [named.get(e.ends, e.delay) for e in network.edges]
    assert network.with_delays({}) == network
    assert changed.with_delays({edge.ends: edge.delay for edge in network.edges}) == network


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "2"])
def test_a_clock_that_is_no_whole_number_is_refused(k):
    with pytest.raises(ValueError, match=r"slowed\(.*\): the factor must be a whole number of at least 1"):
        wb.Network({"in": (2,)}, LINE).slowed(k)


@pytest.mark.parametrize(
    ("delays", "words"),
    [
        ({("a", "b"): 1}, r"with_delays: there is no edge a -> b; the edges are in -> a, a -> out, in -> out"),
        ({("out", "a"): 1}, r"there is no edge out -> a"),
        ({"a": 1}, r"there is no edge 'a'; the edges are in -> a"),
        ({3: 1}, r"there is no edge 3; the edges are in -> a"),
        ({("in", "out"): 1}, r"in -> out names 2 parallel edges, which must differ in delay; write a new Network"),
        ({("in", "a"): -1}, r"edge in -> a: delay -1 must be a whole number of steps, 0 or more"),
        ({("in", "a"): 0.5}, r"edge in -> a: delay 0\.5 must be a whole number"),
    ],
)
def test_delays_of_edges_that_are_not_there_are_refused(delays, words):
    edges = [*LINE, *(wb.Edge("in", "out", wb.Dense(2), delay) for delay in (1, 2))]
    with pytest.raises(ValueError, match=words):
        wb.Network({"in": (2,)}, edges).with_delays(delays)


def test_new_delays_that_close_a_zero_delay_cycle_are_refused():
    network = wb.Network({"in": (2,)}, [*LINE, wb.Edge("a", "a", wb.Dense(4))])
    with pytest.raises(ValueError, match="zero-delay cycle a -> a"):
        network.with_delays({("a", "a"): 0})


@pytest.mark.parametrize("integer", [np.int64, np.int8, np.uint16])
def test_numpy_integers_are_fine(integer):
    network = wb.Network({"in": (integer(2),)}, [wb.Edge("in", "out", wb.Dense(3), integer(2))])
    assert network == wb.Network({"in": (2,)}, [wb.Edge("in", "out", wb.Dense(3), 2)])
    assert wb.Network.from_json(network.to_json()) == network
    assert network.with_delays({("in", "out"): integer(4)}).edges[0].delay == 4
    assert type(network.edges[0].delay) is int


@pytest.mark.parametrize("delay", [-1, 0.5, 1.0, True, False, "1", None, math.nan, np.float64(2)])
def test_a_delay_that_is_no_whole_number_is_refused(delay):
    with pytest.raises(ValueError, match=r"edge in -> out: delay .* must be a whole number of steps, 0 or more"):
        wb.Edge("in", "out", wb.Dense(2), delay)


@pytest.mark.parametrize("ends", [("", "b"), ("a", ""), (1, "b"), ("a", None)])
def test_a_node_without_a_name_is_refused(ends):
    with pytest.raises(ValueError, match=r"an edge joins nodes by their names, not .*; use a non-empty string"):
        wb.Edge(*ends, wb.Dense(2))


def test_what_is_no_operation_is_refused_with_the_name_of_the_edge():
    with pytest.raises(ValueError, match=r"edge in -> out: 'Dense' is no operation of the workbench; use one of"):
        wb.Edge("in", "out", "Dense")


@pytest.mark.parametrize("inputs", [{}, None, [("in", (2,))], "in"])
def test_a_network_without_inputs_is_refused(inputs):
    with pytest.raises(ValueError, match=r"a network needs inputs, a dict of node and shape such as"):
        wb.Network(inputs, LINE)


@pytest.mark.parametrize("shape", [(), (0,), (2, -1, 4), (2.5, 3), 7, None, "24", (2, (3, 4))])
def test_an_input_without_a_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"input 'in': shape .* must be a tuple of whole numbers >= 1 such as"):
        wb.Network({"in": shape}, LINE)


@pytest.mark.parametrize("edges", [[], (), ["in -> a"], [("in", "a", wb.Dense(2))], [*LINE, None]])
def test_a_network_without_edges_is_refused(edges):
    with pytest.raises(ValueError, match="a network needs a list of at least one Edge, not"):
        wb.Network({"in": (2,)}, edges)


@pytest.mark.parametrize(
    ("more", "output", "words"),
    [
        (
            [("a", "b", wb.Dense(3)), ("in", "b", wb.Dense(5))],
            "",
            r"node 'b': edge a -> b \(Dense\(3\)\) brings shape \(3,\), but edge in -> b brings \(5,\); .* must agree",
        ),
        ([("a", "a", wb.Dense(3))], "", r"node 'a': edge a -> a \(Dense\(3\)\) brings shape \(3,\), but edge in -> a"),
        ([("a", "b", wb.Conv(2, 3))], "", r"edge a -> b: Conv\(2, kernel=3\) needs a source of shape .* not \(4,\)"),
        ([("typo", "b", wb.Dense(2))], "", r"edge typo -> b: unknown node 'typo'.*known are in, a, out, b"),
        ([("x", "y", wb.Dense(2)), ("y", "x", wb.Dense(2))], "", r"unreachable from any input: node 'y', 'x'; add an"),
        ([("b", "b", wb.Dense(2))], "out", r"unreachable from any input: node 'b'; add an edge that leads there"),
        ([("a", "in", wb.Dense(2))], "", r"edge a -> in leads into the input 'in'; an input is given from outside"),
        ([("in", "a", wb.Dense(4))], "", r"two edges in -> a have the same delay 1; parallel edges must differ"),
        ([("a", "a", wb.Dense(4), 0)], "", r"zero-delay cycle a -> a: .* give one of these edges a delay"),
        ([], "answer", r"output='answer' is an unknown node or an input; choose one of a, out"),
        ([], "in", r"output='in' is an unknown node or an input; choose one of a, out"),
        ([], 3, r"output=3 is an unknown node or an input"),
    ],
)
def test_edges_that_make_no_network_are_refused(more, output, words):
    with pytest.raises(ValueError, match=words):
        wb.Network({"in": (2,)}, [*LINE, *(wb.Edge(*edge) for edge in more)], output=output)


@pytest.mark.parametrize("seed", range(60))
def test_a_zero_delay_cycle_is_refused_by_the_names_along_it(seed):
    rng = np.random.default_rng(seed)
    ring = [f"n{i}" for i in rng.permutation(rng.integers(1, 5))]
    edges = [wb.Edge(a, b, wb.Dense(2), 0) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]
    edges += [wb.Edge("in", ring[0], wb.Dense(2)), wb.Edge(ring[-1], "out", wb.Dense(2), 0)]
    with pytest.raises(ValueError, match="zero-delay cycle ") as caught:
        wb.Network({"in": (2,)}, [edges[i] for i in rng.permutation(len(edges))], output="out")
    cycle = str(caught.value).removeprefix("zero-delay cycle ").split(":")[0].split(" -> ")
    assert networkx.is_path(networkx.DiGraph([edge.ends for edge in edges]), cycle)
    assert cycle[0] == cycle[-1]
    assert set(cycle) == set(ring)


def test_a_network_is_saved_whole_and_loaded(tmp_path):
    network = random_network(5)
    for path in (tmp_path / "network.json", str(tmp_path / "network.json")):  # the second time over the first
        network.save(path)
        assert wb.Network.load(path) == network
        assert [file.name for file in tmp_path.iterdir()] == ["network.json"]


def test_where_nothing_can_be_saved_nothing_is_left_aside(tmp_path):
    (tmp_path / "network.json").mkdir()
    with pytest.raises(OSError, match=r"network\.json"):
        random_network(5).save(tmp_path / "network.json")
    assert [file.name for file in tmp_path.iterdir()] == ["network.json"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[:-40], r"network\.json: this is no network: not valid JSON at line \d+"),
        (lambda text: "", r"network\.json: this is no network: not valid JSON at line 1"),
        (lambda text: "[1, 2]", r"network\.json: this is no network of the workbench: expected"),
        (lambda text: '{"edges": []}', r"network\.json: this is no network of the workbench"),
        (lambda text: text.replace('"workbench": 1', '"workbench": 9'), r"network\.json: this is no network of the"),
        (lambda text: text.replace('"output"', '"outlet"'), r"network\.json: this network is incomplete: .*output"),
        (lambda text: text.replace("Dense", "Dance"), r"network\.json: .* is no operation; 'type' must be one of"),
        (
            lambda text: text.replace('"delay": 1', '"delay": 1.5'),
            r"network\.json: edge .*: delay 1\.5 must be a whole",
        ),
        (lambda text: text.replace('"a"', '"in"'), r"network\.json: edge .* leads into the input 'in'"),
        (lambda text: "\xff", r"network\.json: "),
    ],
)
def test_a_damaged_file_is_refused_by_its_name(tmp_path, damage, words):
    path = tmp_path / "network.json"
    path.write_bytes(damage(wb.Network({"in": (2,)}, LINE).to_json()).encode("latin-1"))
    with pytest.raises(ValueError, match=words):
        wb.Network.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.json"):
        wb.Network.load(tmp_path / "nowhere.json")


def places(data: object, path: tuple = ()) -> list[tuple]:
    """The path of every value inside plain data."""
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else []
    return [place for key, value in children for place in ((*path, key), *places(value, (*path, key)))]


@pytest.mark.parametrize("wrong", [None, -1, 1.5, "x", [], {}, [None], {"x": 1}], ids=repr)
def test_any_wrong_value_in_a_file_is_a_value_error_or_another_network(wrong):
    edges = [*LINE, wb.Edge("a", "out", wb.Chain(wb.Identity(), wb.Dense(2)), 2)]
    text = wb.Network({"in": (2,)}, edges).to_json()
    refused = 0
    for path in places(json.loads(text)):
        changed = json.loads(text)
        holder = changed
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = wrong
        try:
            assert isinstance(wb.Network.from_json(json.dumps(changed)), wb.Network)
        except ValueError:
            refused += 1
    assert refused > 20


def test_networks_and_edges_are_frozen():
    network = random_network(1)
    for value, field in ((network, "output"), (network.edges[0], "delay")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, 1)
    with pytest.raises(TypeError):
        network.inputs["in"] = (1,)
    network.shapes["in"] = (1,)  # a copy of its own
    network.first_response["in"] = 7
    assert network.shapes["in"] == network.inputs["in"]
    assert network.first_response["in"] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(colour=1), r"this network has 'colour', which nobody knows; leave it out"),
        (lambda d: d.pop("output"), r"this network is incomplete: it has no output; save it again"),
        (lambda d: d.update(output=""), r"its inputs must be shapes by name, its edges a list, its output a name"),
        (lambda d: d.update(edges={}), r"its inputs must be shapes by name, its edges a list, its output a name"),
        (lambda d: d["edges"][0].update(weight=1), r"this network: edge 0 has 'weight', which nobody knows"),
        (lambda d: d["edges"][0].pop("delay"), r"this network: edge 0 is incomplete: it has no delay"),
        (
            lambda d: d["edges"].append(3),
            r"edge \d+ is 3, not an object with the names source, target,",
        ),
    ],
)
def test_json_says_what_a_network_says_and_nothing_else(change, words):
    data = json.loads(random_network(1).to_json())
    change(data)
    with pytest.raises(ValueError, match=words):
        wb.Network.from_json(json.dumps(data))


def test_json_that_is_too_deep_is_refused_whatever_its_depth():
    for depth in (40, 100, 1000, 100_000):
        chain = '{"type": "Chain", "operations": [' * depth + '{"type": "Identity"}' + "]}" * depth
        edge = f'{{"source": "in", "target": "out", "operation": {chain}, "delay": 1}}'
        with pytest.raises(ValueError, match="more than 64 lists and objects within each other"):
            wb.Network.from_json(f'{{"workbench": 1, "inputs": {{"in": [2]}}, "edges": [{edge}], "output": "out"}}')
