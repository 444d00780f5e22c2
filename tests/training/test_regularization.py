"""Training for the conversion: ceilings are learned, spikes cost what they cost, noise is drawn from its seed."""

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.random_networks import random_frames, random_model, random_network
from tests.support.random_recordings import trainable
from workbench.evaluation import evaluate
from workbench.exchange import model_files
from workbench.training.quantization import with_quantised_relu
from workbench.training.regularization import RegularizedLayers


def practise(
    model: wb.Model, frames: torch.Tensor, noise: float = 0.0, seed: int = 0
) -> tuple[RegularizedLayers, torch.Tensor]:
    practice = RegularizedLayers(model, noise, torch.Generator().manual_seed(seed))
    return practice, model.run(frames, record=[model.network.output], layers=practice)[model.network.output]


@pytest.mark.parametrize("seed", range(40))
def test_the_cost_is_spikes_per_synapse_and_frame_by_brute_force(seed):
    network = random_network(seed, longest=2, parallel=True)
    model = with_quantised_relu(random_model(network, seed), random_frames(network, seed, 6), levels=3).double().eval()
    frames = random_frames(network, seed + 1, 6)
    practice, drive = practise(model, frames)
    assert torch.equal(drive, model(frames))
    activity = model.run(frames)
    spent, synapses = 0.0, 0
    for node in set(network.nodes) - {"in", network.output}:
        fan_out = sum(
            (e.operation.fan_out(network.shapes[node]) for e in network.edges if e.source == node),
            start=torch.zeros(network.shapes[node]),
        )
        last = 6 - slack(network).get(node, 99)  # what can no longer reach the output is not computed
        spikes = activity[node][:last] / model.ceiling(node) * 3
        spent += float((spikes * fan_out).detach().sum())
        synapses += float(fan_out.sum()) * 2 * max(0, last - network.first_response[node])
    if synapses:
        assert float(practice.cost.detach()) == pytest.approx(spent / synapses)


def slack(network: wb.Network) -> dict[str, int]:
    """Smallest sum of delays from every node to the output."""
    least = {network.output: 0}
    for _ in network.nodes:
        for edge in network.edges:
            if edge.target in least:
                least[edge.source] = min(least.get(edge.source, 99), least[edge.target] + edge.delay)
    return least


def test_a_cost_before_anything_was_sent_is_refused():
    network, _ = trainable()
    with pytest.raises(ValueError, match="nothing was sent yet; run the model first"):
        _ = RegularizedLayers(wb.Model(network), 0.0, torch.Generator()).cost


def test_noise_has_its_deviation_in_units_of_the_ceiling_and_its_seed():
    network = wb.Network({"in": (1,)}, [wb.Edge("in", "v", wb.Dense(20000)), wb.Edge("v", "out", wb.Dense(2))])
    model = wb.Model(network, norm=None, neuron=wb.QuantisedReLU(None)).eval()
    with torch.no_grad():
        next(model.weights[0].parameters()).fill_(1.0)
        model.ceiling_parameter("v").fill_(np.log(4.0))
    practice = RegularizedLayers(model, 0.05, torch.Generator().manual_seed(1))
    with torch.no_grad():
        seen = model.run(torch.full((2, 1, 1), 2.0), record=["v"], layers=practice)["v"][1, 0]
    assert seen.mean() == pytest.approx(2, abs=0.01)
    assert seen.std() == pytest.approx(0.2, rel=0.03)
    noisy = [practise(model, torch.full((3, 1, 1), 2.0), 0.05, seed)[1] for seed in (1, 1, 2)]
    assert torch.equal(noisy[0], noisy[1])
    assert not torch.equal(noisy[0], noisy[2])


def test_ceilings_begin_at_a_percentile_and_what_was_learned_is_kept():
    network, recordings = trainable()
    frames = torch.from_numpy(recordings.as_frames())
    model = wb.Model(network, seed=2, norm=None)
    bounded = with_quantised_relu(model, frames, levels=5)
    for node in ("v1", "v2"):
        active = model.run(frames)[node].detach()
        share = (active[active > 0] <= bounded.ceiling(node)).double().mean()
        assert share == pytest.approx(0.99, abs=0.001)
    again = with_quantised_relu(bounded, frames * 10, levels=2)
    assert (again.levels, bounded.levels) == (2, 5)
    assert torch.equal(again.ceiling("v1"), bounded.ceiling("v1"))
    assert model.neuron == wb.ReLU()


@pytest.fixture(scope="module")
def plain_and_frugal() -> tuple[wb.Model, wb.Model]:
    network, recordings = trainable()
    return tuple(
        wb.train(wb.Model(network), recordings, epochs=8, progress=False, levels=4, spike_cost=cost)[0]
        for cost in (0.0, 10.0)
    )


