"""What a chip must hold, against counts synapse by synapse; and limits that are broken."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.brute_force import synapses
from tests.support.random_networks import random_network, random_spiking
from workbench.exchange import CHIPS, Chip


@pytest.mark.parametrize("seed", range(40))
def test_counts_are_those_of_every_single_synapse(seed):
    network = random_network(seed, flat=seed % 3 == 1, signal=seed % 3 == 2, parallel=True)
    model = random_spiking(network, seed)
    table = wb.requirements(model).set_index("node")
    joined = [synapses(network, position) for position in range(len(network.edges))]
    for node in (*network.hidden, network.output):
        row, into, out = table.loc[node], network.incoming(node), network.outgoing(node)
        assert row["neurons"] == np.prod(network.shapes[node])
        assert row["synapses"] == sum(joined[p].sum() for p in into)
        assert row["fan_in"] == sum(joined[p].sum(0) for p in into).max()
        assert row["fan_out"] == (sum(joined[p].sum(1) for p in out).max() if out else 0)
        assert row["weights"] == sum(w.numel() for p in into for w in model.weights[p])
        assert row["delay"] == max(network.edges[p].delay for p in into)
    assert table.loc["total", "synapses"] == sum(one.sum() for one in joined)
    assert table.loc["total", "fan_in"] == table.iloc[:-1]["fan_in"].max()


@pytest.mark.parametrize("bits", [3, 5, 8, 12])
def test_weights_of_a_conversion_take_the_bits_that_it_was_given(bits):
    network = wb.Network({"eye": (2, 5, 5)}, [wb.Edge("eye", "v1", wb.Conv(8, 3)), wb.Edge("v1", "hand", wb.Dense(3))])
    ticks = np.random.default_rng(0).integers(0, 2, (16, 6, 2, 5, 5))
    recordings = wb.Recordings.from_ticks(ticks, [0, 1, 2] * 2, ("a", "b", "c"), ticks_per_frame=4)
    snn = wb.convert(wb.Model(network, norm=None), recordings, weight_bits=bits, percentile=99.0, progress=False)
    assert (wb.requirements(snn)["weight_bits"] <= bits).all()
    assert wb.requirements(snn)["weight_bits"].max() >= bits - 1


def test_integers_of_known_width_are_counted_so():
    network = wb.Network({"eye": (3,)}, [wb.Edge("eye", "hand", wb.Dense(1))])
    model = random_spiking(network, 0)
    for weights, bits in (([0, 0, 0], 1), ([1, 0, -1], 2), ([2, 4, 8], 4), ([0.25, 0.75, 0], 3), ([127, -127, 1], 8)):
        model.weights[0][0].data.copy_(torch.tensor([weights]))
        assert wb.requirements(model)["weight_bits"][0] == bits


def some_snn() -> wb.Model:
    network = wb.Network(
        {"eye": (2, 6, 6)},
        [wb.Edge("eye", "v1", wb.Conv(4, 3), delay=9), wb.Edge("v1", "hand", wb.Dense(3), delay=4)],
    )
    return random_spiking(network, 0, burst=3)


@pytest.mark.parametrize(
    ("limits", "node", "broken"),
    [
        ({"fan_in": 17}, "v1", "fan_in: 18 of 17"),
        ({"fan_in": 18}, "v1", ""),
        ({"fan_out": 2}, "v1", "fan_out: 3 of 2"),
        ({"delay": 8}, "v1", "delay: 9 of 8"),
        ({"spikes_per_tick": 1}, "v1", "spikes_per_tick: 3 of 1"),
        ({"weight_bits": 2}, "hand", "weight_bits: "),
        ({"axons_per_core": 100}, "hand", "axons_per_core: 144 of 100"),
        ({"neurons": 146}, "total", "neurons: 147 of 146"),
        ({"neurons_per_core": 10, "cores": 15}, "total", "cores: 16 of 15"),
        ({"neurons_per_core": 10, "node_per_core": True}, "v1", "neurons_per_core: 144 of 10"),
        ({"weights_per_core": 71, "node_per_core": True}, "v1", "weights_per_core: 72 of 71"),
    ],
    ids=str,
)
def test_a_broken_limit_is_named_where_it_is(limits, node, broken):
    table = wb.requirements(some_snn(), chip=limits).set_index("node")
    assert table.loc[node, "broken"].startswith(broken)
    assert bool(table.loc[node, "broken"]) == bool(broken)


def test_cores_hold_no_more_than_they_can():
    table = wb.requirements(some_snn(), chip={"neurons_per_core": 100, "synapse_bits_per_core": 1000}).set_index("node")
    synapse_bits = table["synapses"] * table["weight_bits"]
    for node in ("v1", "hand"):
        assert table.loc[node, "cores"] == max(-(-table.loc[node, "neurons"] // 100), -(-synapse_bits[node] // 1000))
    assert table.loc["total", "cores"] == table.loc["v1", "cores"] + table.loc["hand", "cores"]


@pytest.mark.parametrize("name", CHIPS)
def test_every_preset_names_its_source_and_can_be_asked(name):
    chip = CHIPS[name]
    assert chip.name == name
    assert re.search(r"\b(19|20)\d\d\b|\.py\b", chip.source)
    table = wb.requirements(some_snn(), chip=name)
    assert table.attrs["chip"] is chip
    assert len(chip.limits) >= 4


@pytest.mark.parametrize(
    ("chip", "words"),
    [
        ("loihi3", "chip='loihi3' is unknown; choose loihi, loihi2, truenorth, speck, or give its limits"),
        (3, "chip=3 is unknown"),
        ({"neuron_per_core": 3}, r"chip=\{...\} has no limit 'neuron_per_core'; choose from cores, neurons"),
        ({"neurons": 0}, "neurons=0 must be a positive number"),
        ({"delay": True}, "delay=True must be a positive number"),
    ],
    ids=str,
)
def test_chips_that_there_are_not_are_refused(chip, words):
    with pytest.raises(ValueError, match=words):
        wb.requirements(some_snn(), chip=chip)


def test_a_chip_needs_a_name_and_a_source():
    with pytest.raises(ValueError, match="give a name, and where its limits stand"):
        Chip("mine", source="")


def test_an_ann_is_refused():
    with pytest.raises(ValueError, match=r"takes an SNN, and this model is an ANN: convert it by wb\.convert"):
        wb.requirements(wb.Model(random_network(0, flat=True)))
