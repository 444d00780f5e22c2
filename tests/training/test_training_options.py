"""The options of a training that papers use: each does what it says, all resume bit for bit, all refuse in words."""

import functools
import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

import workbench as wb
from tests.support.random_networks import random_frames, random_network
from tests.support.trainings import OPTIONS, SHAPE, assert_equal_models, interrupt, some_network, some_recordings
from workbench.evaluation import evaluate
from workbench.model.exactness import find_off_grid
from workbench.training import fitting, train
from workbench.training.averaging import follow
from workbench.training.checkpoints import TrainingState
from workbench.training.drawn_batches import draw_batches
from workbench.training.dropout import DropoutLayers
from workbench.training.losses import find_training_loss
from workbench.training.named_functions import describe_function, name_function
from workbench.training.optimizer_state import find_state
from workbench.training.optimizers import OPTIMIZERS, make_optimizer
from workbench.training.options import TrainingOptions
from workbench.training.schedule import SCHEDULES, learning_rate_at
from workbench.training.selection import find_best

t = wb.transforms
AUGMENT = [t.Shift(1), t.Drop(0.2), t.Mix(0.4)]


def last_answer(answers, labels):
    return F.cross_entropy(answers[-1], labels)


def options(**given) -> TrainingOptions:
    return TrainingOptions(6, 14, 4e-3, 1e-2, "running", 0, **given)


ALL = {
    "augment": AUGMENT, "dropout": 0.2, "loss": last_answer, "optimizer": "sgd", "schedule": "cosine", "select": 0.2,
    "patience": 5, "average": 0.9, "noise": 0.1, "spike_cost": 0.01, "levels": 3,
}  # fmt: skip
FACTORIES = {
    "sgd without momentum": torch.optim.SGD,
    "partial": functools.partial(torch.optim.SGD, momentum=0.5),
    "lambda": lambda groups, lr: torch.optim.Adagrad(groups, lr),
    "adadelta": torch.optim.Adadelta,
    "rprop": torch.optim.Rprop,
    "asgd": torch.optim.ASGD,
    "amsgrad": functools.partial(torch.optim.AdamW, amsgrad=True),
}


BY_NAME = {name: name for name in OPTIMIZERS} | FACTORIES
RESUMED = {name: {"optimizer": one} for name, one in BY_NAME.items()}
RESUMED |= {"all": ALL, "augment": {"augment": AUGMENT}, "average": {"average": 0.95}}


@pytest.mark.parametrize("batches", [2, 9, 13])
@pytest.mark.parametrize("given", RESUMED.values(), ids=RESUMED)
def test_it_resumes_bit_for_bit(tmp_path, monkeypatch, given, batches):
    model, recordings, checkpoint = wb.Model(some_network(True)), some_recordings(), tmp_path / "checkpoint"
    whole, history = train(model, recordings, **OPTIONS | given)
    with monkeypatch.context() as patch:
        interrupt(patch, after=batches)
        with pytest.warns(UserWarning, match="training was interrupted"):
            train(model, recordings, checkpoint=checkpoint, **OPTIONS | given)
    assert checkpoint.exists() == (batches >= 3)
    resumed, continued = train(model, recordings, checkpoint=checkpoint, **OPTIONS | given)
    assert_equal_models(resumed, whole)
    pd.testing.assert_frame_equal(continued, history, check_exact=True)
    assert continued.attrs == history.attrs


@pytest.mark.parametrize("name", ALL)
def test_a_checkpoint_of_other_options_is_another_training(tmp_path, name):
    call = {**OPTIONS, "epochs": 1, "checkpoint": tmp_path / "checkpoint"}
    train(wb.Model(some_network()), some_recordings(), **call)
    with pytest.raises(ValueError, match=rf"checkpoint of another training \(it differs in .*\b{name}\b"):
        train(wb.Model(some_network()), some_recordings(), **call | {name: ALL[name]})


