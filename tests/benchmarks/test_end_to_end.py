"""The whole job beside peers: the layers of a learner are those of the network, and who is missing is named."""

import importlib

import pytest
import torch
from torch import nn

import workbench as wb
from benchmarks.engine import end_to_end, peers, verbs
from benchmarks.engine.surrogates import Layers, Learner, learn


def make_relu(network):
    layers = Layers(network, nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.Flatten, nn.ReLU)
    return Learner(layers, lambda ticks: layers(ticks.flatten(0, 1)).view(*ticks.shape[:2], -1))


@pytest.fixture
def network():
    return wb.architectures.shortcut_network((2, 34, 34), 3, width=2)


def test_layers_are_the_edges_without_delays(network):
    layers = make_relu(network).layers.eval()
    ann = wb.Model(network.sequential(), norm=None).eval()
    with torch.no_grad():
        for map_, weights in zip(layers.maps, ann.weights, strict=True):
            (weight,) = weights.parameters()
            (map_[1] if isinstance(map_, nn.Sequential) else map_).weight.copy_(weight)
        layers.maps[-1][1].bias.zero_()
        for norm in layers.norms.values():
            norm.eps = 0.0
        images = torch.rand(4, 2, 34, 34)
        assert torch.allclose(layers(images), ann(images[None])[0], atol=1e-5)


def test_a_learner_learns(network):
    torch.manual_seed(0)
    learner = make_relu(network)
    optimizer = torch.optim.AdamW(learner.layers.parameters(), lr=1e-2)
    ticks, labels = torch.rand(12, 6, 2, 34, 34), torch.arange(6) % 3
    for _ in range(30):
        learn(learner, optimizer, ticks, labels)
    assert torch.equal(learner.forward(ticks).mean(0).argmax(1), labels)


def test_jobs_have_a_row_each_and_missing_peers_are_named(monkeypatch):
    import_module = importlib.import_module

    def refuse(name, *others):
        if name.split(".")[0] in peers.PACKAGES:
            raise ModuleNotFoundError(f"No module named {name.split('.')[0]!r}")
        return import_module(name, *others)

    monkeypatch.setattr(importlib, "import_module", refuse)
    monkeypatch.setitem(end_to_end.LEARNERS, "ReLU", make_relu)
    table = end_to_end.measure_jobs(1, epochs=1, share=end_to_end.WARM)
    assert set(table.index) == {"workbench", "SpikingJelly", "snnTorch", "ReLU"}
    assert table.loc["snnTorch", "accuracy"].startswith("missing: snntorch is not installed here")
    assert table.loc["workbench", "ratio"] == "1.00"
    assert table.loc["ReLU", "convert (s)"] == ""
    assert all(float(table.loc["workbench", f"{stage} (s)"]) >= 0 for stage in end_to_end.STAGES)


def test_verbs_are_told_beside_the_comparison_of_the_ann():
    table = verbs.measure_verbs(1, epochs=1, share=0.02)
    assert table.loc[verbs.UNIT, "to the ANN's compare"] == 1
    assert (table > 0).all(axis=None)
    assert "widgets.convert, its first view" in table.index
