"""The engines: spike by spike, dense, or mixed, the same numbers bit for bit, and operations counted exactly."""

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support import reference
from tests.support.brute_force import synapses
from tests.support.certain_speed import CertainSpeed
from tests.support.random_models import some_model
from tests.support.random_networks import in_whole_frames, random_frames, random_network, random_spiking
from tests.support.shrinking_networks import shrinking_network
from workbench.engine.event_driven import cost_model, hybrid_state
from workbench.engine.event_driven.hybrid import Hybrid
from workbench.engine.kernels import parallel, synapse_layouts

ENGINES = ["dense", "events", "auto"]


@pytest.mark.parametrize("seed", range(150))
def test_all_engines_give_the_numbers_of_the_models_own_layers(seed):
    model, ticks = some_model(seed)
    expected = model.run(ticks, layers=model, block=11)
    for engine in ENGINES:
        for block in (1, 4, 11, None):
            found = model.run(ticks, block=block, engine=engine)
            assert all(torch.equal(found[node], expected[node]) for node in model.network.nodes), (engine, block)


@pytest.mark.parametrize("seed", range(150))
def test_what_can_no_longer_reach_a_recorded_node_is_left_out_and_changes_nothing(seed):
    model, _ = some_model(seed)
    ticks = random_frames(model.network, seed, 30, counts=True)
    expected = model.run(ticks, layers=model, record=["out"])["out"]
    for engine in ENGINES:
        for block in (1, 3, 7, None):
            assert torch.equal(model.run(ticks, record=["out"], block=block, engine=engine)["out"], expected), engine


@pytest.mark.parametrize("seed", range(60))
def test_all_engines_give_the_numbers_of_the_plain_step_loop(seed):
    network = random_network(seed, longest=4, parallel=True)
    model, ticks = random_spiking(network, seed), random_frames(network, seed, 9, counts=True)
    expected = reference.run(model, ticks)
    for engine in ENGINES:
        found = model.run(ticks, engine=engine)
        assert all(torch.equal(found[node], expected[node]) for node in network.nodes), engine


@pytest.mark.usefixtures("several_threads")
@pytest.mark.parametrize("seed", range(90))
def test_maps_of_every_kind_give_the_same_numbers_and_counts(seed, monkeypatch):
    network = shrinking_network(seed, sums=True)
    model, ticks = random_spiking(network, seed), random_frames(network, seed, 9, counts=True)
    expected = model.run(ticks, layers=model, block=1)
    for engine in ENGINES:
        found = model.run(ticks, engine=engine)
        assert all(torch.equal(found[node], expected[node]) for node in network.nodes), engine
    monkeypatch.setattr(parallel, "MIN_PARALLEL_SIZE", 0)
    stream = model.stream(1, record=network.nodes, engine="events")  # one recording, which threads divide
    parts = [stream.run(ticks[begin:end, :1]) for begin, end in ((0, 2), (2, 3), (3, 9))]
    sent = {node: torch.cat([part[node] for part in parts]) for node in network.nodes}
    assert all(torch.equal(sent[node], expected[node][:, :1]) for node in network.nodes)
    for position, edge in enumerate(network.edges):
        arrived = sent[edge.source][: len(ticks) - edge.delay].flatten(1).abs().double().detach().numpy()
        assert stream.operations[position].tolist() == [(arrived @ synapses(network, position)).sum()]


@pytest.mark.usefixtures("several_threads")
@pytest.mark.parametrize("seed", range(60))
def test_shared_among_threads_the_numbers_stay(seed, monkeypatch):
    model, _ = some_model(seed)
    ticks = random_frames(model.network, seed, 12, counts=True)
    ticks = torch.cat([ticks, ticks.flip(0), ticks.roll(5, 0)], 1)[:, : seed % 6 + 1]
    expected = model.run(ticks, layers=model)
    monkeypatch.setattr(parallel, "MIN_PARALLEL_SIZE", 0)
    for engine in ENGINES:
        found = model.run(ticks, block=5, engine=engine)
        assert all(torch.equal(found[node], expected[node]) for node in model.network.nodes), engine
        answer = model.run(ticks, record=["out"], block=5, engine=engine)["out"]
        assert torch.equal(answer, expected["out"]), engine