def test_all_options_show_in_history_and_model_and_are_saved(tmp_path):
    ann, history = train(wb.Model(some_network()), some_recordings(), **OPTIONS | ALL)
    recipe = history.attrs["recipe"]
    changes = "augment=[Shift(pixels=1), Drop(probability=0.2), Mix(alpha=0.4)]"
    how = "optimizer='sgd'", "schedule='cosine'", "select=0.2", "patience=5", "average=0.9", "last_answer"
    for words in ("epochs=6", changes, "dropout=0.2", *how):
        assert words in recipe
    assert f"trained with {recipe}" in repr(ann)
    wb.save_model(ann, tmp_path / "ann.safetensors")
    assert repr(wb.load_model(tmp_path / "ann.safetensors")) == repr(ann)
    plain, history = train(wb.Model(some_network()), some_recordings(), **OPTIONS)
    assert history.attrs["recipe"] is None
    assert "trained" not in repr(plain)


@pytest.mark.parametrize("emission", ["at_once", "spread"])
def test_an_snn_is_fine_tuned_with_all_of_them(tmp_path, emission):
    recordings = some_recordings()
    ann, _ = train(wb.Model(some_network()), recordings, **OPTIONS)
    snn = wb.convert(ann, recordings, ticks_per_frame=4, emission=emission, percentile=99.0, progress=False)
    asked = {"epochs": 3, "batch": 14, "progress": False} | {name: ALL[name] for name in ALL if name != "levels"}
    tuned, history = wb.fine_tune(snn, recordings, **asked)
    assert tuned.spiking
    assert find_off_grid(tuned, tuned.grid) is None
    assert "augment=[Shift(pixels=1)" in history.attrs["recipe"]
    again, same = wb.fine_tune(snn, recordings, checkpoint=tmp_path / "checkpoint", **asked)
    assert_equal_models(tuned, again)
    assert same.equals(history)


# augmentation


def test_every_epoch_is_drawn_anew_and_the_last_batch_is_no_exception():
    model, recordings = wb.Model(some_network()), some_recordings(count=41)
    drawn = [
        [
            batch.ticks.sum((0, 2, 3, 4)).tolist()
            for _, (batch,) in draw_batches(model, recordings, options(augment=[t.Drop(0.5)]), epoch)
        ]
        for epoch in range(3)
    ]
    assert [len(batch) for batch in drawn[0]] == [14, 14, 13]
    assert len({str(batches) for batches in drawn}) == 3
    plain = sorted(float(count) for count in recordings.as_frames().sum((0, 2, 3, 4)))
    every = sorted(count for batch in drawn[0] for count in batch)
    assert sum(every) == pytest.approx(sum(plain) / 2, abs=5 * (sum(plain) / 4) ** 0.5)


def note_evaluated(monkeypatch) -> list[wb.Recordings]:
    seen = []

    def noted(model, given, **asked):
        seen.append(given)
        return evaluate(model, given, **asked)

    monkeypatch.setattr(fitting, "evaluate", noted)
    return seen


def test_validation_and_selection_see_recordings_as_they_are(monkeypatch):
    seen = []
    monkeypatch.setattr(
        fitting, "evaluate", lambda model, given, **o: (seen.append(given), evaluate(model, given, **o))[1]
    )
    recordings, validation = some_recordings(), some_recordings(1)
    train(wb.Model(some_network()), recordings, validation, augment=[t.Drop(0.9)], **OPTIONS)
    assert all(given is validation for given in seen)
    seen.clear()
    train(wb.Model(some_network()), recordings, augment=[t.Drop(0.9)], select=0.34, **OPTIONS)
    held_back, _ = recordings.split(0.34, 0)
    assert len(seen) == 6
    assert all(given.as_frames().tobytes() == held_back.as_frames().tobytes() for given in seen)


def test_the_test_part_of_a_dataset_is_never_looked_at(monkeypatch):
    seen = []
    monkeypatch.setattr(
        fitting, "evaluate", lambda model, given, **o: (seen.append(given), evaluate(model, given, **o))[1]
    )
    dataset = wb.Dataset("some", some_recordings(), some_recordings(1), "at random")
    train(wb.Model(some_network()), dataset, select="best", **OPTIONS)
    held_back, _ = dataset.train.split(0.1, 0)
    assert {len(given) for given in seen} == {len(held_back)}
    assert all(given.as_frames().tobytes() == held_back.as_frames().tobytes() for given in seen)


