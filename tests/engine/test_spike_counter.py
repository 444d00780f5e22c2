"""What nodes send, counted while they run: the same on every engine as from the activities afterwards."""

import random

import numpy as np
import pytest
import torch

from tests.support.exact_models import some_snn
from tests.support.random_networks import random_frames, random_model, random_network
from workbench.engine import Segment, SpikeCounter
from workbench.engine.event_driven.hybrid import Hybrid
from workbench.engine.kernels import parallel

SEEDS = range(0, 160, 10)


def random_weights(model, seed: int, kinds: int = 3) -> dict[str, torch.Tensor]:
    """By node whole numbers for each of its units, so that sums are exact."""
    rng = np.random.default_rng(seed)
    units = {node: int(np.prod(model.network.shape_of(node))) for node in model.network.nodes}
    return {node: torch.tensor(rng.integers(0, 99, (count, kinds))).double() for node, count in units.items()}


def add_up(counter: SpikeCounter, into: dict[str, torch.Tensor]) -> None:
    """Add what was counted; nodes that run ahead of the input are counted beyond its end as well."""
    for node, segments in counter.take().items():
        for segment in segments:
            into[node][segment.start : segment.end] += segment.values[: max(0, len(into[node]) - segment.start)]


def count_afterwards(activity: torch.Tensor, weights: torch.Tensor, spiking: bool) -> torch.Tensor:
    sent = activity.detach().double().abs() if spiking else (activity != 0).double()
    return sent.flatten(2) @ weights


@pytest.mark.parametrize("engine", ["dense", "events", "auto", "mixed"])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_engine_counts_what_every_node_sends_in_every_step(seed, engine, monkeypatch):
    rng, (snn, ticks) = random.Random(seed), some_snn(seed)
    monkeypatch.setattr(parallel, "MIN_PARALLEL_SIZE", rng.choice([1, 1 << 16]))
    parts = [component.nodes for component in snn.stream(1)._plan.components if component.nodes[0] != "in"]
    if engine == "mixed":

        def choose(*known: object) -> tuple[frozenset[str], bool]:
            return frozenset().union(*(nodes for nodes in parts if rng.random() < 0.5)), True

        monkeypatch.setattr(Hybrid, "choose", choose)
    weights, spiking = random_weights(snn, seed), [node for node in snn.network.nodes if node != "out"]
    activity = snn.run(ticks, layers=snn, block=1)
    counter = SpikeCounter(weights, spiking)
    known = {"engine": "auto" if engine == "mixed" else engine, "steps": rng.choice([None, len(ticks)])}
    stream = snn.stream(ticks.shape[1], ["out"], counter=counter, **known)
    found = {node: torch.zeros(len(ticks), ticks.shape[1], 3).double() for node in snn.network.nodes}
    begin = 0
    while begin < len(ticks):
        end = begin + rng.randint(1, 7)
        assert torch.equal(stream.run(ticks[begin:end])["out"], activity["out"][begin:end])
        add_up(counter, found)
        begin = end
    for node in snn.network.nodes:
        expected = count_afterwards(activity[node], weights[node], node in spiking)
        assert torch.equal(found[node], expected), node


@pytest.mark.parametrize("seed", range(0, 40, 4))
def test_an_ann_counts_the_numbers_that_are_not_zero(seed):
    network = random_network(seed, parallel=True)
    model, frames = random_model(network, seed), random_frames(network, seed, 9)
    weights, counter = random_weights(model, seed), None
    counter = SpikeCounter(weights, [])
    activity = model.run(frames)
    found = {node: torch.zeros(9, 2, 3).double() for node in network.nodes}
    stream = model.stream(2, ["out"], counter=counter)
    with torch.no_grad():
        for block in frames.split(4):
            stream.run(block)
            add_up(counter, found)
    for node in network.nodes:
        assert torch.equal(found[node], count_afterwards(activity[node], weights[node], False)), node


def test_what_was_taken_is_counted_no_second_time():
    counter = SpikeCounter({"a": torch.tensor([[1.0], [10.0]]).double()}, ["a"])
    counter.add("a", Segment(3, torch.tensor([[[2.0, -1.0]]])))
    (segment,) = counter.take()["a"]
    assert (segment.start, segment.values.tolist()) == (3, [[[12.0]]])
    assert counter.take() == {"a": []}
