"""Models as files: what comes back is what was saved, bit for bit; files that are none are refused by name."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import workbench as wb
from tests.support.exact_models import some_snn as converted
from tests.support.exact_models import some_trained
from tests.support.old_files import write_format_1
from tests.support.random_networks import IMAGE, random_frames, random_model, random_network
from tests.support.shrinking_networks import shrinking_network
from workbench.exchange import model_files, tensor_files
from workbench.model.exactness import is_exact


def tiny_recordings(seed: int) -> wb.Recordings:
    rng = np.random.default_rng(seed)
    return wb.Recordings.from_ticks(rng.integers(0, 3, (24, 6, *IMAGE)), [0, 1, 2] * 2, ticks_per_frame=3)


def some_snn(seed: int) -> wb.Model:
    """A converted model with identity edges, which carry gains; a network with a silent node is passed over."""
    tail = [
        wb.Edge("a", "b", wb.Conv(3, kernel=3)),
        wb.Edge("a", "b", wb.Identity(), 2),
        wb.Edge("b", "b", wb.Identity()),
    ]
    edges = [wb.Edge("in", "a", wb.Conv(3, kernel=3)), *tail, wb.Edge("b", "out", wb.Dense(3))]
    model = random_model(wb.Network({"in": IMAGE}, edges), seed, norm="batch" if seed % 2 else None).float()
    for position in (2, 3):  # a loop that does not grow without bound
        model.gains[str(position)] = torch.nn.Parameter(torch.full((3, 1, 1), 0.25))
    return wb.convert(model, tiny_recordings(seed), reset=["subtract", "zero"][seed % 2], floor=[-1.0, None][seed % 2])


def assert_same(loaded: wb.Model, model: wb.Model, frames: torch.Tensor) -> None:
    assert (loaded.network, loaded.neuron, loaded.norm) == (model.network, model.neuron, model.norm)
    assert (loaded.ticks_per_frame, loaded.scales) == (model.ticks_per_frame, model.scales)
    assert loaded.trained_network == model.trained_network
    assert not loaded.training
    assert list(loaded.state_dict()) == list(model.state_dict())
    ours, theirs = loaded.run(frames), model.run(frames)
    for node in model.network.nodes:
        assert ours[node].dtype == theirs[node].dtype
        assert torch.equal(ours[node], theirs[node])


@pytest.mark.parametrize("seed", range(6))
def test_neurons_that_leak_and_those_of_single_nodes_come_back_on_their_grid(tmp_path, seed):
    model, ticks = some_trained(seed)
    model_files.save_model(model, tmp_path / "model.safetensors")
    loaded = model_files.load_model(tmp_path / "model.safetensors")
    assert_same(loaded, model, ticks)
    assert loaded.node_neurons == model.node_neurons
    assert [neuron.dynamics for neuron in loaded.node_neurons.values()] == [
        neuron.dynamics for neuron in model.node_neurons.values()
    ]
    assert loaded.grid == model.grid
    assert is_exact(loaded)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("norm", ["batch", None])
def test_an_ann_comes_back_bit_for_bit(tmp_path, seed, norm):
    network = shrinking_network(seed) if seed % 2 else random_network(seed)
    for model in (random_model(network, seed, norm), random_model(network, seed, norm).float()):
        frames = random_frames(network, seed, steps=7).to(next(model.parameters()).dtype)
        model_files.save_model(model, tmp_path / "model.safetensors")
        assert_same(model_files.load_model(tmp_path / "model.safetensors"), model, frames)
        assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("seed", range(20))
def test_an_snn_with_gains_comes_back_bit_for_bit(tmp_path, seed):
    model = some_snn(seed)
    assert len(model.gains) == 2
    model_files.save_model(model, tmp_path / "model.safetensors")
    ticks = torch.from_numpy(tiny_recordings(seed).as_ticks())
    assert model(ticks).any()
    assert_same(model_files.load_model(str(tmp_path / "model.safetensors")), model, ticks)


def test_saving_changes_nothing_and_makes_the_folder(tmp_path):
    model = random_model(random_network(1), 1, norm="batch").train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model_files.save_model(model, tmp_path / "new" / "folder" / "model.safetensors")
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert (tmp_path / "new" / "folder" / "model.safetensors").exists()


def test_a_file_is_whole_or_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    old = random_model(random_network(1), 1)
    model_files.save_model(old, path)
    before = path.read_bytes()

    def break_off(tensors, aside, metadata):
        aside.write_bytes(b"half a file")
        raise OSError("no space left on device")

    monkeypatch.setattr(tensor_files, "save_file", break_off)
    with pytest.raises(OSError, match="no space left"):
        model_files.save_model(random_model(random_network(2), 2), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def with_description(path, change) -> None:
    """Save a model whose description was changed."""
    model = random_model(random_network(1), 1)
    model_files.save_model(model, path)
    description = tensor_files.read_header(path, "model").description
    change(description)
    tensor_files.write_tensors(path, "model", model.state_dict(), description)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("neuron"), r"the description is incomplete: it has no neuron; save it again"),
        (lambda d: d.pop("network"), r"the description is incomplete: it has no network; save it again"),
        (lambda d: d.pop("provenance"), r"the description is incomplete: it has no provenance; save it again"),
        (lambda d: d.update(colour="red"), r"the description has 'colour', which nobody knows; leave it out"),
        (lambda d: d.update(neuron={"type": "Leaky"}), r"field 'neuron': type='Leaky' is no neuron; choose from"),
        (lambda d: d.update(neuron={"type": []}), r"field 'neuron': type=\[\] is no neuron"),
        (
            lambda d: d.update(neuron={"type": "ReLU", "slope": 1}),
            r"field 'neuron': the ReLU has 'slope', which",
        ),
        (lambda d: d.update(neuron=spiking(reset="x")), r"field 'neuron': reset='x' is unknown"),
        (lambda d: d.update(neuron=spiking(start="0.5")), r"field 'neuron': start='0.5' must be a finite number"),
        (lambda d: d.update(neuron=spiking(burst=1.0)), r"field 'neuron': burst=1.0 must be a whole number"),
        (lambda d: d.update(neuron=spiking(signed=1)), r"field 'neuron': signed=1 must be true or false"),
        (lambda d: d.update(neuron=spiking(saturation="inf")), r"saturation='inf' must be a finite number or null"),
        (lambda d: d.update(neuron=None), r"field 'neuron': it is None and must be an object"),
        (lambda d: d.update(neurons={"nobody": {"type": "ReLU"}}), r"field 'neurons': 'nobody' is not a hidden node"),
        (lambda d: d.update(neurons=[]), r"field 'neurons': it is \[\] and must be an object"),
        (lambda d: d.update(norm="layer"), r"norm='layer' is unknown"),
        (lambda d: d.update(norm=0), r"field 'norm': it is 0 and must be text or null"),
        (lambda d: d.update(ticks_per_frame=0), r"field 'ticks_per_frame': ticks_per_frame=0 must be a whole number"),
        (lambda d: d.update(ticks_per_frame=1.5), r"field 'ticks_per_frame': ticks_per_frame=1.5 must be a whole"),
        (lambda d: d.update(ticks_per_frame=True), r"field 'ticks_per_frame': ticks_per_frame=True must be a whole"),
        (
            lambda d: d.update(input_encoding={"factor": -1.0, "function": None}),
            r"'input_encoding': input_factor=-1.0 ",
        ),
        (lambda d: d.update(input_encoding={"factor": 1.0}), r"'input_encoding': the encoding is incomplete.*function"),
        (lambda d: d.update(training_recipe=[[]]), r"field 'training_recipe': it is \[\[\]\] and must be text or null"),
        (lambda d: d.update(scales={"in": 1.0}), r"field 'scales': only models that spike have it"),
        (lambda d: d.update(grid={}), r"field 'grid': only models that spike have it"),
        (lambda d: d.update(recipe={}), r"field 'recipe': only models that spike have it"),
        (lambda d: d.update(trained_network="x"), r"field 'trained_network': only models that spike have it"),
        (lambda d: d.update(history={"columns": 1, "recipe": None}), r"field 'history': its columns must be columns"),
        (lambda d: d["provenance"].update(seed=-1), r"field 'provenance': seed=-1 must be a whole number from 0"),
        (lambda d: d["provenance"].update(trainings=[{}]), r"field 'provenance': a training is incomplete: .* verb"),
        (lambda d: d.update(network=d["network"].replace("Dense", "Dance")), r"is no operation"),
        (lambda d: d.update(network=d["network"][:50]), r"field 'network': this is no network: not valid JSON"),
        (lambda d: d.update(network="[" * 900), r"field 'network': this is no network: not valid JSON"),
        (lambda d: d.update(network="[" * 90 + "]" * 90), r"this is no network: more than 64 lists and objects"),
        (lambda d: d.update(network="[" * 10**5 + "]" * 10**5), r"this is no network: more than 64 lists and objects"),
        (lambda d: d.update(network=random_network(2).to_json()), r"not a model of this version"),
    ],
)
def test_a_description_that_fits_no_model_is_refused_by_the_name_of_the_file(tmp_path, change, words):
    with_description(tmp_path / "odd.safetensors", change)
    with pytest.raises(ValueError, match=rf"odd\.safetensors: .*{words}"):
        model_files.load_model(tmp_path / "odd.safetensors")


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: whole[:6],
        lambda whole: b"",
        lambda whole: b"PK" + whole,
        lambda whole: b"\xff" * 200,
    ],
)
def test_a_damaged_file_is_refused_by_its_name(tmp_path, damage):
    path = tmp_path / "damaged.safetensors"
    model_files.save_model(random_model(random_network(1), 1), path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"damaged\.safetensors: damaged, or not a file of the workbench .*; save it"):
        model_files.load_model(path)


def spiking(**options) -> dict:
    return {"type": "IntegrateAndFire"} | dataclasses.asdict(wb.IntegrateAndFire()) | options


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"workbench": "{"}, {"workbench": "[]"}])
def test_a_safetensors_file_of_somebody_else_is_refused_by_its_name(tmp_path, metadata):
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors", metadata=metadata)
    with pytest.raises(ValueError, match=r"other\.safetensors: .*not a (file|model) of.* the workbench"):
        model_files.load_model(tmp_path / "other.safetensors")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.safetensors: there is no such file; save a model there"):
        model_files.load_model(tmp_path / "nowhere.safetensors")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path.name}: there is no such file"):
        model_files.load_model(tmp_path)


def test_weights_are_plain_safetensors_under_their_own_names(tmp_path):
    model = some_snn(1)
    model_files.save_model(model, tmp_path / "model.safetensors")
    tensors = load_file(tmp_path / "model.safetensors")
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        name: tensor.shape for name, tensor in model.state_dict().items()
    }


def test_a_recipe_and_scales_of_channels_come_back(tmp_path):
    network = random_network(3, longest=1)
    model = random_model(network, 3).float()
    snn = wb.convert(model, tiny_recordings(3), scale="channel", burst=3, signed=True, floor=None)
    model_files.save_model(snn, tmp_path / "snn.safetensors")
    back = model_files.load_model(tmp_path / "snn.safetensors")
    assert (back.conversion_options, back.conversion_options.reason, back.scales) == (
        snn.conversion_options,
        "as named",
        snn.scales,
    )
    assert back.neuron == snn.neuron
    node = next(n for n in network.nodes if n not in ("in", "out"))
    each = wb.convert(model, tiny_recordings(3), percentile={node: 80})
    model_files.save_model(each, tmp_path / "each.safetensors")
    assert model_files.load_model(tmp_path / "each.safetensors").conversion_options == each.conversion_options


@pytest.mark.parametrize("seed", range(0, 60, 5))
def test_an_snn_keeps_its_grid_and_its_bits(tmp_path, seed):
    snn, ticks = converted(seed)
    model_files.save_model(snn, tmp_path / "snn.safetensors")
    back = model_files.load_model(tmp_path / "snn.safetensors")
    assert back.grid == snn.grid
    assert (back.neuron, back.network) == (snn.neuron, snn.network)
    assert is_exact(back)
    expected = snn.run(ticks, layers=snn, block=1)
    for engine in (None, "dense", "events", "auto"):
        assert all(torch.equal(values, expected[node]) for node, values in back.run(ticks, engine=engine).items())


def test_a_file_of_an_older_version_has_no_grid_and_runs_densely_without_a_warning(tmp_path):
    snn, ticks = converted(0)
    description = model_files.describe(snn)
    del description["grid"], description["neuron"]["saturation"]
    for option in ("saturation", "input_counts", "weight_bits"):
        del description["recipe"][option]
    write_format_1(tmp_path / "old.safetensors", snn.state_dict(), description)
    old = model_files.load_model(tmp_path / "old.safetensors")
    assert old.grid is None
    assert old.neuron.saturation is None
    assert old.stream()._hybrid is None  # "dense", where no other engine is named
    assert torch.equal(old(ticks + 0.5), old.run(ticks + 0.5, engine="dense")["out"])


def test_neurons_that_count_come_back_with_all_that_they_say(tmp_path):
    for emission, remainder, cap in (("spread", "keep", 2), ("burst", None, 9), ("spread", None, None)):
        network = random_network(3, longest=1).streaming()
        given = {"emission": emission, "remainder": remainder, "cap": cap}
        snn = wb.convert(random_model(network, 3).float(), tiny_recordings(3), **given)
        model_files.save_model(snn, tmp_path / "snn.safetensors")
        back = model_files.load_model(tmp_path / "snn.safetensors")
        assert (back.neuron, back.conversion_options) == (snn.neuron, snn.conversion_options)
        assert (back.neuron.emission, back.neuron.remainder, back.neuron.cap) == (emission, remainder or "drop", cap)
        assert_same(back, snn, torch.from_numpy(tiny_recordings(3).as_ticks()))


def keep_as_of_old(snn: wb.Model, path: Path, silence: int, whose: str) -> None:
    """Write an SNN as older versions did, whose neurons, or that of one node, kept silent for some ticks of a frame."""
    description, node = model_files.describe(snn), snn.network.hidden[0]
    description["neurons"] = {node: dict(description["neuron"])} if whose == "one node" else {}
    for its in (description["neuron"], description["recipe"], *description["neurons"].values()):
        for option in ("emission", "remainder", "cap"):
            del its[option]
        its["silence"] = 0
    told = [description["neurons"][node]] if whose == "one node" else [description["neuron"], description["recipe"]]
    for its in told:
        its["silence"] = silence
    write_format_1(path, snn.state_dict(), description)


@pytest.mark.parametrize("whose", ["all", "one node"])
def test_a_file_of_an_older_version_whose_neurons_were_never_silent_loads(tmp_path, whose):
    snn, ticks = converted(0)
    assert snn.neuron.emission == "at_once"
    keep_as_of_old(snn, tmp_path / "old.safetensors", 0, whose)
    old = model_files.load_model(tmp_path / "old.safetensors")
    assert (old.neuron, old.exceptions, old.conversion_options) == (snn.neuron, {}, snn.conversion_options)
    assert torch.equal(old(ticks), snn(ticks))


@pytest.mark.parametrize("whose", ["all", "one node"])
def test_a_file_of_an_older_version_whose_neurons_were_silent_is_refused_with_a_cure(tmp_path, whose):
    keep_as_of_old(converted(0)[0], tmp_path / "old.safetensors", 3, whose)
    words = r'old\.safetensors: .*keep silent until a frame ends.*convert anew with emission="burst"'
    with pytest.raises(ValueError, match=words):
        model_files.load_model(tmp_path / "old.safetensors")


def test_a_file_whose_weights_were_changed_by_hand_says_so_when_it_runs(tmp_path):
    snn, ticks = converted(0)
    tensors = {name: values.clone() for name, values in snn.state_dict().items()}
    tensors["weights.0.0"] *= 1.01
    model_files.save_model(snn, tmp_path / "snn.safetensors")
    description = tensor_files.read_header(tmp_path / "snn.safetensors", "model").description
    tensor_files.write_tensors(tmp_path / "changed.safetensors", "model", tensors, description)
    with pytest.warns(UserWarning, match="were changed after the conversion, so that sums are rounded"):
        model_files.load_model(tmp_path / "changed.safetensors")(ticks)