def test_augmentation_does_not_touch_the_recordings():
    recordings = some_recordings()
    before = recordings.as_frames().tobytes()
    train(wb.Model(some_network()), recordings, augment=AUGMENT, **OPTIONS)
    assert recordings.as_frames().tobytes() == before


def test_an_error_while_a_batch_is_drawn_ends_the_training():
    with pytest.raises(ValueError, match=r"Unsigned.* has p = 1, outside 0 to 0"):
        train(wb.Model(some_network()), some_recordings(), augment=[t.Unsigned()], **OPTIONS)


def test_a_mixed_loss_is_that_of_both_labels_in_proportion():
    model, recordings = wb.Model(some_network(), norm=None), some_recordings()
    for given in ({}, {"label_smoothing": 0.2}, {"loss": last_answer}):
        asked = options(augment=[t.Mix(1.0)], **given)
        _, (drawn,) = next(iter(draw_batches(model, recordings, asked, 0)))
        loss, answers = fitting._find_loss(model, drawn, asked, (0, 0))
        one, other = (
            find_training_loss(answers, labels, asked.loss, asked.label_smoothing)
            for labels in (drawn.labels, drawn.other_labels)
        )
        assert 0.5 <= drawn.share < 1
        torch.testing.assert_close(loss, drawn.share * one + (1 - drawn.share) * other)


# the loss


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.6])
def test_smoothed_labels_are_those_of_the_definition(smoothing):
    generator = torch.Generator().manual_seed(0)
    answers, labels = torch.randn(5, 7, 4, generator=generator), torch.randint(0, 4, (7,), generator=generator)
    targets = torch.full((7, 4), smoothing / 4)
    targets[torch.arange(7), labels] += 1 - smoothing
    expected = -(targets * torch.log_softmax(answers, 2)).sum(2).mean()
    torch.testing.assert_close(find_training_loss(answers, labels, None, smoothing), expected)


def test_a_loss_of_ones_own_is_learned():
    model, recordings = wb.Model(some_network()), some_recordings()
    calls = []

    def loss(answers, labels):
        calls.append((tuple(answers.shape), tuple(labels.shape)))
        return last_answer(answers, labels)

    ann, history = train(model, recordings, loss=loss, **OPTIONS | {"epochs": 12})
    assert set(calls) == {((2, 14, 3), (14,))}  # the output answers from the third of four frames on
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] / 2
    assert evaluate(ann, recordings)["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda a, y: a[-1], r"loss=.*<lambda> gave a tensor of shape \(14, 3\); let it give one number, such as its"),
        (lambda a, y: 0.5, r"loss=.*<lambda> gave a float; let it give a tensor of torch, computed of the answers"),
        (lambda a, y: a.detach().mean(), r"gave a number without a gradient; compute it of the answers by torch, wit"),
        (lambda a, y: a.mean() * math.nan, r"the loss became nan in epoch 1, batch 1; mend loss=.*<lambda>, or lower"),
        (lambda a, y: a.mean() / 0, r"the loss became -?inf in epoch 1, batch 1; mend loss=.*<lambda>, or lower lear"),
    ],
)  # fmt: skip
def test_a_loss_that_is_none_is_refused(loss, words):
    with pytest.raises(ValueError, match=words):
        train(wb.Model(some_network()), some_recordings(), loss=loss, **OPTIONS)


# optimizers


@pytest.mark.parametrize("optimizer", BY_NAME.values(), ids=BY_NAME)
def test_every_optimizer_learns_with_the_learning_rate_and_the_decay_given(optimizer):
    model = wb.Model(some_network(), norm=None, neuron=wb.QuantisedReLU(4))
    made = make_optimizer(model, optimizer, 0.0625, 0.03)
    assert [group["lr"] for group in made.param_groups] == [0.0625, 0.0625]
    assert [group["weight_decay"] for group in made.param_groups] == [0.03, 0.0]
    ceilings = {id(parameter) for parameter in model.log_ceilings.parameters()}
    assert {id(parameter) for parameter in made.param_groups[1]["params"]} == ceilings
    _, history = train(wb.Model(some_network()), some_recordings(), optimizer=optimizer, learning_rate=0.02, **OPTIONS)
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]