def test_a_price_on_spikes_is_a_lesson_in_thrift(plain_and_frugal):
    _, recordings = trainable()
    spent = []
    for model in plain_and_frugal:
        snn = wb.convert(model, recordings)
        by_edge = wb.operations(snn, recordings).groupby("edge").last()
        spent.append(by_edge.loc[by_edge["source"] != "eye", "synaptic_operations"].sum())
        assert wb.compare({"SNN": snn}, recordings)["accuracy"].iloc[-1] > 0.9
    assert spent[1] < 0.8 * spent[0]


def test_ceilings_are_learned_saved_and_read_back(plain_and_frugal, tmp_path):
    _, recordings = trainable()
    model = plain_and_frugal[1]
    start = with_quantised_relu(wb.Model(model.network), torch.from_numpy(recordings.as_frames()[:, :32]), 4)
    assert model.ceiling("v1") != start.ceiling("v1")
    model_files.save_model(model, tmp_path / "ann.safetensors")
    back = model_files.load_model(tmp_path / "ann.safetensors")
    frames = torch.from_numpy(recordings.as_frames())
    assert back.neuron == wb.QuantisedReLU(4)
    assert torch.equal(back(frames), model(frames))
    assert "QuantisedReLU(levels=4)" in repr(back)


def test_the_lesson_resumes_bit_for_bit(tmp_path):
    network, recordings = trainable()
    options = {"epochs": 3, "progress": False, "levels": 3, "spike_cost": 0.5, "noise": 0.1, "batch": 40}
    whole, history = wb.train(wb.Model(network), recordings, **options)
    path = tmp_path / "lesson.safetensors"

    def stop(update: object) -> bool:
        return update.epoch == 2 and update.batch == 2

    wb.train(wb.Model(network), recordings, **options, checkpoint=path, callback=stop)
    resumed, again = wb.train(wb.Model(network), recordings, **options, checkpoint=path)
    assert history.equals(again)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))
    with pytest.raises(ValueError, match=r"checkpoint of another training \(it differs in noise\)"):
        wb.train(wb.Model(network), recordings, **{**options, "noise": 0.2}, checkpoint=path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"levels": 0}, "levels=0 must be a whole number of at least 1"),
        ({"spike_cost": -1.0}, r"spike_cost=-1\.0 must be 0 or more; 0 leaves it out"),
        ({"noise": float("nan")}, "noise=nan must be 0 or more"),
    ],
)
def test_lessons_that_make_no_sense_are_refused(options, words):
    network, recordings = trainable()
    with pytest.raises(ValueError, match=words):
        wb.train(wb.Model(network), recordings, **options)


# fine-tuning


def test_fine_tuning_makes_an_snn_better_and_keeps_all_but_its_numbers():
    network, recordings = trainable()
    ann, _ = wb.train(wb.Model(network), recordings, epochs=4, progress=False)
    snn = wb.convert(ann, recordings, percentile=100, ticks_per_frame=2)
    before = {name: tensor.clone() for name, tensor in snn.state_dict().items()}
    tuned, history = wb.fine_tune(snn, recordings, validation=recordings, epochs=3, progress=False)
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert history.columns.tolist() == ["epoch", "loss", "accuracy", "validation_loss", "validation_accuracy"]
    for name in ("network", "neuron", "scales", "conversion_options", "trained_network", "ticks_per_frame"):
        assert getattr(tuned, name) == getattr(snn, name)
    assert all(torch.equal(tensor, before[name]) for name, tensor in snn.state_dict().items())
    assert not tuned.training
    assert evaluate(tuned, recordings)["loss"] < evaluate(snn, recordings)["loss"]
    again, _ = wb.fine_tune(snn, recordings, validation=recordings, epochs=3, progress=False)
    assert all(torch.equal(a, b) for a, b in zip(tuned.parameters(), again.parameters(), strict=True))
    activity = tuned.run(torch.from_numpy(recordings.as_ticks([0], 2)))
    assert set(activity["v2"].unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(
    "options",
    [
        {"emission": "burst", "cap": 9},
        {"emission": "spread", "remainder": "keep"},
        {"signed": True, "floor": None},
        {"reset": "zero"},
        {"bias": "frame", "membrane": "rectify", "scale": "channel"},
    ],
    ids=str,
)
def test_every_recipe_can_be_tuned(options):
    network, recordings = trainable()
    ann, _ = wb.train(wb.Model(network), recordings, epochs=1, progress=False)
    snn = wb.convert(ann, recordings, ticks_per_frame=4, **options)
    tuned, history = wb.fine_tune(snn, recordings, epochs=1, progress=False, spike_cost=0.1)
    assert np.isfinite(history["loss"]).all()
    changed = [not torch.equal(a, b) for a, b in zip(snn.parameters(), tuned.parameters(), strict=True)]
    assert all(changed)


def test_the_wrong_verb_names_the_right_one():
    network, recordings = trainable()
    model = wb.Model(network, norm=None)
    with pytest.raises(ValueError, match="fine_tune takes an SNN; this model does not spike: convert it first"):
        wb.fine_tune(model, recordings)
