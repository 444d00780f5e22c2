"""Verbs take a Dataset wherever they take recordings, and tell the call that would do it for anything else."""

import copy
import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import workbench as wb
from tests.support import tiny
from workbench import widgets
from workbench.analysis.membrane_trace import trace_membrane
from workbench.analysis.recording_trace import trace_recording
from workbench.evaluation import evaluate
from workbench.evaluation.anytime.early_exit import EarlyExit
from workbench.evaluation.anytime.trajectories import run_trajectories
from workbench.exchange import model_files

TRAINING, TEST = tiny.recordings(30), tiny.recordings(9, rate=0.7)
DATASET = wb.Dataset("tiny", TRAINING, TEST, "by hand")
ANN, SNN = tiny.ann(), tiny.snn()
OPTIONS = {"epochs": 1, "progress": False, "batch": 8}


def some_exit() -> EarlyExit:
    return wb.calibrate_exit(ANN, TRAINING, loss=0.5, certainty=0.5)


# every verb of one model and recordings, and which part of a Dataset it takes
VERBS = {
    "train": (lambda model, data: wb.train(model, data, **OPTIONS)[1], ANN, TRAINING),
    "fine_tune": (lambda model, data: wb.fine_tune(model, data, **OPTIONS)[1], SNN, TRAINING),
    "convert": (lambda model, data: wb.convert(model, data, percentile=99.9).state_dict(), ANN, TRAINING),
    "operations": (wb.operations, SNN, TEST),
    "count_updates": (wb.count_updates, SNN, TEST),
    "count_confusions": (wb.count_confusions, SNN, TEST),
    "evaluate": (evaluate, SNN, TEST),
    "trace_recording": (lambda model, data: trace_recording(model, data, recording=2).costs, SNN, TEST),
    "calibrate_exit": (
        lambda model, data: repr(wb.calibrate_exit(model, data, loss=0.5, certainty=0.5)),
        SNN,
        TEST,
    ),
    "diagnose": (lambda model, data: wb.diagnose(ANN, model, data), SNN, TEST),
    "compare": (lambda model, data: wb.compare({"one": model}, data), SNN, TEST),
}
EXITS = {"stop": EarlyExit.stop, "sweep": EarlyExit.sweep, "summarise": EarlyExit.summarise}


def assert_same(one, other):
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        assert all(torch.equal(torch.as_tensor(one[key]), torch.as_tensor(other[key])) for key in one)
    else:
        assert one == other


@pytest.mark.parametrize("verb", VERBS)
def test_a_dataset_is_taken_by_every_verb(verb):
    act, model, part = VERBS[verb]
    expected, found = act(model, part), act(model, DATASET)
    if isinstance(found, pd.DataFrame) and "split" in expected.attrs:
        assert found.attrs["split"] == "by hand"
    assert_same(found, expected)


@pytest.mark.parametrize("name", EXITS)
def test_an_early_exit_takes_the_test_part(name):
    early = some_exit()
    assert_same(EXITS[name](early, DATASET), EXITS[name](early, TEST))
    with pytest.raises(ValueError, match=rf"EarlyExit\.{name} takes wb\.Recordings or a wb\.Dataset, not a Tensor"):
        EXITS[name](early, torch.zeros(4, 2, 2, 3, 3))


NOT_MODELS = {
    "network": (tiny.network(), r"not a Network; give it numbers: wb\.Model\(network, seed=0\)"),
    "recordings": (TEST, r"not a Recordings; the model comes first: (wb\.)?\w+\(model, recordings\)"),
    "dataset": (DATASET, r"not a Dataset; the model comes first: (wb\.)?\w+\(model, recordings\)"),
    "module": (torch.nn.Sequential(torch.nn.ReLU()), r"not a Sequential; describe it as a graph .*wb\.Model\(wb\.Netw"),
    "pair": ((ANN, None), r"not a tuple; wb\.train returns a model and its history: ann, history = wb\.train"),
    "list": ([ANN, SNN], r"not a list; it takes one at a time: \{name: (wb\.)?\w+\(model, recordings\) for name"),
    "dict": ({"ANN": ANN}, r"not a dict; it takes one at a time: \{name: "),
    "path": (Path("model.safetensors"), r"not a \w*Path; read it first: wb\.load_model\(path\)"),
    "text": ("model.safetensors", r"not a str; read it first"),
    "nothing": (None, r"not None; make one by wb\.Model\(wb\.Network\(inputs, edges\)\)"),
}