def test_adamw_by_name_is_the_default():
    first, _ = train(wb.Model(some_network()), some_recordings(), **OPTIONS)
    second, _ = train(wb.Model(some_network()), some_recordings(), optimizer=torch.optim.AdamW, **OPTIONS)
    assert_equal_models(first, second)


def test_what_an_optimizer_remembers_is_found_by_trying():
    assert set(find_state("adamw")) == {"step", "exp_avg", "exp_avg_sq"}
    assert find_state(torch.optim.SGD) == {}


class Remembering(torch.optim.SGD):
    """An optimizer with a state that is no tensor."""

    def step(self, closure=None):
        super().step()
        for group in self.param_groups:
            for parameter in group["params"]:
                self.state[parameter]["seen"] = [1, 2]


def test_a_state_that_no_file_can_hold_is_refused_at_the_checkpoint(tmp_path):
    ann, _ = train(wb.Model(some_network()), some_recordings(), optimizer=Remembering, **OPTIONS)
    assert not ann.training
    with pytest.raises(
        ValueError, match=r"Remembering remembers seen as a list, which a checkpoint cannot hold; leave"
    ):
        train(
            wb.Model(some_network()), some_recordings(), optimizer=Remembering, checkpoint=tmp_path / "new", **OPTIONS
        )


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        ("lion", r"optimizer='lion' is unknown; choose from adamw, adam, .*, or give a factory of one of torch's, su"),
        (3, r"optimizer=3 is unknown"),
        (lambda groups: None, r"optimizer=.*<lambda> could not be made as .*\(groups, lr=0.004\) \(.*'lr'\); give a"),
        (lambda groups, lr: 7, r"optimizer=.*<lambda> gave a int, no optimizer of torch; give a factory"),
        (torch.optim.LBFGS, r"optimizer=LBFGS could not be made|optimizer=LBFGS computes the loss several times a st"),
    ],
)  # fmt: skip
def test_an_optimizer_that_is_none_is_refused(optimizer, words):
    with pytest.raises(ValueError, match=words):
        train(wb.Model(some_network()), some_recordings(), optimizer=optimizer, **OPTIONS)


# schedules


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_stay_between_nothing_and_the_peak(name):
    shares = [learning_rate_at(done, 1.0, name) for done in np.linspace(0, 1, 101)]
    assert min(shares) >= 0
    assert max(shares) == pytest.approx(1)
    after = shares[10 if name == "one_cycle" else 0 :]
    assert all(later <= before + 1e-12 for before, later in pairwise(after))


def test_the_optimizer_gets_what_the_schedule_says(monkeypatch):
    rates, find = [], fitting._find_loss

    def noted(model, drawn, asked, where):
        rates.append(where)
        return find(model, drawn, asked, where)

    asked: list[float] = []
    monkeypatch.setattr(fitting, "_find_loss", noted)
    train(
        wb.Model(some_network()), some_recordings(), schedule=lambda done: (asked.append(done), 1 - done / 2)[1],
        **OPTIONS | {"epochs": 2},
    )  # fmt: skip
    assert asked == pytest.approx([number / 6 for number in range(6)])
    assert len(rates) == 6


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (
            "plateau",
            r"schedule='plateau' is unknown; choose from one_cycle, cosine, linear, constant, step, or give a fun",
        ),
        (lambda done: -1.0, r"schedule gave -1.0 when 0 of the training was done; let it give a share of the learning"),
        (lambda done: float("nan"), r"schedule gave nan when"),
        (lambda done: "high", r"schedule gave 'high' when"),
    ],
)
def test_a_schedule_that_is_none_is_refused(schedule, words):
    with pytest.raises(ValueError, match=words):
        train(wb.Model(some_network()), some_recordings(), schedule=schedule, **OPTIONS)


# which epoch


