"""Paths in directed graphs against networkx, on random graphs with self loops, repeated pairs and lonely nodes."""

import networkx
import numpy as np
import pytest

from workbench.network.graph_algorithms import (
    connected_components,
    find_cycle,
    reachable,
    shortest_delays,
    topological_order,
)

SEEDS = range(150)


def random_graph(seed: int, acyclic: bool = False) -> tuple[list[str], list[tuple[str, str]], networkx.DiGraph]:
    rng = np.random.default_rng(seed)
    nodes = [f"n{i}" for i in rng.permutation(rng.integers(1, 9))]
    density = rng.uniform(0, 0.5)
    pairs = [
        (source, target)
        for i, source in enumerate(nodes)
        for j, target in enumerate(nodes)
        if rng.random() < density and (i < j or not acyclic)
    ]
    pairs += pairs[: rng.integers(0, 3)]
    pairs = [pairs[i] for i in rng.permutation(len(pairs))]
    graph = networkx.DiGraph(pairs)
    graph.add_nodes_from(nodes)
    return nodes, pairs, graph


@pytest.mark.parametrize("seed", SEEDS)
def test_reachable_nodes_are_the_descendants(seed):
    nodes, pairs, graph = random_graph(seed)
    assert reachable([], pairs) == set()
    for start in nodes:
        assert reachable([start], pairs) == networkx.descendants(graph, start) | {start}
    assert reachable(nodes[:2], iter(pairs)) == set().union(*(reachable([start], pairs) for start in nodes[:2]))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cycle_is_found_exactly_where_there_is_one_and_leads_along_pairs(seed):
    _, pairs, graph = random_graph(seed)
    cycle = find_cycle(iter(pairs))
    assert bool(cycle) == (not networkx.is_directed_acyclic_graph(graph))
    if cycle:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert networkx.is_path(graph, cycle)


def test_cycles_are_found_in_both_halves_of_the_random_graphs():
    found = [bool(find_cycle(random_graph(seed)[1])) for seed in SEEDS]
    assert 30 < sum(found) < 120  # or the law above would say little


def test_a_self_loop_is_a_cycle():
    assert find_cycle([("a", "b"), ("b", "b")]) == ["b", "b"]


@pytest.mark.parametrize("seed", SEEDS)
def test_in_topological_order_every_pair_leads_forward(seed):
    nodes, pairs, _ = random_graph(seed, acyclic=True)
    order = topological_order(nodes, iter(pairs))
    assert sorted(order) == sorted(nodes)
    assert all(order.index(source) < order.index(target) for source, target in pairs)
    assert order == topological_order(nodes, pairs)


@pytest.mark.parametrize("seed", SEEDS)
def test_connected_parts_are_the_strongly_connected_components_in_order(seed):
    nodes, pairs, graph = random_graph(seed)
    parts = connected_components(nodes, iter(pairs))
    assert set(parts) == {frozenset(part) for part in networkx.strongly_connected_components(graph)}
    assert len(parts) == len(set(parts))
    place = {node: number for number, part in enumerate(parts) for node in part}
    assert all(place[source] <= place[target] for source, target in pairs)


@pytest.mark.parametrize("seed", SEEDS)
def test_shortest_delays_are_those_of_dijkstra(seed):
    nodes, pairs, _ = random_graph(seed)
    rng = np.random.default_rng(seed)
    delays = [(*pair, int(rng.integers(0, 4))) for pair in pairs]
    graph = networkx.MultiDiGraph()
    graph.add_nodes_from(nodes)
    graph.add_weighted_edges_from(delays)
    starts = nodes[: rng.integers(1, 3)]
    assert shortest_delays(starts, iter(delays)) == networkx.multi_source_dijkstra_path_length(graph, set(starts))
