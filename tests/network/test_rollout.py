"""Rollouts: the fixtures of the papers exactly; theorem 1, lemma 1, cones and tableaus on random graphs."""

import dataclasses
import itertools

import networkx
import numpy as np
import pytest

import workbench as wb
from tests.support import reference
from tests.support.random_networks import random_network

SEEDS = range(120)
FIXTURE = ["uv", "vw", "vv", "uw", "wv"]


def joined(ends: list[tuple[str, str]], delays: list[int], inputs: str = "u") -> wb.Network:
    edges = [wb.Edge(a, b, wb.Dense(1), delay) for (a, b), delay in zip(ends, delays, strict=True)]
    return wb.Network(dict.fromkeys(inputs, (1,)), edges)


def small_ends(seed: int) -> list[tuple[str, str]]:
    """The edges of a random graph of two to five nodes, all of them reached from the input u; at most eight."""
    rng = np.random.default_rng(seed)
    nodes = "uvwxy"[: rng.integers(2, 6)]
    tree = [(nodes[rng.integers(0, i)], nodes[i]) for i in range(1, len(nodes))]
    others = [(a, b) for a in nodes for b in nodes[1:] if (a, b) not in tree]
    more = rng.permutation(len(others))[: rng.integers(0, 9 - len(tree))]
    return tree + [others[i] for i in more]


def valid_patterns(ends: list[tuple[str, str]]) -> list[tuple[int, ...]]:
    """Brute force: every 0/1 pattern whose zero-delay edges form no cycle, by an independent library."""
    return [
        pattern
        for pattern in itertools.product((0, 1), repeat=len(ends))
        if networkx.is_directed_acyclic_graph(
            networkx.DiGraph(pair for pair, delay in zip(ends, pattern, strict=True) if delay == 0)
        )
    ]


def simulated_tableau(network: wb.Network, frames: int) -> tuple[tuple[int, ...], ...]:
    """The definition, literally: update all places at once until everything is known, and note when each was."""
    places = [(node, frame) for frame in range(frames) for node in network.nodes]
    known = {(node, frame): frame == 0 or node in network.inputs for node, frame in places}
    updates = {place: 0 for place in places if known[place]}
    for update in itertools.count(1):
        if all(known.values()):
            return tuple(tuple(updates[node, frame] for node in network.nodes) for frame in range(frames))
        before = dict(known)
        for node, frame in places:
            sources = [(e.source, frame - e.delay) for e in network.edges if e.target == node and e.delay <= frame]
            if not before[node, frame] and all(before[source] for source in sources):
                known[node, frame], updates[node, frame] = True, update


def test_the_fixture_has_32_patterns_of_which_12_are_valid():
    network = joined(FIXTURE, [1] * 5)
    assert 2 ** len(FIXTURE) == 32
    assert len(valid_patterns(FIXTURE)) == wb.count_rollouts(network) == 12


@pytest.mark.parametrize(
    ("pattern", "tableau", "factor"),
    [
        ((1, 1, 1, 1, 1), ((0, 0, 0), (0, 1, 1), (0, 2, 2), (0, 3, 3)), 1),
        ((0, 0, 1, 1, 1), ((0, 0, 0), (0, 1, 2), (0, 3, 4), (0, 5, 6)), 2),
    ],
)
def test_the_fixture_has_the_published_tableaus(pattern, tableau, factor):
    rollout = wb.Rollout(joined(FIXTURE, pattern), frames=4)
    assert rollout.network.nodes == ("u", "v", "w")
    assert rollout.tableau == tableau
    assert rollout.inference_factor == factor


@pytest.mark.parametrize("seed", SEEDS)
def test_theorem_1_on_networks_with_any_delays(seed):
    network, frames = random_network(seed), 6
    streaming = wb.Rollout(network.streaming(), frames)
    assert streaming.inference_factor == 1
    assert all(update <= frame for frame, row in enumerate(streaming.tableau) for update in row)
    for derived in (network, network.sequential(), network.streaming()):
        rollout = wb.Rollout(derived, frames)
        # an input is known at once, so only instant edges between the other nodes have to wait for one another
        parallel = all(edge.delay > 0 or edge.source in derived.inputs for edge in derived.edges)
        assert (rollout.inference_factor == 1) == parallel
        assert parallel == all(update <= frame for frame, row in enumerate(rollout.tableau) for update in row)


@pytest.mark.parametrize("seed", SEEDS)
def test_theorem_1_on_all_patterns_of_a_small_graph(seed):
    ends = small_ends(seed)
    streaming = np.array(wb.Rollout(joined(ends, [1] * len(ends)), 4).tableau)
    for pattern in valid_patterns(ends):
        rollout = wb.Rollout(joined(ends, pattern), 4)
        tableau = np.array(rollout.tableau)
        assert (streaming <= tableau).all()
        assert (rollout.inference_factor == 1) == (tableau == streaming).all()
        assert rollout.inference_factor == tableau[1].max()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_tableau_is_the_simulated_one(seed):
    for network in (random_network(seed), random_network(seed).sequential(), random_network(seed).slowed(2)):
        rollout = wb.Rollout(network, frames=1 + seed % 7)
        assert rollout.tableau == simulated_tableau(network, rollout.frames)