def follow_epochs(monkeypatch, accuracies):
    """Validation accuracies as told, and a copy of the model after every epoch."""
    scores, seen = iter(accuracies), []

    def scored(model, given, answer, progress):
        seen.append(model.copy())
        return {"loss": 1.0, "accuracy": next(scores)}

    monkeypatch.setattr(fitting, "evaluate", scored)
    return seen


@pytest.mark.parametrize("select", ["last", "best", None, 0.2])
def test_the_epoch_that_is_asked_for_is_returned(monkeypatch, select):
    seen = follow_epochs(monkeypatch, [0.2, 0.5, 0.9, 0.6, 0.3, 0.8])
    validation = None if select == 0.2 else some_recordings(1)
    ann, history = train(wb.Model(some_network()), some_recordings(), validation, select=select, **OPTIONS)
    best = select in ("best", 0.2)
    assert_equal_models(ann, seen[2 if best else 5])
    if best:
        assert history["selected"].tolist() == [False, False, True, False, False, False]
    else:
        assert "selected" not in history


@pytest.mark.parametrize(("patience", "epochs"), [(1, 4), (2, 5), (3, 6), (None, 6)])
def test_patience_ends_a_training_that_gets_no_better(monkeypatch, patience, epochs):
    seen = follow_epochs(monkeypatch, [0.2, 0.5, 0.9, 0.6, 0.3, 0.8])
    ann, history = train(wb.Model(some_network()), some_recordings(), some_recordings(1), patience=patience, **OPTIONS)
    assert len(history) == epochs
    assert_equal_models(ann, seen[2 if patience else 5])


def test_a_training_that_has_ended_early_is_read_from_its_checkpoint(tmp_path, monkeypatch):
    follow_epochs(monkeypatch, [0.9, 0.5, 0.4])
    call = {**OPTIONS, "patience": 2, "checkpoint": tmp_path / "checkpoint"}
    ann, history = train(wb.Model(some_network()), some_recordings(), some_recordings(1), **call)
    assert len(history) == 3
    interrupt(monkeypatch, after=0)
    again, same = train(wb.Model(some_network()), some_recordings(), some_recordings(1), **call)
    assert_equal_models(again, ann)
    assert same.equals(history)


def test_the_first_of_equals_is_the_best():
    rows = [{"loss": 3.0, "validation_accuracy": 0.5}, {"loss": 1.0, "validation_accuracy": 0.9},
            {"loss": 1.0, "validation_accuracy": 0.9}, {"loss": 0.1, "validation_accuracy": 0.8}]  # fmt: skip
    assert find_best(rows) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"select": "test"}, r"select='test' is unknown; choose from last, best, or give the share of the training"),
        ({"select": 1.5}, r"select=1.5 is unknown"),
        ({"select": 3}, r"select=3 is unknown"),
        ({"select": 0.2, "validation": some_recordings(1)}, r'select=0.2 holds back a part .* but validation is give'),
        ({"select": 0.999}, r"select=0.999: 0.999 of the 42 training recordings cannot be held back"),
        ({"patience": 0}, r"patience=0 must be a whole number of at least 1"),
        ({"average": 1.0}, r"average=1.0 must be the share of the average that a batch keeps, between 0 and 1"),
        ({"dropout": 1.0}, r"dropout=1.0 must be a share from 0 to less than 1"),
        ({"label_smoothing": -0.1}, r"label_smoothing=-0.1 must be a share from 0 to less than 1"),
        ({"label_smoothing": 0.1, "loss": last_answer}, r"label_smoothing=0.1 smooths .* but loss=last_answer is giv"),
        ({"loss": "mse"}, r"loss='mse' is no function of answers and labels; give one, such as"),
        ({"augment": "Shift"}, r"augment='Shift' is no list of transforms"),
        ({"augment": [t.Crop(2, 2)]}, r"augment: Crop\(.*\) makes a sensor \(2, 2\) of \(4, 4\)"),
    ],
)  # fmt: skip
def test_options_that_make_no_training_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        train(wb.Model(some_network()), some_recordings(), **OPTIONS | given)


# averages


