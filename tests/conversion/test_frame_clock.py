"""Neurons that count for a frame give, frame by frame, what an ANN with quantised activities gives."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

import workbench as wb
from tests.support.exact_models import some_network, some_recordings
from tests.support.random_networks import random_model
from workbench.conversion.frame_clock import can_run_by_frames, to_frames, to_ticks

K = 3  # ticks a frame of `some_recordings`
EMISSIONS = ("spread", "burst")


def some_pair(seed: int, **options: object) -> tuple[wb.Model, wb.Model, wb.Recordings]:
    """A streaming ANN with loops and shortcuts, its SNN of neurons that count, and recordings."""
    drawn = some_network(seed)
    network = wb.Network(drawn.inputs, [replace(edge, delay=edge.delay + 1) for edge in drawn.edges], output="out")
    ann = random_model(network, seed).float()
    for node in network.hidden:
        ann.node_layer(node).bias.data.abs_()  # no node is silent
    recordings = some_recordings(network, seed)
    options = {
        "percentile": 95.0,
        "emission": EMISSIONS[seed % 2],
        "scale": ("node", "channel")[seed // 2 % 2],
        **options,
    }
    return ann, wb.convert(ann, recordings, **options), recordings


def count_by_frames(snn: wb.Model, frames: Tensor) -> dict[str, Tensor]:
    """What every node counts in each frame, in float64 from the SNN's own rounded numbers; the output's mean drive."""
    network, neuron = snn.network, snn.neuron
    k, most = snn.ticks_per_frame, neuron.most_spikes_per_frame()
    first = {node: steps // k for node, steps in network.first_response.items()}
    counts = {
        n: torch.zeros(len(frames), frames.shape[1], *network.shapes[n], dtype=torch.float64) for n in network.nodes
    }
    counts["in"] = frames.double()
    for t in range(len(frames)):
        for node in (n for n in network.nodes if n != "in" and t >= first[n]):
            bias = snn.node_layer(node).bias.detach().double()
            total = k * bias.view(-1, *[1] * (counts[node].ndim - 3)) + torch.zeros_like(counts[node][t])
            for position in network.incoming(node):
                edge = network.edges[position]
                if t >= edge.delay // k:
                    weights = [weight.detach().double() for weight in snn.weights[position].parameters()]
                    brought = edge.operation(counts[edge.source][t - edge.delay // k], weights)
                    gain = snn.gains[str(position)].detach().double() if str(position) in snn.gains else 1.0
                    total = total + brought * gain
            counts[node][t] = total / k if node == "out" else (total + neuron.start).floor().clamp(0, most)
    return counts


def gather_counts(snn: wb.Model, activity: Tensor, node: str) -> Tensor:
    """The spikes of a node by the frame in which they were counted, as far as all of them have been sent."""
    k = snn.ticks_per_frame
    begin = snn.network.first_response[node] + k - 1
    sent = activity[begin : begin + (len(activity) - begin) // k * k].double()
    return sent.unflatten(0, (-1, k)).sum(1) if len(sent) else sent


@pytest.mark.parametrize("seed", range(40))
@torch.no_grad()
def test_an_snn_that_drops_the_rest_is_at_every_frame_end_its_ann_with_quantised_and_clipped_activities(seed):
    _, snn, recordings = some_pair(seed)
    expected = count_by_frames(snn, torch.from_numpy(recordings.as_frames()))
    ticks = torch.from_numpy(recordings.as_ticks())
    for engine in ("dense", "events"):
        activity = snn.run(ticks, engine=engine)
        for node in snn.network.hidden:
            found, first = gather_counts(snn, activity[node], node), snn.network.first_response[node] // K
            assert torch.equal(found, expected[node][first : first + len(found)]), (engine, node)
            assert snn.neuron.emission == "burst" or activity[node].max() <= 1
        first = snn.network.first_response["out"]
        means = activity["out"][first:].double().unflatten(0, (-1, K)).mean(1)
        torch.testing.assert_close(means, expected["out"][first // K :], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("remainder", ["drop", "keep"])
@pytest.mark.parametrize("seed", range(20))
@torch.no_grad()
def test_frame_by_frame_the_same_is_counted_and_answered(seed, remainder):
    _, snn, recordings = some_pair(seed, remainder=remainder)
    assert can_run_by_frames(snn)
    frames = to_frames(snn).run(torch.from_numpy(recordings.as_frames()))
    activity = snn.run(torch.from_numpy(recordings.as_ticks()))
    for node in snn.network.hidden:
        found, first = gather_counts(snn, activity[node], node), snn.network.first_response[node] // K
        differ = found != frames[node][first : first + len(found)]
        assert differ.sum() <= 0.01 * differ.numel(), node  # ties, which are rounded otherwise
    again = to_ticks(to_frames(snn), snn)
    for one, other in zip(again.parameters(), snn.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_what_spikes_at_once_or_takes_parts_of_frames_is_not_run_by_frames():
    ann, snn, recordings = some_pair(0)
    assert not can_run_by_frames(wb.convert(ann, recordings, percentile=99.0))
    edge = next(edge for edge in snn.network.edges if edge.source == "in")
    early = snn.network.with_delays({edge.ends: 1})
    assert not can_run_by_frames(wb.Model(early, norm=None, neuron=snn.neuron, ticks_per_frame=K))


@pytest.mark.parametrize("emission", EMISSIONS)
def test_fine_tuning_by_frames_learns_what_fine_tuning_by_ticks_does(emission, monkeypatch):
    ann, snn, recordings = some_pair(0, emission=emission)
    tuned, history = wb.fine_tune(snn, recordings, epochs=3, batch=2, progress=False)
    monkeypatch.setattr("workbench.training.finetuning.can_run_by_frames", lambda model: False)
    by_ticks, other = wb.fine_tune(snn, recordings, epochs=3, batch=2, progress=False)
    np.testing.assert_allclose(history["loss"], other["loss"], rtol=0.05)
    for name, values in tuned.named_parameters():
        assert not torch.equal(values, dict(snn.named_parameters())[name]), name
    assert tuned.network == by_ticks.network == snn.network
    assert tuned.grid is not None
    assert ann.grid is None
