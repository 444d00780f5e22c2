"""SNNs through files of NIR and back: the same network, the same numbers, the same spikes."""

from __future__ import annotations

import dataclasses

import nir
import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.exact_models import some_snn
from tests.support.nir_executor import LoopError, execute
from tests.support.random_networks import in_whole_frames, random_frames, random_network, random_spiking
from tests.support.random_neurons import draw_at_once, draw_counting, some_leaky

TICKS, SECONDS = 12, (1.0, 1e-3, 3e-4)


def some_spiking(seed: int) -> wb.Model:
    """A random SNN, its nodes with neurons of several kinds."""
    rng, k = np.random.default_rng(seed), 4
    network = random_network(seed, flat=seed % 3 == 1, signal=seed % 3 == 2, parallel=True)
    if seed % 4 == 0:
        network = in_whole_frames(network, k)
        neurons = [{"ticks_per_frame": k, **draw_counting(rng, k)} for _ in network.hidden]
        given = {node: wb.IntegrateAndFire(**some) for node, some in zip(network.hidden, neurons, strict=True)}
    else:
        given = {node: some_neuron(rng, k) for node in network.hidden}
    model = wb.Model(network, norm=None, neuron=given, ticks_per_frame=k)
    model.load_state_dict(random_spiking(network, seed).state_dict())
    return model.eval()


def some_neuron(rng: np.random.Generator, k: int) -> wb.IntegrateAndFire | wb.LeakyIntegrateAndFire:
    if rng.random() < 0.4:
        return some_leaky(rng, threshold=1.0)
    floor = [-1.0, None][rng.integers(2)]
    threshold = float(rng.choice([1.0, 1.0, 0.7]))
    return wb.IntegrateAndFire(threshold, 0.25, floor, ticks_per_frame=k, **draw_at_once(rng))


def require_equal(model: wb.Model, again: wb.Model) -> None:
    assert again.network == model.network
    assert list(again.network.edges) == list(model.network.edges)
    ours, theirs = model.node_neurons, again.node_neurons
    assert {n: dataclasses.asdict(one) for n, one in theirs.items()} == {
        n: dataclasses.asdict(one) for n, one in ours.items()
    }
    numbers, read = model.state_dict(), again.state_dict()
    assert numbers.keys() == read.keys()
    assert all(torch.equal(numbers[name], read[name]) for name in numbers)
    assert again.ticks_per_frame == model.ticks_per_frame


@pytest.mark.soak
@pytest.mark.parametrize("part", range(10))
def test_random_snns_come_back_equal_and_run_alike(part, tmp_path, tenth):
    """300 of them with --soak, else a third."""
    for seed in range(30 * part, 30 * part + max(tenth(30), 10)):
        model = some_spiking(seed)
        wb.to_nir(model, tmp_path / "snn.nir", tick_s=SECONDS[seed % 3])
        again = wb.from_nir(tmp_path / "snn.nir")
        require_equal(model, again)
        ticks = random_frames(model.network, seed, TICKS, counts=True)
        ours, theirs = model.run(ticks), again.run(ticks)
        assert all(torch.equal(ours[node], theirs[node]) for node in ours), seed


@pytest.mark.parametrize("seed", range(40))
def test_a_converted_snn_comes_back_on_its_grid(seed, tmp_path):
    model, ticks = some_snn(seed)
    wb.to_nir(model, tmp_path / "snn.nir")
    again = wb.from_nir(tmp_path / "snn.nir")
    require_equal(model, again)
    assert again.grid.bits == model.grid.bits
    assert again.grid.input_counts == model.grid.input_counts
    ours, theirs = model.run(ticks), again.run(ticks, engine="events")
    assert all(torch.equal(ours[node], theirs[node]) for node in ours)


