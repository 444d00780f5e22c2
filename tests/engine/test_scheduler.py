"""Laws of the engine on many random graphs: blocks, first response, causality, shift, silence, trimming."""

from itertools import pairwise

import networkx
import pytest
import torch

import workbench as wb
from tests.support import reference
from tests.support.gradients import backwards
from tests.support.random_networks import random_frames, random_model, random_network, random_spiking
from workbench.engine.block_plan import plan

SEEDS = range(120)
STEPS = 11


def random_cut(seed: int, steps: int) -> list[int]:
    sizes = torch.randint(1, 5, (steps,), generator=torch.Generator().manual_seed(seed)).tolist()
    cut = []
    while sum(cut) < steps:
        cut.append(min(sizes.pop(), steps - sum(cut)))
    return cut


@pytest.mark.parametrize("seed", SEEDS)
def test_blocks_of_an_ann_agree_with_the_plain_step_loop(seed):
    network = random_network(seed, flat=seed % 3 == 0, signal=seed % 3 == 1, parallel=True)
    model, frames = random_model(network, seed, norm="batch" if seed % 2 else None), random_frames(network, seed, STEPS)
    expected = reference.run(model, frames)
    whole = model.run(frames)
    stream = model.stream(batch=2, record=network.nodes)
    pieces = [stream.run(block) for block in frames.split(random_cut(seed, STEPS))]
    assert stream.step == STEPS
    for node in network.nodes:
        torch.testing.assert_close(whole[node], expected[node])
        torch.testing.assert_close(torch.cat([piece[node] for piece in pieces]), expected[node])