@pytest.mark.parametrize("wrong", NOT_MODELS)
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_no_model_is_told_the_call_that_would_do_it(verb, wrong):
    given, words = NOT_MODELS[wrong]
    with pytest.raises(ValueError, match=rf"(wb\.)?{verb} takes a wb\.Model, {words}"):
        VERBS[verb][0](given, TEST)


LOADER = DataLoader(TensorDataset(torch.zeros(4, 2), torch.zeros(4)))
NOT_RECORDINGS = {
    "model": (ANN, r"not a Model; the recordings come after the model: (wb\.)?\w+\(model, recordings\)"),
    "network": (tiny.network(), r"not a Network; the recordings come after the model"),
    "module": (torch.nn.ReLU(), r"not a ReLU; the recordings come after the model"),
    "tensor": (
        torch.zeros(4, 2, 2, 3, 3),
        r"not a Tensor of shape \(4, 2, 2, 3, 3\); make .*wb\.Recordings\.",
    ),
    "array": (np.zeros((4, 2)), r"not an ndarray of shape \(4, 2\); make recordings .*wb\.Recordings\.from_ticks\("),
    "loader": (LOADER, r"not a DataLoader; load what it draws from: wb\.load\(loader\.dataset\)"),
    "nothing": (None, r"not None; load some: wb\.load\(name, folder\)"),
    "text": ("digits", r"not a str; load them first: wb\.load\(\.\.\.\) takes names, folders"),
    "set": (TensorDataset(torch.zeros(2)), r"not a TensorDataset; load them first: wb\.load\(\.\.\.\)"),
    "list": ([TEST], r"not a list; load them first"),
}


@pytest.mark.parametrize("wrong", NOT_RECORDINGS)
@pytest.mark.parametrize("verb", VERBS)
def test_what_are_no_recordings_is_told_the_call_that_would_do_it(verb, wrong):
    given, words = NOT_RECORDINGS[wrong]
    with pytest.raises(ValueError, match=rf"(wb\.)?{verb} takes wb\.Recordings or a wb\.Dataset, {words}"):
        VERBS[verb][0](VERBS[verb][1], given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (ANN, r'takes models by name, not one alone; give wb\.compare\(\{"model": model\}, recordings\)'),
        (
            [ANN, SNN],
            r'takes a dict of models by name, not a list; give wb\.compare\(\{"first": first, "second": second',
        ),
        ((ANN, None), r'takes a dict of models by name, not a tuple; give wb\.compare\(\{"ANN": ann\}, recordings\)'),
        (tiny.network(), r'takes a dict of models by name, not a Network; give wb\.compare\(\{"ANN": ann\}'),
        ({}, r'no models; give at least one, as \{"ANN": ann\}'),
        (None, "takes a dict of models by name, not None"),
    ],
    ids=["model", "list", "pair", "network", "none", "nothing"],
)
def test_compare_wants_models_by_name(given, words):
    with pytest.raises(ValueError, match=rf"wb\.compare:? {words}"):
        wb.compare(given, TEST)


def test_validation_is_held_back_and_never_the_test_part():
    with pytest.raises(
        ValueError, match=r"validation is a Dataset, .*held_back, seen = dataset\.train\.split\(0\.2, seed=0\)"
    ):
        wb.train(ANN, DATASET, validation=DATASET, **OPTIONS)
    with pytest.raises(ValueError, match=r"wb\.train\(validation=\.\.\.\) takes wb\.Recordings or .*, not a list"):
        wb.train(ANN, DATASET, validation=[TEST], **OPTIONS)
    held_back, seen = TRAINING.split(0.3, seed=0)
    assert "validation_accuracy" in wb.train(ANN, seen, validation=held_back, **OPTIONS)[1]