@pytest.mark.parametrize("part", range(4))
def test_an_executor_of_its_own_gives_the_same_bits(part, tmp_path):
    """nirtorch runs the file, with neurons and delays that know only what is in it."""
    refused, run = 0, 0
    for seed in range(part, 120, 4):
        model = some_spiking(seed)
        wb.to_nir(model, tmp_path / "snn.nir", tick_s=SECONDS[seed % 3])
        ticks = random_frames(model.network, seed, TICKS, counts=True)
        try:
            theirs = execute(nir.read(tmp_path / "snn.nir"), ticks)
        except LoopError:  # of nirtorch, which runs another graph then
            refused += 1
            continue
        for node, ours in model.run(ticks).items():
            assert node in model.network.inputs or torch.equal(ours, theirs[node].view_as(ours)), (seed, node)
        run += 1
    assert run >= 25
    assert refused <= 5


@pytest.mark.parametrize("seed", range(30))
def test_without_metadata_plain_networks_give_equal_spikes(seed, tmp_path):
    """No start, no floor, no bias, reset to 0, at once: NIR alone says it all."""
    network = random_network(seed, flat=seed % 3 == 1, signal=seed % 3 == 2)
    model = random_spiking(network, seed, start=0.0, floor=None, reset="zero")
    with torch.no_grad():
        for node in (*network.hidden, network.output):
            model.node_layer(node).bias.zero_()
    graph = wb.to_nir(model, tmp_path / "snn.nir")
    assert all("workbench" not in node.metadata for node in graph.nodes.values() if isinstance(node, nir.IF))
    ticks = random_frames(network, seed, TICKS, counts=True)
    ours, read = model.run(ticks), wb.from_nir(tmp_path / "snn.nir", metadata=False, output="out").run(ticks)
    assert all(torch.equal(ours[node], read[node]) for node in ours)
    try:
        theirs = execute(nir.read(tmp_path / "snn.nir"), ticks, metadata=False)
    except LoopError:
        return
    assert all(torch.equal(ours[node], theirs[node].view_as(ours[node])) for node in ours if node != "in")


def test_what_stands_in_the_metadata_is_named_and_nothing_of_it_is_there_twice(tmp_path):
    network = wb.Network(
        {"eye": (2, 6, 6)},
        [wb.Edge("eye", "v1", wb.Conv(3, 3), delay=4), wb.Edge("v1", "hand", wb.Dense(2), delay=8)],
    )
    neuron = wb.IntegrateAndFire(start=0.5, floor=-1.0, emission="spread", ticks_per_frame=4)
    model = wb.Model(network, norm=None, neuron=neuron, ticks_per_frame=4)
    graph = wb.to_nir(model, tick_s=1e-3)
    notes = graph.metadata["workbench"]
    assert notes == {"tick_s": 1e-3, "ticks_per_frame": 4, "output": "hand", "bias_begins": "first response"}
    assert graph.nodes["v1"].metadata["workbench"] == {
        "start": 0.5,
        "floor": -1.0,
        "reset": "subtract",
        "ticks_per_frame": 4,
        "emission": "spread",
        "remainder": "drop",
    }
    others = [node.metadata for name, node in graph.nodes.items() if name != "v1"]
    assert others == [{}] * len(others)
    executed = {name: float(node.delay.flat[0]) for name, node in graph.nodes.items() if isinstance(node, nir.Delay)}
    assert executed == pytest.approx({"eye_v1_delay": 4e-3, "v1_hand_delay": 5e-3})  # a neuron that waits takes 3 ticks