@pytest.mark.parametrize("seed", SEEDS)
def test_blocks_of_an_snn_give_bit_for_bit_the_spikes_of_the_plain_step_loop(seed):
    network = random_network(seed, flat=seed % 3 == 0, signal=seed % 3 == 1, longest=4, parallel=True)
    options = {
        "reset": ["subtract", "zero"][seed % 2],
        "floor": [-1.0, None, 0.0][seed % 3],
        "start": [0.5, 0.0][seed % 2],
        "membrane": ["carry", "frame"][seed // 2 % 2],
        "ticks_per_frame": 3,
    }
    model, ticks = random_spiking(network, seed, **options), random_frames(network, seed, STEPS, counts=True)
    expected = reference.run(model, ticks)
    stream = model.stream(batch=2, record=network.nodes)
    pieces = [stream.run(block) for block in ticks.split(random_cut(seed, STEPS))]
    for node in network.nodes:
        assert torch.equal(model.run(ticks, block=4)[node], expected[node])
        assert torch.equal(torch.cat([piece[node] for piece in pieces]), expected[node])


@pytest.mark.parametrize("seed", SEEDS)
def test_nodes_are_silent_before_their_first_response_and_answer_at_it(seed):
    network = random_network(seed, parallel=True)
    first = reference.first_responses(network)
    assert dict(network.first_response) == first
    model, frames = random_model(network, seed), torch.zeros_like(random_frames(network, seed, STEPS))
    for name, tensor in model.state_dict().items():  # positive numbers: a node that is not silent is active
        tensor.abs_() if name.startswith("weights") else tensor.fill_(0.5)
    activity = model.run(frames)
    for node in set(network.nodes) - {"in"}:
        assert not activity[node][: first[node]].any()
        assert activity[node][first[node] :].all()


@pytest.mark.parametrize("seed", SEEDS)
def test_changing_a_frame_changes_nothing_before_the_delay_of_the_path(seed):
    network = random_network(seed, parallel=True)
    model, frames = random_model(network, seed, norm="batch"), random_frames(network, seed, STEPS)
    changed = frames.clone()
    changed[4] += 1
    before, after = model.run(frames), model.run(changed)
    for node in network.nodes:
        reached = 4 + network.first_response[node]
        torch.testing.assert_close(after[node][:reached], before[node][:reached], rtol=0, atol=0)


@pytest.mark.parametrize("seed", range(100))
def test_a_chain_of_layers_answers_streaming_as_sequential_so_many_frames_later(seed):
    length = 1 + seed % 5
    nodes = ["in", *(f"n{i}" for i in range(1, length)), "out"]
    edges = [wb.Edge(a, b, wb.Dense(3 + seed % 4)) for a, b in pairwise(nodes)]
    network = wb.Network({"in": (7,)}, edges)
    frames = random_frames(network, seed, STEPS)
    streaming = random_model(network.streaming(), seed)(frames)
    sequential = random_model(network.sequential(), seed)(frames)
    torch.testing.assert_close(streaming[length:], sequential[: STEPS - length])
    assert not streaming[:length].any()


@pytest.mark.parametrize("seed", range(100))
def test_sub_blocks_are_as_long_as_the_cycles_allow(seed):
    network = random_network(seed, parallel=True)
    for part in plan(network, network.nodes).components:
        inside = [edge for edge in network.edges if edge.source in part.nodes and edge.target in part.nodes]
        acyclic = [
            steps
            for steps in range(6)
            if networkx.is_directed_acyclic_graph(networkx.DiGraph(e.ends for e in inside if e.delay < steps))
        ]
        assert part.steps == (None if max(acyclic) == 5 else max(acyclic))


def test_a_matched_recurrent_network_computes_whole_frames_at_once():
    network = wb.Network(
        {"in": (3,)},
        [wb.Edge("in", "a", wb.Dense(2)), wb.Edge("a", "a", wb.Dense(2)), wb.Edge("a", "out", wb.Dense(2))],
    )
    steps = {part.nodes: part.steps for part in plan(network.slowed(12), ["out"]).components}
    assert steps == {("in",): None, ("a",): 12, ("out",): None}


def test_edges_out_of_nodes_that_take_time_execute_what_is_left_of_their_delay():
    edges = [
        wb.Edge("in", "a", wb.Dense(2), 1),
        wb.Edge("a", "a", wb.Dense(2), 8),
        wb.Edge("a", "b", wb.Dense(2), 4),
        wb.Edge("in", "b", wb.Dense(2), 2),
        wb.Edge("b", "out", wb.Dense(2), 4),
    ]
    network = wb.Network({"in": (3,)}, edges)
    plain = plan(network, ["out"], ahead=True)
    late = plan(network, ["out"], ahead=True, latency={"a": 3, "b": 0})
    assert (dict(plain.latency), plain.delays) == ({}, (1, 8, 4, 2, 4))
    assert (dict(late.latency), late.delays) == ({"a": 3}, (1, 5, 1, 2, 4))
    assert late.network is plain.network is network
    assert late.components == plain.components  # so many steps are known: the count of a frame is sent in the next
    assert dict(plain.lead) == {"in": 0, "a": 1, "b": 2, "out": 6}
    assert dict(late.lead) == {"in": 0, "a": 1, "b": 2, "out": 6}
    assert late.depth["a"] == 5


@pytest.mark.parametrize("seed", range(100))
def test_what_cannot_reach_the_output_any_more_is_not_computed(seed):
    network = random_network(seed, parallel=True)
    model, frames = random_model(network, seed), random_frames(network, seed, STEPS)
    whole = model.run(frames)["out"]
    computed = dict.fromkeys(network.nodes, 0)
    normalize = model.normalize

    def counting(node, drive):
        computed[node] += len(drive)
        return normalize(node, drive)

    model.normalize = counting
    torch.testing.assert_close(model(frames), whole)
    first = reference.first_responses(network)
    last = reference.first_responses(backwards(network))
    for node in set(network.nodes) - {"in"}:
        assert computed[node] == max(0, STEPS - last.get(node, STEPS) - first[node])


def test_gradients_reach_every_parameter_of_a_recurrent_network():
    network = random_network(3)
    model = wb.Model(network, norm="batch").double().train()
    model.run(random_frames(network, 3, STEPS), record=network.nodes)["out"].square().sum().backward()
    needed = networkx.ancestors(networkx.DiGraph(edge.ends for edge in network.edges), "out") | {"out"}
    for position, edge in enumerate(network.edges):
        for weight in model.weights[position].parameters():
            assert (weight.grad is not None and weight.grad.any()) == (edge.target in needed)
