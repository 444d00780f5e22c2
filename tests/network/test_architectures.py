"""Networks of the notebooks and of the papers: their sizes by formula, and that all can be trained and converted."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import workbench as wb
from workbench.network.architectures import densenet, dsr, memory_network, mnist_network, shortcut_network, toy_network

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SHAPE, CLASSES = (2, 16, 16), 3
SMALL: dict[str, Callable[[], wb.Network]] = {
    "toy": lambda: toy_network(SHAPE, CLASSES),
    "shortcut": lambda: shortcut_network(SHAPE, CLASSES, width=4),
    "shortcut and loop": lambda: shortcut_network(SHAPE, CLASSES, loop=True, width=4),
    "memory": lambda: memory_network(SHAPE, CLASSES, width=4),
    "mnist": lambda: mnist_network(shape=SHAPE, classes=CLASSES, width=4),
    "mnist skip": lambda: mnist_network(skip=True, shape=SHAPE, classes=CLASSES, width=4),
    "mnist recurrent skip": lambda: mnist_network(skip=True, loop=True, shape=SHAPE, classes=CLASSES, width=4),
    "dsr0": lambda: dsr(0, SHAPE, CLASSES, width=2),
    "dsr6": lambda: dsr(6, SHAPE, CLASSES, width=2),
    "dsr4 strided": lambda: dsr(4, SHAPE, CLASSES, width=3, stride=2, loop=False),
    "densenet": lambda: densenet(SHAPE, CLASSES, growth=3, depth=2, channels=4),
    "densenet, one block": lambda: densenet(SHAPE, CLASSES, growth=2, depth=1, blocks=1, channels=2, stride=1),
    "densenet, three blocks": lambda: densenet(SHAPE, CLASSES, growth=2, depth=3, blocks=3, channels=5),
}


def recordings(count: int = 6, frames: int = 6, ticks: int = 3) -> wb.Recordings:
    counts = np.random.default_rng(0).poisson(0.2, (frames * ticks, count, *SHAPE))
    return wb.Recordings.from_ticks(counts, np.arange(count) % CLASSES, ticks_per_frame=ticks)


@pytest.mark.parametrize("name", SMALL)
def test_every_network_can_be_trained_converted_and_written_down(name: str) -> None:
    network = SMALL[name]()
    assert wb.Network.from_json(network.to_json()) == network == network.streaming()
    assert network.shapes[network.output] == (CLASSES,)
    assert network.output == "class"
    seen = recordings()
    for rollout in (network, network.sequential()):
        ann, history = wb.train(wb.Model(rollout, seed=0), seen, epochs=1, progress=False)
        assert np.isfinite(history["loss"]).all()
        snn = wb.convert(ann, seen, delays="matched" if rollout == network else "frame")
        last = wb.compare({"ANN": ann, "SNN": snn}, seen).groupby("model").tail(1)
        assert last["accuracy"].between(0, 1).all()
        assert (last.set_index("model")["synaptic_operations"] > 0).to_dict() == {"ANN": False, "SNN": True}


# densely connected blocks


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [1, 2, 3, 5])
def test_a_densenet_has_the_edges_and_the_delays_of_its_formula(blocks: int, depth: int) -> None:
    growth, channels = 3, 6
    network = densenet((2, 34, 34), 5, growth, depth, blocks=blocks, channels=channels)
    assert len(network.edges) == 1 + blocks * (depth + 1) * (depth + 2) // 2
    assert len(network.nodes) == 2 + blocks * (depth + 1)
    assert network.first_response["class"] == blocks + 1
    streaming, sequential = (wb.Rollout(n, 2) for n in (network.streaming(), network.sequential()))
    assert (streaming.inference_factor, sequential.inference_factor) == (1, blocks * (depth + 1) + 1)
    size, entry = 17, channels
    for block in range(1, blocks + 1):
        assert network.shapes[f"b{block}"] == (entry, size, size)
        assert {network.shapes[f"b{block}.{layer}"] for layer in range(1, depth + 1)} == {(growth, size, size)}
        size, entry = size // 2, int(0.5 * (entry + depth * growth))


def test_a_sum_of_edges_is_the_convolution_of_what_is_concatenated() -> None:
    """Each node of a block hears exactly the nodes before it: the fan-in of the concatenation."""
    network = densenet((2, 20, 20), 4, growth=3, depth=4, blocks=2, channels=7, compression=1)
    entry = 7
    for block in (1, 2):
        for layer in range(1, 5):
            into = [network.edges[place] for place in network.incoming(f"b{block}.{layer}")]
            assert [edge.source for edge in into] == [f"b{block}", *(f"b{block}.{j}" for j in range(1, layer))]
            fan_in = sum(edge.operation.fan_in(network.shapes[edge.source]) for edge in into)
            assert fan_in == 9 * (entry + (layer - 1) * 3)
        entry += 4 * 3
    assert network.shapes["b2"][0] == 7 + 4 * 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"growth": 0}, r"densenet: growth=0 must be a whole number of at least 1"),
        ({"depth": 1.5}, r"densenet: depth=1\.5 must be a whole number of at least 1"),
        ({"blocks": True}, r"densenet: blocks=True must be a whole number of at least 1"),
        ({"channels": -2}, r"densenet: channels=-2 must be"),
        ({"stride": "2"}, r"densenet: stride='2' must be"),
        ({"classes": 0}, r"densenet: classes=0 must be"),
        ({"compression": 0}, r"densenet: compression=0 must be above 0 and at most 1"),
        ({"compression": 1.1}, r"densenet: compression=1\.1 must be above 0 and at most 1"),
        ({"blocks": 5}, r"densenet: blocks=5 halve a side of 8 units 4 times, which leaves none; use at most 4 "),
        ({"shape": (256,)}, r"densenet: shape=\(256,\) must be \(channels, height, width\), as \(2, 34, 34\)"),
    ],
)
def test_a_densenet_that_cannot_be_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        densenet(**{"shape": SHAPE, "classes": CLASSES} | change)


@pytest.mark.parametrize("size", range(1, 40))
def test_the_most_blocks_that_are_advised_can_be_built(size: int) -> None:
    with pytest.raises(ValueError, match=r"use at most \d") as refused:
        densenet((1, size, 40), 2, blocks=9, stride=1)
    most = int(str(refused.value).split("use at most ")[1].split(" ")[0])
    assert densenet((1, size, 40), 2, depth=1, blocks=most, stride=1).shapes[f"b{most}"][1] == 1


# the networks of Fischer et al. 2018


@pytest.mark.parametrize(("width", "stride"), [(32, 1), (4, 2), (3, 1), (1, 4)])
@pytest.mark.parametrize("n", range(7))
def test_dsr_networks_of_every_width_have_the_published_inference_factors(n: int, width: int, stride: int) -> None:
    network = dsr(n, width=width, stride=stride)
    assert wb.Rollout(network.sequential(), frames=2).inference_factor == 4 + n
    assert wb.Rollout(network.streaming(), frames=2).inference_factor == 1
    assert network.first_response["class"] == 4
    assert len(network.nodes) == 5 + n
    assert sum(edge.source == edge.target for edge in network.edges) == 1
    size = 32 // stride
    shapes = [(width, size, size), (2 * width, size // 2, size // 2), (16 * width, size // 8, size // 8)]
    assert [network.shapes[node] for node in ("h1", "h2", "hd")] == shapes
    assert network.edges[0].operation == wb.Conv(width, kernel=5, stride=stride)


def test_dsr_nodes_are_added_in_the_published_order() -> None:
    added = [set(dsr(n + 1).nodes) - set(dsr(n).nodes) for n in range(6)]
    assert added == [{"h11"}, {"h21"}, {"h12"}, {"h22"}, {"h13"}, {"h23"}]


@pytest.mark.parametrize("n", [-1, 7, 1.5, 2.0, "2", True])
def test_dsr_networks_beyond_the_paper_are_refused(n: int) -> None:
    with pytest.raises(ValueError, match=r"dsr\(.*\): n must be a whole number from 0 to 6"):
        dsr(n)


def test_dsr_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"dsr: width=0 must be a whole number of at least 1"):
        dsr(0, width=0)
    with pytest.raises(ValueError, match=r"shortcut_network: width=2\.5 must be a whole number of at least 1"):
        shortcut_network(SHAPE, CLASSES, width=2.5)
    with pytest.raises(ValueError, match=r"memory_network: classes=0 must be"):
        memory_network(SHAPE, 0)
    with pytest.raises(ValueError, match=r"toy_network: channels=0 must be"):
        toy_network(channels=0)
    with pytest.raises(ValueError, match=r"mnist_network: width=False must be"):
        mnist_network(width=False)


def test_the_network_of_traffic_signs_has_the_published_inference_factor() -> None:
    network = dsr(4, classes=43, loop=False)
    assert wb.Rollout(network.sequential(), frames=2).inference_factor == 8
    assert (network.shapes["class"], network.first_response["class"]) == ((43,), 4)
    assert all(edge.source != edge.target for edge in network.edges)


@pytest.mark.parametrize(
    ("skip", "loop", "first_response"),
    [(False, False, 3), (True, False, 2), (True, True, 2)],
    ids=["baseline", "skip", "recurrent skip"],
)
def test_the_networks_of_digits_have_the_published_inference_factors(
    skip: bool, loop: bool, first_response: int
) -> None:
    network = mnist_network(skip, loop)
    assert wb.Rollout(network.sequential(), frames=2).inference_factor == 3
    assert wb.Rollout(network.streaming(), frames=4).first_response["class"] == first_response
    assert [network.shapes[node] for node in ("h1", "h2", "class")] == [(16, 7, 7), (128,), (10,)]
    assert len(network.edges) == 3 + skip + loop


# the networks of the notebooks


def written(notebook: str, **names: object) -> wb.Network:
    """The first network that a notebook spells out."""
    cells = json.loads((NOTEBOOKS / notebook).read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and "network = wb.Network(" in source:
            assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
            found = next(node.value for node in assigned if ast.unparse(node.targets[0]) == "network")
            return eval(ast.unparse(found), {"wb": wb, **names})
    raise AssertionError(f"{notebook} spells out no network")


def test_the_networks_of_the_notebooks_are_those_that_they_spell_out() -> None:
    data = SimpleNamespace(shape=(2, 34, 34))
    assert written("01_what_does_a_delay_do.ipynb") == toy_network()
    digits = written("02_from_rates_to_spikes.ipynb", digits=data).to_json().replace('"digit"', '"class"')
    assert wb.Network.from_json(digits) == shortcut_network(data.shape, 10)
    assert written("03_look_inside.ipynb", motion=data) == memory_network(data.shape, 8)