@pytest.mark.parametrize("seed", range(300))
def test_valid_patterns_are_counted_as_by_brute_force_and_lie_between_the_bounds_of_lemma_1(seed):
    ends = small_ends(seed)
    count = wb.count_rollouts(joined(ends, [1] * len(ends)))
    assert count == len(valid_patterns(ends))
    graph = networkx.DiGraph(ends)
    part = {
        node: number for number, nodes in enumerate(networkx.strongly_connected_components(graph)) for node in nodes
    }
    loops = sum(a == b for a, b in ends)
    in_no_cycle = sum(part[a] != part[b] for a, b in ends)
    assert 2**in_no_cycle <= count <= 2 ** (len(ends) - loops)


def test_counting_covers_graphs_with_and_without_cycles():
    counts = [(wb.count_rollouts(joined(ends, [1] * len(ends))), len(ends)) for ends in map(small_ends, range(300))]
    assert 50 < sum(count == 2**edges for count, edges in counts) < 250


def test_counting_ignores_the_delays_and_knows_parallel_edges():
    ends = [("u", "v"), ("v", "w"), ("w", "v"), ("w", "v")]
    network = joined(ends, [1, 0, 2, 3])
    assert wb.count_rollouts(network) == len(valid_patterns(ends)) == 10
    assert wb.count_rollouts(network.streaming()) == 10


def test_counting_knows_the_numbers_of_labeled_acyclic_digraphs():
    for nodes, acyclic in [(1, 1), (2, 3), (3, 25), (4, 543), (5, 29281)]:
        names = [f"n{i}" for i in range(nodes)]
        ends = [("u", "n0"), *itertools.permutations(names, 2)]
        edges = [wb.Edge(a, b, wb.Dense(1)) for a, b in ends]
        assert wb.count_rollouts(wb.Network({"u": (1,)}, edges)) == 2 * acyclic


def test_counting_is_for_small_graphs():
    ring = [f"n{i}" for i in range(13)]
    ends = [("u", "n0"), *zip(ring, [*ring[1:], ring[0]], strict=True)]
    network = wb.Network({"u": (1,)}, [wb.Edge(a, b, wb.Dense(1)) for a, b in ends])
    with pytest.raises(ValueError, match=r"count_rollouts: 13 nodes lie on common cycles; .* small graphs, at most 12"):
        wb.count_rollouts(network)
    chain = wb.Network({"u": (1,)}, network.edges[:-1])
    assert wb.count_rollouts(chain) == 2**13  # long, but without a cycle


@pytest.mark.parametrize("seed", SEEDS)
def test_the_window_reads_what_the_edges_say(seed):
    network, frames = random_network(seed), 1 + seed % 6
    rollout = wb.Rollout(network, frames)
    expected = [
        ((edge.source, frame - edge.delay), (edge.target, frame))
        for edge in network.edges
        for frame in range(frames)
        if frame - edge.delay >= 0
    ]
    assert list(rollout.reads) == expected
    assert rollout.places == tuple(itertools.chain(*([(n, f) for n in network.nodes] for f in range(frames))))
    assert networkx.is_directed_acyclic_graph(networkx.DiGraph(rollout.reads))
    assert rollout.first_response == reference.first_responses(network)


@pytest.mark.parametrize("seed", SEEDS)
def test_past_and_future_are_ancestors_and_descendants(seed):
    rollout = wb.Rollout(random_network(seed), frames=5)
    graph = networkx.DiGraph(rollout.reads)
    graph.add_nodes_from(rollout.places)
    for place in rollout.places[:: 1 + seed % 4]:
        assert rollout.past(*place) == networkx.ancestors(graph, place)
        assert rollout.future(*place) == networkx.descendants(graph, place)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_output_first_hears_of_the_input_at_its_first_response(seed):
    network = random_network(seed)
    first = network.first_response["out"]
    rollout = wb.Rollout(network, frames=first + 2)
    for frame in range(first + 2):
        hears = {node for node, _ in rollout.past("out", frame)} & set(network.inputs)
        assert bool(hears) == (frame >= first)


@pytest.mark.parametrize(("node", "frame"), [("nobody", 0), ("v", 4), ("v", -1), ("v", 0.5), (0, "v")])
@pytest.mark.parametrize("cone", ["past", "future"])
def test_a_place_outside_the_window_is_refused(cone, node, frame):
    rollout = wb.Rollout(joined(FIXTURE, [1] * 5), frames=4)
    with pytest.raises(ValueError, match=r"\(.*\) is not in the window of frames 0 to 3 with nodes u, v, w"):
        getattr(rollout, cone)(node, frame)


@pytest.mark.parametrize("frames", [0, -1, 1.5, True, "3", None])
def test_a_window_without_whole_frames_is_refused(frames):
    with pytest.raises(ValueError, match=r"Rollout: frames must be a whole number of at least 1, not"):
        wb.Rollout(joined(FIXTURE, [1] * 5), frames)


def test_rollouts_are_values():
    network = joined(FIXTURE, [1] * 5)
    rollout = wb.Rollout(network, 3)
    assert rollout == wb.Rollout(joined(FIXTURE, [1] * 5), 3) != wb.Rollout(network, 4)
    assert hash(rollout) == hash(wb.Rollout(network, 3))
    rollout.first_response["v"] = 9
    assert rollout.first_response["v"] == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        rollout.frames = 4