def test_a_model_wants_a_network():
    with pytest.raises(ValueError, match=r"Model takes a wb\.Network, not a Sequential; give wb\.Network\("):
        wb.Model(torch.nn.Sequential())


# options that other tools call otherwise


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: wb.Conv(16, kernel_size=3),
            r"Conv has no option kernel_size; use kernel=: Conv\(channels=\.\.\., k",
        ),
        (
            lambda: wb.Conv1d(16, 3, padding_mode="reflect"),
            r"Conv1d has no option padding_mode; leave it out, for all beyond the border is 0: .*, groups=1",
        ),
        (lambda: wb.Conv(in_channels=2, out_channels=4, kernel=3), r"no option in_channels; leave it out.* kernel="),
        (lambda: wb.Conv(out_channels=4, kernel=3), r"no option out_channels; use channels=: Conv\(channels="),
        (lambda: wb.Conv(4, 3, bias=False), "no option bias; leave it out, for nodes have biases"),
        (lambda: wb.Conv(4, 3, dilation=2), "no option dilation; use a larger kernel, or Pool before it in a Chain"),
        (lambda: wb.Conv(4, 3, depth_multiplier=2), "depth_multiplier; use groups= the channels of the source, and ch"),
        (lambda: wb.Dense(in_features=3, out_features=4), "Dense has no option in_features; leave it out"),
        (lambda: wb.Dense(out_features=4), r"Dense has no option out_features; use units=: Dense\(units="),
        (lambda: wb.Pool(kernel_size=2), r"Pool has no option kernel_size; use kernel=: Pool\(kernel="),
        (lambda: wb.Pool(2, stride=2), "Pool has no option stride; leave it out, for squares do not overlap"),
        (lambda: wb.Pool(output_size=1), r"no option output_size; use GlobalPool\(\), or a kernel that divides"),
        (
            lambda: wb.GlobalPool(kernel=2),
            r"no option kernel; leave it out.*or use Pool\(kernel\): GlobalPool\(",
        ),
        (lambda: wb.Identity(size=3), r"Identity has no option size; leave it out: Identity\(\)"),
        (lambda: wb.Chain(wb.Pool(2), kernel=3), r"Chain has no option kernel; leave it out: Chain\(\*operations\)"),
    ],
)
def test_options_of_other_tools_are_told_what_they_are_here(make, words):
    with pytest.raises(ValueError, match=words):
        make()
    with pytest.raises(TypeError, match=words):  # as Python has it for any unknown option
        make()


@pytest.mark.parametrize(
    "operation",
    [
        wb.Conv(4, 3, stride=2),
        wb.Conv(4, (2, 3), padding=(0, 1), groups=2),
        wb.Conv1d(4, 3, groups=4),
        wb.Dense(3),
        wb.Pool((2, 1)),
        wb.GlobalPool(),
        wb.Identity(),
        wb.Chain(wb.Pool(2), wb.Dense(3)),
    ],
)
def test_operations_are_copied_and_replaced_as_values(operation):
    assert copy.deepcopy(operation) == operation
    assert pickle.loads(pickle.dumps(operation)) == operation
    if not isinstance(operation, wb.Chain):
        assert dataclasses.replace(operation) == operation


# batches


BATCHED = {
    "compare": lambda batch: wb.compare({"SNN": SNN}, TEST, batch=batch),
    "operations": lambda batch: wb.operations(SNN, TEST, batch=batch),
    "count_updates": lambda batch: wb.count_updates(SNN, TEST, batch=batch),
    "count_confusions": lambda batch: wb.count_confusions(SNN, TEST, batch=batch),
    "diagnose": lambda batch: wb.diagnose(ANN, SNN, TEST, batch=batch).round(6),
    "courses": lambda batch: run_trajectories(SNN, TEST, batch=batch).counts,
    "evaluate": lambda batch: {name: round(value, 6) for name, value in evaluate(SNN, TEST, batch=batch).items()},
    "convert": lambda batch: repr(wb.convert(ANN, TRAINING, batch=batch).conversion_options.percentile),
}


