"""Graphs as other tools write them: our import against nirtorch with neurons and delays by NIR's own equations."""

from __future__ import annotations

import warnings

import nir
import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.nir_executor import execute
from tests.support.random_graphs import random_graph

TICK_S, TICKS = 0.125, 14


def some_ticks(seed: int, shape: tuple[int, ...] = (2, 6, 5)) -> torch.Tensor:
    return torch.randint(0, 3, (TICKS, 2, *shape), generator=torch.Generator().manual_seed(seed)).float()


def without_late_biases(graph: nir.NIRGraph) -> nir.NIRGraph:
    """The graph whose maps add nothing, where delays would make it matter when biases begin."""
    if any(isinstance(node, nir.Delay) for node in graph.nodes.values()):
        for node in graph.nodes.values():
            if hasattr(node, "bias"):
                node.bias = np.zeros_like(node.bias)
            if hasattr(node, "v_leak"):
                node.v_leak = np.zeros_like(node.v_leak)
                node.v_reset = np.zeros_like(node.v_reset)
    return graph


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("seed", range(30))
def test_a_random_graph_spikes_as_its_equations_say(seed, recurrent, tmp_path):
    graph = without_late_biases(random_graph(seed, TICK_S, recurrent))
    nir.write(tmp_path / "graph.nir", nir.NIRGraph(graph.nodes, graph.edges, type_check=True))
    model = wb.from_nir(tmp_path / "graph.nir", tick_s=TICK_S)
    ticks = some_ticks(seed)
    theirs = execute(nir.read(tmp_path / "graph.nir", type_check=False), ticks, metadata=False, tick_s=TICK_S)
    for node, ours in model.run(ticks).items():
        if node not in model.network.inputs:
            assert torch.equal(ours, theirs[node].view_as(ours)), node
    wb.operations(model, wb.Recordings.from_ticks(ticks[:, :1].int().numpy(), [0], ("a", "b", "c"), ticks_per_frame=1))


def chain(*nodes: nir.NIRNode) -> nir.NIRGraph:
    return nir.NIRGraph.from_list(*nodes, type_check=False)


def integrate(*shape: int, threshold: float = 1.0) -> nir.IF:
    ones = np.ones(shape, dtype=np.float32)
    return nir.IF(ones, threshold * ones, 0 * ones)


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    return (np.round(np.random.default_rng(seed).normal(0.2, 1, shape) * 16) / 16).astype(np.float32)


def test_graphs_within_graphs_are_one():
    inner = nir.NIRGraph(
        {"in": nir.Input(np.array([3])), "lif": integrate(3), "out": nir.Output(np.array([3]))},
        [("in", "lif"), ("lif", "out")],
    )
    graph = nir.NIRGraph(
        {
            "eye": nir.Input(np.array([2])),
            "up": nir.Linear(weights(3, 2)),
            "block": inner,
            "down": nir.Linear(weights(2, 3)),
            "hand": nir.Output(np.array([2])),
        },
        [("eye", "up"), ("up", "block"), ("block", "down"), ("down", "hand")],
        type_check=False,
    )
    network = wb.from_nir(graph).network
    assert network == wb.Network(
        {"eye": (2,)},
        [wb.Edge("eye", "block.lif", wb.Dense(3), 0), wb.Edge("block.lif", "hand", wb.Dense(2), 0)],
    )


def test_a_neuron_before_the_output_is_a_node_of_its_own():
    model = wb.from_nir(
        chain(nir.Input(np.array([2])), nir.Linear(weights(3, 2)), integrate(3), nir.Output(np.array([3])))
    )
    assert model.network.edges[-1] == wb.Edge("if", "output", wb.Identity(), 0)


def test_a_convolution_that_sees_all_is_dense_where_it_is_flattened():
    image = nir.Conv2d((4, 4), weights(5, 2, 4, 4), 1, 0, 1, 1, np.zeros(5, dtype=np.float32))
    flat = nir.Flatten({"input": np.array([5, 1, 1])}, 0, -1)
    model = wb.from_nir(chain(nir.Input(np.array([2, 4, 4])), image, flat, nir.Output(np.array([5]))))
    assert model.network.edges == (wb.Edge("input", "output", wb.Dense(5), 0),)
    ticks = some_ticks(0, (2, 4, 4))
    assert torch.equal(
        model(ticks), torch.nn.functional.conv2d(ticks.flatten(0, 1), torch.from_numpy(image.weight)).view(14, 2, 5)
    )


def plain_graph(weight: np.ndarray | None = None) -> nir.NIRGraph:
    weight = weights(3, 2) if weight is None else weight
    units, sources = weight.shape
    ends = nir.Input(np.array([sources])), nir.Output(np.array([units]))
    return chain(ends[0], nir.Linear(weight), integrate(units), ends[1])


def drive_one(step: float, counts: list[float], **options: object) -> list[float]:
    model = wb.from_nir(plain_graph(np.full((1, 1), step, dtype=np.float32)), **options)
    return model.run(torch.tensor(counts).view(-1, 1, 1))["if"].flatten().tolist()