def test_an_average_follows_by_its_share_and_begins_fast():
    average, model = wb.Model(some_network(), seed=0), wb.Model(some_network(), seed=1)
    expected = {name: value.clone() for name, value in average.state_dict().items()}
    for batches in range(1, 60):
        follow(average, model, 0.8, batches)
        share = min(0.8, (1 + batches) / (10 + batches))
        for name, value in model.state_dict().items():
            expected[name] = share * expected[name] + (1 - share) * value if value.is_floating_point() else value
    for name, value in average.state_dict().items():
        torch.testing.assert_close(value, expected[name])


def test_an_averaged_training_learns_the_same_and_returns_the_average(monkeypatch):
    learned, init = [], TrainingState.note
    monkeypatch.setattr(
        TrainingState, "note", lambda state, row: (init(state, row), learned.append(state.model.copy()))[0]
    )
    plain, history = train(wb.Model(some_network()), some_recordings(), **OPTIONS)
    average, same = train(wb.Model(some_network()), some_recordings(), average=0.9, **OPTIONS)
    assert_equal_models(plain, learned[-1])
    assert history.equals(same)  # of the model that is learned
    assert not torch.equal(average.weights[0][0], plain.weights[0][0])
    assert evaluate(average, some_recordings())["accuracy"] > 0.6


# dropout


@pytest.mark.parametrize("seed", range(30))
def test_what_is_dropped_is_dropped_in_every_step_and_the_rest_is_louder(seed):
    network = random_network(seed)
    model, frames = (
        wb.Model(network, seed=seed, norm=None).double(),
        random_frames(network, seed, steps=7, batch=3).double(),
    )
    layers = DropoutLayers(model, model, 0.4, seed)
    activity = model.run(frames, layers=layers)
    plain, first = model.run(frames), network.first_response
    for node in network.hidden:
        mask = layers._kept[node]
        assert mask.shape == activity[node].shape[1:]
        assert set(mask.unique().tolist()) <= {0.0, 1 / 0.6}
        assert (activity[node][:, mask == 0] == 0).all()
    assert set(layers._kept) == set(network.hidden)
    earliest = min(network.hidden, key=first.__getitem__)  # which no dropped unit has reached yet
    if all(network.edges[p].source in network.inputs for p in network.incoming(earliest)):
        torch.testing.assert_close(activity[earliest], plain[earliest] * layers._kept[earliest])
    again = model.run(frames, layers=DropoutLayers(model, model, 0.4, seed), block=2)
    for node in network.nodes:
        torch.testing.assert_close(again[node], activity[node])


def test_dropout_is_of_the_seed_and_absent_where_nothing_is_learned():
    first, _ = train(wb.Model(some_network()), some_recordings(), dropout=0.5, **OPTIONS)
    torch.manual_seed(99)
    second, _ = train(wb.Model(some_network()), some_recordings(), dropout=0.5, **OPTIONS)
    other, _ = train(wb.Model(some_network()), some_recordings(), dropout=0.5, seed=1, **OPTIONS)
    assert_equal_models(first, second)
    assert not torch.equal(first.weights[0][0], other.weights[0][0])
    frames = torch.ones(4, 2, *SHAPE)
    assert torch.equal(first(frames), first(frames))


def test_dropout_cannot_be_recomputed():
    model = wb.Model(some_network(), norm=None)
    with pytest.raises(
        ValueError, match=r"recompute=2 computes the same steps twice, and dropout=0.5 is not known there"
    ):
        train(model, some_recordings(), recompute=2, dropout=0.5, **OPTIONS)


# names of functions


def test_functions_are_called_as_users_call_them():
    assert name_function(last_answer) == "last_answer"
    assert name_function(torch.optim.SGD) == "SGD"
    assert name_function(functools.partial(torch.optim.SGD, momentum=0.5)) == "SGD(momentum=0.5)"


def make(factor, exponent=2):
    return lambda done: factor * done**exponent


def test_functions_that_do_something_else_are_described_otherwise():
    assert describe_function(make(2)) == describe_function(make(2))
    others = [make(2), make(3), make(2, 3), lambda done: 2 * done, lambda done: 3 * done, lambda done, x=1: 2 * done]
    assert len({describe_function(one) for one in others}) == len(others)
    assert describe_function(torch.optim.SGD) == "SGD"