@pytest.mark.parametrize("verb", BATCHED)
def test_any_batch_gives_the_same_and_one_that_is_none_is_refused(verb):
    expected = BATCHED[verb](None)
    for batch in (1, 4, np.int64(100)):
        assert_same(BATCHED[verb](batch), expected)
    for batch in (0, 2.5, -1):
        with pytest.raises(ValueError, match=rf"batch={batch} must be a whole number of at least 1"):
            BATCHED[verb](batch)


NETWORK, ROLLOUT = tiny.network(), wb.Rollout(tiny.network(), 3)
OF_GRAPHS = {
    "wb.Model": (
        wb.Model,
        ANN,
        r"wb\.Model takes a wb\.Network, not a Model; give its graph: wb\.Model\(model\.network\)",
    ),
    "wb.Rollout": (
        lambda given: wb.Rollout(given, 3),
        ANN,
        r"wb\.Rollout takes a wb\.Network, not a Model; give its graph: wb\.Rollout\(model\.network, frames\)",
    ),
    "figures.network": (
        wb.figures.network,
        ANN,
        r"takes a wb\.Network, not a Model; .* figures\.network\(model\.network\)",
    ),
    "figures.network, rollout": (
        wb.figures.network,
        ROLLOUT,
        r"not a Rollout; .* figures\.network\(rollout\.network\)",
    ),
    "figures.rollout": (
        wb.figures.rollout,
        NETWORK,
        r"takes a wb\.Rollout, not a Network; unroll first: figures\.rollout\(wb\.Rollout\(network, frames=6\)\)",
    ),
    "figures.rollouts": (
        lambda given: wb.figures.rollouts(ROLLOUT, given),
        ANN,
        r"takes a wb\.Rollout, not a Model; unroll first: figures\.rollouts\(wb\.Rollout\(model\.network, frames=6\)\)",
    ),
    "figures.tableau": (wb.figures.tableau, NETWORK, r"figures\.tableau takes a wb\.Rollout, not a Network"),
    "widgets.rollouts": (widgets.rollouts, ANN, r"widgets\.rollouts takes a wb\.Network, not a Model"),
    "save_model": (
        lambda given: model_files.save_model(given, "m"),
        NETWORK,
        r"wb\.save_model takes a wb\.Model, not a Network",
    ),
    "trace_membrane": (
        lambda given: trace_membrane(given, {}, "hidden", 0),
        NETWORK,
        r"trace_membrane takes a wb\.Model, not a Network",
    ),
}


@pytest.mark.parametrize("verb", OF_GRAPHS)
def test_a_graph_where_a_model_is_wanted_and_the_other_way_round(verb):
    act, given, words = OF_GRAPHS[verb]
    with pytest.raises(ValueError, match=words):
        act(given)


PANELS = {
    "explore": (lambda model, data: widgets.explore(model, data), ANN),
    "compare": (lambda models, data: widgets.compare(models, data), {"ANN": ANN, "SNN": SNN}),
    "operations": (lambda models, data: widgets.operations(models, data), {"ANN": ANN}),
    "convert": (lambda model, data: widgets.convert(model, data, limit=4), ANN),
    "training": (lambda model, data: widgets.training(model, data, epochs=1), ANN),
}


@pytest.mark.parametrize("panel", PANELS)
def test_panels_take_a_dataset_and_tell_what_else_they_want(panel):
    act, models = PANELS[panel]
    with pytest.raises(ValueError, match=rf"widgets\.{panel} takes wb\.Recordings or a wb\.Dataset, not a Tensor"):
        act(models, torch.zeros(3, 2))
    with pytest.raises(
        ValueError, match=rf"widgets\.{panel} takes a .*wb\.Model|widgets\.{panel} takes a dict of models"
    ):
        act(NETWORK, DATASET)
    opened = act(models, DATASET)
    if panel == "training":
        opened.result()
    assert not opened.table.empty
    opened.close()


def test_a_player_takes_a_dataset():
    opened = widgets.player(DATASET)
    assert opened.recordings is DATASET.test
    opened.close()
    with pytest.raises(ValueError, match=r"widgets\.player takes wb\.Recordings or a wb\.Dataset, not a Model"):
        widgets.player(ANN)