@pytest.mark.parametrize(
    ("options", "spikes"),
    [
        ({}, [0, 1, 0, 1, 1, 0]),
        ({"reset": "subtract"}, [0, 1, 0, 1, 1, 1]),
        ({"reset": "subtract", "burst": 3}, [0, 1, 0, 1, 3, 0]),
        ({"strict_threshold": True}, [0, 0, 1, 0, 1, 0]),
        ({"strict_threshold": True, "reset": "subtract"}, [0, 0, 1, 0, 1, 1]),
    ],
    ids=["NIR", "subtract", "burst", "strict", "strict subtract"],
)
def test_what_a_file_leaves_open_is_an_option(options, spikes):
    """Drives of 1/2 reach the threshold exactly; one of 3 is worth several spikes."""
    assert drive_one(0.5, [1.0, 1.0, 1.0, 1.0, 6.0, 0.0], **options) == spikes


@pytest.mark.parametrize("digits", [4, 10, 20])
def test_a_strict_threshold_subtracts_exactly(digits):
    step = 2.0**-digits
    drives = [1.0, step, 1.0, 0.0, 1.0 - step, step, step]
    v, expected = 0.0, []
    for drive in drives:
        v += drive
        expected.append(float(v > 1))
        v -= expected[-1]
    counts = [drive / step for drive in drives]
    assert drive_one(step, counts, reset="subtract", strict_threshold=True) == expected


def test_a_loop_without_delay_is_refused_and_read_where_it_is_given_one():
    graph = nir.NIRGraph(
        {
            "eye": nir.Input(np.array([2])),
            "up": nir.Linear(weights(3, 2)),
            "v1": integrate(3),
            "back": nir.Linear(weights(3, 3)),
            "hand": nir.Output(np.array([3])),
        },
        [("eye", "up"), ("up", "v1"), ("v1", "back"), ("back", "v1"), ("v1", "hand")],
    )
    with pytest.raises(ValueError, match=r"v1 -> v1 is a loop without delay; add a Delay .* loop_delay=1"):
        wb.from_nir(graph)
    assert wb.from_nir(graph, loop_delay=2).network.edges[1] == wb.Edge("v1", "v1", wb.Dense(3), 2)


def test_images_whose_axes_are_exchanged_are_turned():
    rng = np.random.default_rng(0)
    conv = nir.Conv2d((5, 4), weights(3, 2, 3, 1), (2, 1), (1, 0), (1, 1), 1, np.zeros(3, dtype=np.float32))
    flat = nir.Flatten({"input": np.array([3, 3, 4])}, 0, -1)
    linear = nir.Linear(weights(2, 36))
    graph = chain(nir.Input(np.array([2, 5, 4])), conv, integrate(3, 3, 4), flat, linear, nir.Output(np.array([2])))
    ticks = torch.from_numpy(rng.integers(0, 3, (9, 2, 2, 5, 4))).float()
    straight, turned = wb.from_nir(graph), wb.from_nir(graph, axis_order="xy")
    assert turned.network.inputs["input"] == (2, 4, 5)
    assert torch.equal(straight(ticks), turned(ticks.transpose(3, 4)))
    with pytest.raises(ValueError, match="axis_order='yz' is unknown"):
        wb.from_nir(graph, axis_order="yz")


def test_biases_that_begin_later_than_in_the_file_are_named():
    late = nir.Delay(np.full(2, 3.0, dtype=np.float32))
    affine = nir.Affine(weights(3, 2), np.ones(3, dtype=np.float32))
    graph = chain(
        nir.Input(np.array([2])), late, affine, integrate(3), nir.Linear(weights(2, 3)), nir.Output(np.array([2]))
    )
    with pytest.warns(UserWarning, match=r"biases begin with the first response here, .*: 'if' with tick 3"):
        wb.from_nir(graph)


def test_two_equal_connections_are_added_up():
    nodes = {
        "eye": nir.Input(np.array([2])),
        "a": nir.Linear(weights(3, 2)),
        "b": nir.Linear(weights(3, 2, seed=1)),
        "v1": integrate(3),
        "hand": nir.Output(np.array([3])),
    }
    graph = nir.NIRGraph(nodes, [("eye", "a"), ("eye", "b"), ("a", "v1"), ("b", "v1"), ("v1", "hand")])
    model = wb.from_nir(graph)
    assert len(model.network.edges) == 2
    assert torch.equal(model.weights[0][0], torch.from_numpy(nodes["a"].weight + nodes["b"].weight))


def test_another_output_can_be_chosen():
    nodes = {
        "eye": nir.Input(np.array([2])),
        "a": nir.Linear(weights(3, 2)),
        "b": nir.Linear(weights(2, 2)),
        "left": nir.Output(np.array([3])),
        "right": nir.Output(np.array([2])),
    }
    graph = nir.NIRGraph(nodes, [("eye", "a"), ("eye", "b"), ("a", "left"), ("b", "right")])
    with pytest.raises(ValueError, match="output=None is none of its outputs; choose output= from 'left', 'right'"):
        wb.from_nir(graph)
    with pytest.warns(UserWarning, match="left out: what leads to 'left' alone, beside 'right'"):
        assert wb.from_nir(graph, output="right").network.output == "right"


def test_an_import_warns_of_nothing_else():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wb.from_nir(plain_graph())
