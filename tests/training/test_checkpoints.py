"""Checkpoints: what lacks a part or makes no sense is not resumed, and a full disk costs the file, not the training."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

import workbench as wb
from tests.support import tiny
from workbench.exchange.tensor_files import read_header, read_tensors, write_tensors
from workbench.training import checkpoints

ROOT = Path(__file__).parents[2]
RECORDINGS = tiny.recordings(12)
OPTIONS = {"epochs": 3, "batch": 4, "progress": False}


def train(**options):
    return wb.train(wb.Model(tiny.network(), seed=1), RECORDINGS, **OPTIONS | options)


def change(path, alter):
    """A checkpoint that somebody has altered: its tensors and its description."""
    header = read_header(path, "checkpoint")
    tensors, description = read_tensors(header), header.description
    alter(tensors, description)
    write_tensors(path, "checkpoint", tensors, description)


def drop(prefix):
    def alter(tensors, description):
        for name in [name for name in tensors if name.startswith(prefix)]:
            del tensors[name]

    return alter


def spoil(name, value):
    def alter(tensors, description):
        tensors[name] = value(tensors[name])

    return alter


def rewrite(value):
    def alter(tensors, description):
        description["history"] = value(description["history"])

    return alter


DAMAGE = {
    "no state of the optimizer": drop("optimizer."),
    "one moment of one parameter": drop("optimizer.0.exp_avg_sq"),
    "all moments of one parameter": drop("optimizer.1."),
    "the names of the moments": lambda tensors, description: description.pop("moments"),
    "neither state nor names": lambda t, d: (drop("optimizer.")(t, d), d.update(moments=[])),
    "a moment of another shape": spoil("optimizer.0.exp_avg", lambda tensor: tensor[:1].clone()),
    "a moment that is not finite": spoil("optimizer.0.exp_avg", lambda tensor: tensor * float("nan")),
    "weights that are not finite": spoil("model.weights.0.0", lambda tensor: tensor / 0),
    "best weights that are not finite": spoil("best.weights.0.0", lambda tensor: tensor * float("nan")),
    "weights of another shape": spoil("model.weights.0.0", lambda tensor: tensor[:2].clone()),
    "no best model": drop("best."),
    "no model": drop("model."),
    "no history": lambda tensors, description: description.pop("history"),
    "an empty history": rewrite(lambda rows: []),
    "a history of text": rewrite(str),
    "a row of text": rewrite(lambda rows: [*rows[:-1], "epoch 3"]),
    "a row less": rewrite(lambda rows: rows[1:]),
    "a row twice": rewrite(lambda rows: [*rows[:-1], rows[-2]]),
    "more rows than epochs": rewrite(lambda rows: [*rows, {**rows[-1], "epoch": 4}]),
    "an accuracy that is no share": rewrite(lambda rows: [{**rows[0], "accuracy": 1.5}, *rows[1:]]),
    "an accuracy that is true": rewrite(lambda rows: [{**rows[0], "accuracy": True}, *rows[1:]]),
    "a field more": lambda tensors, description: description.update(more=1),
    "a tensor more": lambda tensors, description: tensors.update(other=torch.zeros(1)),
    "a moment of no parameter": lambda tensors, description: (
        tensors.update({"optimizer.99.step": torch.ones(())}),
        description["moments"].append("optimizer.99.step"),
    ),
    "a moment of another type": spoil("optimizer.0.exp_avg", lambda tensor: tensor.double()),
    "steps below 1": spoil("optimizer.0.step", torch.zeros_like),
    "steps of half": spoil("optimizer.0.step", lambda tensor: tensor + 0.5),
    "squares below 0": spoil("optimizer.0.exp_avg_sq", lambda tensor: tensor - 1),
    "weights of another type": spoil("best.weights.0.0", lambda tensor: tensor.double()),
    "a loss of text": rewrite(lambda rows: [{**rows[0], "loss": "0.3"}, *rows[1:]]),
    "no loss": rewrite(lambda rows: [{"epoch": 1, "accuracy": 0.5}, *rows[1:]]),
    "a column more": rewrite(lambda rows: [{**row, "validation_loss": 0.1} for row in rows]),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_checkpoint_that_lacks_a_part_or_makes_no_sense_is_refused(tmp_path, kind):
    path = tmp_path / "checkpoint"
    train(checkpoint=path)
    change(path, DAMAGE[kind])
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"checkpoint: this checkpoint is incomplete or damaged \(.*\); delete it to"):
        train(checkpoint=path)
    assert path.read_bytes() == before


def test_what_is_unchanged_goes_on_bit_for_bit(tmp_path):
    path = tmp_path / "checkpoint"
    stop = iter([None] * 5 + [True])
    train(checkpoint=path, callback=lambda update: next(stop))
    change(path, lambda tensors, description: None)
    resumed, history = train(checkpoint=path)
    whole, expected = train()
    assert history.equals(expected)
    assert all(torch.equal(a, b) for a, b in zip(resumed.parameters(), whole.parameters(), strict=True))


# full disks


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("I/O error: no space left")])
def test_a_full_disk_at_a_checkpoint_costs_the_file_and_not_the_epochs(tmp_path, monkeypatch, error):
    expected, history = train()
    write, failing = checkpoints.Checkpoint.write, {1, 3}

    def fail(saved, state):
        if len(state.history) in failing:
            raise error
        write(saved, state)

    monkeypatch.setattr(checkpoints.Checkpoint, "write", fail)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found, rows = train(checkpoint=tmp_path / "checkpoint")
    assert [str(one.message).split(" (")[0] for one in told] == [
        f"{tmp_path / 'checkpoint'} was not written after epoch {epoch}" for epoch in sorted(failing)
    ]
    assert all("training goes on, and tries again after the next epoch: make room" in str(one.message) for one in told)
    assert told[0].filename == __file__
    assert rows.equals(history)
    assert all(torch.equal(a, b) for a, b in zip(found.parameters(), expected.parameters(), strict=True))
    monkeypatch.undo()
    _, again = train(checkpoint=tmp_path / "checkpoint")  # from epoch 2, which was written
    assert again.equals(history)


FULL = """
import json, resource, sys, warnings
from pathlib import Path
import workbench as wb
from tests.support import tiny
path, limits = Path(sys.argv[1]), list(map(int, sys.argv[2:]))
for limit in limits:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = wb.Model(tiny.network(), seed=1)
        ann, history = wb.train(model, tiny.recordings(12), epochs=3, batch=4, progress=False, checkpoint=path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    words = ["was not written after epoch" in str(one.message) for one in told]
    print(json.dumps([limit, history["loss"].tolist(), words, sorted(file.name for file in path.parent.iterdir())]))
    path.unlink(missing_ok=True)
"""


def test_a_disk_that_is_full_at_any_byte_leaves_nothing_half_written(tmp_path):
    """The system refuses to let any file grow beyond a limit, as a full disk does."""
    path = tmp_path / "here" / "checkpoint"
    _, history = train(checkpoint=path)
    size = path.stat().st_size
    path.unlink()
    limits = [0, 8, 500, size // 2, size - 1000, size]
    answer = subprocess.run(
        [sys.executable, "-c", FULL, str(path), *map(str, limits)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=300, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    for limit, losses, words, left in map(json.loads, answer.stdout.splitlines()):
        np.testing.assert_allclose(losses, history["loss"])
        assert all(words)
        assert (len(words), left) == ((0, ["checkpoint"]) if limit == size else (3, [])), limit


# weights that are not finite


@pytest.mark.parametrize("epochs", [1, 3])
def test_weights_that_are_not_finite_after_the_last_step_are_an_error(monkeypatch, epochs):
    """A loss tells of the steps before the last one; nothing but the weights tells of that."""
    step, steps = torch.optim.AdamW.step, iter(range(100))
    last = epochs * 3 - 1

    def spoil(optimizer, *arguments):
        step(optimizer, *arguments)
        if next(steps) == last:
            optimizer.param_groups[0]["params"][0].data.view(-1)[0] = float("inf")

    monkeypatch.setattr(torch.optim.AdamW, "step", spoil)
    with pytest.raises(ValueError, match=r"edge eye -> v0: its weights are not all finite; train with a lower"):
        train(epochs=epochs)


def test_a_learning_rate_beyond_all_measure_is_an_error_in_words():
    with pytest.raises(ValueError, match=r"not all finite; train with a lower|the loss became .*; lower learning_rate"):
        train(learning_rate=1e38, epochs=20)