@pytest.mark.parametrize(
    "operation",
    [
        wb.Conv(4, (3, 1)),
        wb.Conv(4, (1, 5), stride=2, padding=(0, 2)),
        wb.Conv(4, (2, 3), stride=2, padding=(0, 1), groups=2),
        wb.Conv(4, (3, 4), padding=1),
        wb.Conv(4, 3, groups=2),
        wb.Pool((3, 2)),
        wb.Chain(wb.GlobalPool(), wb.Dense(4)),
        wb.Chain(wb.Pool(7), wb.Dense(4)),
        wb.GlobalPool(sums=True),
        wb.Chain(wb.Conv(4, 3), wb.Pool(2, sums=True), wb.Conv(2, 1)),
        wb.Chain(wb.Identity(), wb.Conv(4, 3)),
    ],
    ids=repr,
)
def test_kernels_that_nir_cannot_check_come_back_as_they_were(operation, tmp_path):
    """Square kernels without groups are what NIR reads; where there is none, it is written as it is."""
    network = wb.Network({"in": (2, 7, 7)}, [wb.Edge("in", "v1", operation), wb.Edge("v1", "out", wb.Dense(2))])
    model = random_spiking(network, 3, start=0.25)
    for expand in (True, False):
        wb.to_nir(model, tmp_path / "snn.nir", expand=expand)
        require_equal(model, wb.from_nir(tmp_path / "snn.nir"))
    ticks = random_frames(network, 1, 8, counts=True)
    theirs = execute(wb.to_nir(model), ticks)
    assert all(torch.equal(values, theirs[node]) for node, values in model.run(ticks).items() if node != "in")


def test_expanded_files_pass_the_check_of_nir_itself(tmp_path):
    network = wb.Network(
        {"in": (2, 7, 7)}, [wb.Edge("in", "v1", wb.Conv(4, (1, 3), groups=2)), wb.Edge("v1", "out", wb.Dense(2))]
    )
    model = random_spiking(network, 3)
    wb.to_nir(model, tmp_path / "snn.nir")
    assert nir.read(tmp_path / "snn.nir").nodes["in_v1_conv"].weight.shape == (4, 2, 3, 3)
    wb.to_nir(model, tmp_path / "as_it_is.nir", expand=False)
    assert nir.read(tmp_path / "as_it_is.nir", type_check=False).nodes["in_v1_conv"].weight.shape == (4, 1, 1, 3)
    with pytest.raises(ValueError, match="type mismatch"):
        nir.read(tmp_path / "as_it_is.nir")


def test_names_that_a_file_cannot_hold_come_back(tmp_path):
    network = wb.Network(
        {"in/put": (3,)},
        [wb.Edge("in/put", "layer1.0", wb.Dense(3)), wb.Edge("layer1.0", "50%", wb.Dense(2))],
    )
    model = random_spiking(network, 0)
    wb.to_nir(model, tmp_path / "snn.nir")
    require_equal(model, wb.from_nir(tmp_path / "snn.nir"))


def test_several_inputs_and_a_hidden_node_that_leads_nowhere_come_back(tmp_path):
    network = wb.Network(
        {"left": (3,), "right": (2,)},
        [
            wb.Edge("right", "v1", wb.Dense(4)),
            wb.Edge("left", "v1", wb.Dense(4)),
            wb.Edge("v1", "end", wb.Dense(3)),
            wb.Edge("v1", "hand", wb.Dense(2), delay=0),
        ],
    )
    model = random_spiking(network, 0)
    wb.to_nir(model, tmp_path / "snn.nir")
    require_equal(model, wb.from_nir(tmp_path / "snn.nir"))


def test_nothing_given_is_changed():
    model = some_spiking(5)
    before = {name: values.clone() for name, values in model.state_dict().items()}
    graph = wb.to_nir(model)
    kept = {name: node.to_dict() for name, node in graph.nodes.items()}
    wb.from_nir(graph)
    assert all(torch.equal(before[name], values) for name, values in model.state_dict().items())
    for name, node in graph.nodes.items():
        for field, value in node.to_dict().items():
            assert np.array_equal(value, kept[name][field]), (name, field)


@pytest.mark.parametrize("tick_s", SECONDS)
def test_long_delays_come_back_to_the_tick(tick_s, tmp_path):
    edges = [wb.Edge("in", "v1", wb.Dense(2), 30_001), wb.Edge("v1", "out", wb.Dense(2), 1_234_567)]
    model = random_spiking(wb.Network({"in": (2,)}, edges), 0)
    wb.to_nir(model, tmp_path / "snn.nir", tick_s=tick_s)
    assert wb.from_nir(tmp_path / "snn.nir").network == model.network
