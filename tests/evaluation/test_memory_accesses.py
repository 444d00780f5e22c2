"""Accesses of memory: walked one by one through every synapse, spike and step; and a small network by hand."""

from collections import defaultdict

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.brute_force import synapses
from tests.support.random_networks import random_model, random_network
from tests.support.random_recordings import random_recordings
from tests.support.reference import taken_ticks
from workbench.evaluation.memory_accesses import EDGE_ACCESSES


def walk_edge(model: wb.Model, activity: torch.Tensor, position: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Accesses of one edge at every step for one recording, and each times the words of its memory."""
    network, edge = model.network, model.network.edges[position]
    shape, first = network.shapes[edge.source], network.first_response[edge.source]
    delay = taken_ticks(model, edge)
    units, reached = int(np.prod(shape)), synapses(network, position).sum(1).astype(int)
    weights = sum(parameter.numel() for parameter in model.weights[position].parameters())
    found: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(activity)))
    span = np.zeros(len(activity))

    def access(kind: str, step: int, times: int, words: int) -> None:
        found[kind][step] += times
        span[step] += times * words

    for sent, values in enumerate(activity.flatten(1).tolist()):
        arrives = sent + delay
        for unit, value in enumerate(values):
            spikes = model.spiking and edge.source != network.output
            events = int(value) if spikes else int(sent >= first)
            for _ in range(events):
                if delay:
                    access("buffer_accesses", sent, 1, delay * units)
                if arrives >= len(activity):
                    continue
                if delay:
                    access("buffer_accesses", arrives, 1, delay * units)
                access("activity_reads", arrives, 1 if spikes else reached[unit], units)
                if weights:
                    access("weight_reads", arrives, reached[unit], weights)
                if spikes:
                    access("membrane_accesses", arrives, 2 * reached[unit], int(np.prod(network.shapes[edge.target])))
    return found, span


@pytest.mark.parametrize("spiking", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_accesses_of_edges_equal_a_walk_through_every_synapse(seed: int, spiking: bool) -> None:
    network, recordings = random_network(seed, longest=2), random_recordings(seed, count=3, frames=6)[[0]]
    model = random_model(network, seed).float()
    if spiking:
        model = wb.convert(model, recordings, ticks_per_frame=2)
    activity = model.run(torch.tensor(recordings.as_ticks(ticks_per_frame=model.ticks_per_frame)))
    first = network.first_response["out"]
    if first >= 6:
        pytest.fail("this network answers too late to be counted; choose another seed")
    table = wb.operations(model, recordings, cumulative=False)
    for position, edge in enumerate(model.network.edges):
        rows = table[table["edge"] == position]
        found, span = walk_edge(model, activity[edge.source][:, 0].detach(), position)
        for kind in EDGE_ACCESSES:
            np.testing.assert_array_equal(rows[kind], found[kind], err_msg=f"{edge!r}: {kind}")
        np.testing.assert_allclose(rows["memory_span_words"], span)
        np.testing.assert_allclose(rows["memory_accesses"], sum(found.values()))


def test_nodes_by_hand() -> None:
    edges = [wb.Edge("eye", "v1", wb.Conv(2, kernel=1)), wb.Edge("v1", "hand", wb.Dense(3), delay=2)]
    ann = wb.Model(wb.Network({"eye": (1, 2, 2)}, edges), norm=None).eval()
    with torch.no_grad():
        for edge in range(2):
            next(iter(ann.weights[edge].parameters())).fill_(1.0)
    recordings = wb.Recordings.from_ticks(np.ones((5, 3, 1, 2, 2), dtype=int), [0, 1, 2], ticks_per_frame=1)
    table = wb.count_updates(ann, recordings, cumulative=False)
    last = table[table["step"] == 4].set_index("node")
    assert last["bias_reads"].to_dict() == {"eye": 0, "v1": 8, "hand": 3}
    assert last["membrane_accesses"].tolist() == [0, 0, 0]
    assert last["activity_writes"].to_dict() == {"eye": 0, "v1": 8, "hand": 3}
    assert last.loc["v1", "memory_span_words"] == 8 * 2 + 8 * 8  # a bias per channel, an activity per unit
    assert table[(table["node"] == "v1") & (table["step"] == 0)]["memory_accesses"].item() == 0, "silent"
    snn = wb.convert(ann, recordings, ticks_per_frame=1)
    table = wb.count_updates(snn, recordings, cumulative=False)
    last = table[table["step"] == 4].set_index("node")
    assert last["bias_reads"].to_dict() == {"eye": 0, "v1": 8, "hand": 3}
    assert last["membrane_accesses"].to_dict() == {"eye": 0, "v1": 16, "hand": 6}
    assert last["activity_writes"].to_dict() == {"eye": 0, "v1": last.loc["v1", "activity"], "hand": 3}
    assert 0 < last.loc["v1", "activity"] <= 8


def test_an_edge_without_delay_needs_no_buffer_and_one_without_weights_reads_none() -> None:
    edges = [wb.Edge("eye", "v1", wb.Identity(), delay=0), wb.Edge("v1", "hand", wb.Dense(3))]
    ann = wb.Model(wb.Network({"eye": (4,)}, edges), norm=None).eval()
    recordings = wb.Recordings.from_ticks(np.ones((3, 3, 4), dtype=int), [0, 1, 2], ticks_per_frame=1)
    table = wb.operations(ann, recordings).groupby("edge").last()
    assert table["buffer_accesses"].tolist() == [0, 3 * 4 + 2 * 4]  # three times written, twice read
    assert table["weight_reads"].tolist() == [0, 2 * 12]
    assert table["activity_reads"].tolist() == [12, 2 * 12]
    assert table["delay_buffer_bytes"].tolist() == [0, 16]