@pytest.mark.usefixtures("several_threads")
@pytest.mark.parametrize("seed", range(80))
def test_one_recording_divided_among_threads_keeps_its_numbers_and_its_count(seed, monkeypatch):
    model, ticks = some_model(seed, channels=[3, 16, 5, 32][seed // 2 % 4])
    batch = seed % 2 + 1
    expected = model.run(ticks[:, :batch], layers=model)
    alone = model.stream(batch, record=model.network.nodes, engine="events")
    stream = model.stream(batch, record=model.network.nodes, engine="events")
    begin = 0
    for length, worth in [(2, 0), (1, 1 << 16), (3, 0), (3, 0), (2, 1 << 16)]:  # what was divided is read undivided
        monkeypatch.setattr(parallel, "MIN_PARALLEL_SIZE", worth)
        found = stream.run(ticks[begin : begin + length, :batch])
        assert stream._state.lists.bands == (1 if worth else 4 // batch)
        for node, values in found.items():
            assert torch.equal(values, expected[node][begin : begin + length]), node
        begin += length
    alone.run(ticks[:, :batch])
    assert stream.operations.tolist() == alone.operations.tolist()


@pytest.mark.parametrize("seed", range(60))
def test_channels_of_any_number_are_walked_along(seed):
    model, ticks = some_model(seed, channels=[16, 17, 33, 48][seed % 4])
    expected = model.run(ticks, layers=model)
    found = model.run(ticks, engine="events")
    assert all(torch.equal(found[node], expected[node]) for node in model.network.nodes)


@pytest.mark.parametrize("seed", range(100))
def test_parts_may_change_hands_at_every_block(seed, monkeypatch):
    model, ticks = some_model(seed)
    rng = np.random.default_rng(seed)
    parts = [part.nodes for part in model.stream(2)._plan.components if part.nodes[0] != "in"]
    expected = model.run(ticks, layers=model)
    some = [[], ["out"], model.network.nodes][seed % 3]

    def choose(self, state, inputs, steps, until):
        return frozenset().union(*(nodes for nodes in parts if rng.random() < 0.5)), True

    monkeypatch.setattr(Hybrid, "choose", choose)
    stream = model.stream(2, record=["out", *some], engine="events")
    begin = 0
    for length in (3, 1, 1, 4, 2):
        found = stream.run(ticks[begin : begin + length])
        for node, values in found.items():
            assert torch.equal(values, expected[node][begin : begin + length]), node
        begin += length


@pytest.mark.parametrize("seed", range(60))
def test_operations_are_counted_as_they_happen(seed):
    model, ticks = some_model(seed)
    stream = model.stream(2, record=model.network.nodes, engine="events")
    activity = [stream.run(block) for block in ticks.split([4, 1, 6])]
    for position, edge in enumerate(model.network.edges):
        sent = torch.cat([block[edge.source] for block in activity])[: len(ticks) - reference.taken_ticks(model, edge)]
        reached = edge.operation.fan_out(model.network.shapes[edge.source])
        expected = (sent.detach().abs() * reached).flatten(2).sum((0, 2))
        assert stream.operations[position].tolist() == expected.tolist()


@pytest.mark.parametrize("options", [{"emission": "spread"}, {"emission": "burst"}, {"bias": "frame"}], ids=str)
def test_the_biases_of_a_frame_come_with_the_frames_of_the_neurons_whatever_those_of_the_model_are(options):
    network = in_whole_frames(random_network(2, longest=1), 3)
    model, ticks = random_spiking(network, 2, ticks_per_frame=3, **options), random_frames(network, 2, 13, counts=True)
    expected = model.run(ticks, layers=model)
    for ticks_per_frame in (3, 1, 5):
        model.ticks_per_frame = ticks_per_frame
        for engine in ENGINES:
            found = model.run(ticks, engine=engine)
            assert all(torch.equal(found[node], expected[node]) for node in network.nodes), (engine, ticks_per_frame)


def test_only_events_are_counted():
    model, _ = some_model(1)
    for engine in ("dense", "auto"):
        with pytest.raises(ValueError, match=r'only engine="events" counts as it goes; wb\.operations counts for all'):
            model.stream(engine=engine).operations.sum()


def test_who_asks_for_an_engine_in_vain_is_told():
    model, ticks = some_model(1)
    with pytest.raises(ValueError, match="engine='fast' is unknown; choose from 'auto', 'dense', 'events'"):
        model.run(ticks, engine="fast")
    with pytest.raises(ValueError, match='engine="events" is for spiking models in eval mode'):
        model.run(ticks, engine="events", layers=model)
    with pytest.raises(ValueError, match='engine="events" is for spiking models in eval mode'):
        model.train().run(ticks, engine="events")


def wide_model(activity: float) -> tuple[wb.Model, torch.Tensor]:
    """A chain of convolutions, and ticks of which so many are 1."""
    edges = [
        wb.Edge("in", "a", wb.Conv(8, kernel=3)),
        wb.Edge("a", "b", wb.Conv(16, kernel=3, stride=2)),
        wb.Edge("b", "out", wb.Dense(3)),
    ]
    network = wb.Network({"in": (2, 16, 16)}, edges)
    model = random_spiking(network, 0)
    for node in network.hidden:  # which fall silent without input
        model.node_layer(node).bias.data.zero_()
    generator = torch.Generator().manual_seed(0)
    return model, (torch.rand(24, 2, 2, 16, 16, generator=generator) < activity).float()


def test_auto_leaves_to_lists_what_is_silent_and_to_layers_what_is_not(monkeypatch):
    monkeypatch.setattr(cost_model, "measured_speed", lambda threads: CertainSpeed({}))
    model, _ = wide_model(0.0)
    choice = Hybrid(model.stream(2)._plan, model.event_driven_parameters(), 2, "auto", {}).choice
    nodes = ["in", "a", "b", "out"]
    with torch.no_grad():
        assert choice.choose(dict.fromkeys(nodes, 0.0), 1e9) == {"a", "b", "out"}
        assert "b" not in choice.choose(dict.fromkeys(nodes, 1.0), 1e9)
        assert "b" not in choice.choose({"a": 1.0, "in": 0.0, "b": 0.0}, 1e9)  # it is the source that counts
        assert "a" in choice.choose({"a": 1.0, "in": 0.0, "b": 0.0}, 1e9)


@pytest.mark.parametrize("engine", ENGINES)
def test_auto_follows_the_activity_and_keeps_the_numbers(engine, monkeypatch):
    monkeypatch.setattr(cost_model, "measured_speed", lambda threads: CertainSpeed({}))
    monkeypatch.setattr(hybrid_state, "PATIENCE_NS", 0)
    for call in (
        "DENSE_CALL",
        "EVENTS_CALL",
        "LISTS",
        "CONVERSION",
        "TABLES",
    ):  # which the blocks here are too short for
        monkeypatch.setattr(cost_model, call, 0)
    model, busy = wide_model(0.9)
    _, calm = wide_model(0.01)
    ticks = torch.cat([calm, busy, calm, calm])
    expected = model.run(ticks, layers=model)
    found = model.run(ticks, engine=engine)
    assert all(torch.equal(found[node], expected[node]) for node in model.network.nodes)
    stream, hands = model.stream(2, engine="auto"), []
    with torch.no_grad():
        for block in ticks.split(12):
            stream.run(block)
            hands.append("a" in stream._hybrid.choose(stream._state, {}, 1, None)[0])
    assert hands[:4] == [True, True, False, False]
    assert hands[-1]  # once the membranes are empty again


def test_the_output_learns_where_the_engine_is_auto_and_not_where_spikes_are_lists():
    model, ticks = wide_model(0.1)
    assert model.run(ticks, engine="auto")["out"].requires_grad
    assert not model.run(ticks, engine="events")["out"].requires_grad


def test_a_chain_too_large_to_write_out_is_computed_densely(monkeypatch):
    edges = [
        wb.Edge("in", "a", wb.Chain(wb.Conv(3, kernel=3), wb.Conv(3, kernel=3))),
        wb.Edge("a", "out", wb.Dense(2)),
    ]
    model = random_spiking(wb.Network({"in": (2, 6, 5)}, edges), 0)
    ticks = random_frames(model.network, 0, 9, counts=True)
    expected = model.run(ticks, layers=model)
    monkeypatch.setattr(synapse_layouts, "LARGEST", 100)
    assert torch.equal(model.run(ticks, engine="auto")["out"], expected["out"])
    too_many = r"a map into 'a' has too many synapses for event-driven simulation \([\d,]+; at most 100\); use engine="
    with pytest.raises(ValueError, match=too_many):
        model.run(ticks, engine="events")


@pytest.mark.parametrize("block", [0, -3, 1.5])
def test_a_block_is_a_whole_number_of_steps(block):
    model, ticks = some_model(1)
    with pytest.raises(ValueError, match=f"block={block} must be a whole number of at least 1"):
        model.run(ticks, block=block)
