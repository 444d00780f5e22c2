"""Training by several processes that the call starts: what one process finds, and nobody waits for the dead."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from nbclient import NotebookClient

import workbench as wb
from tests.support.trainings import (
    assert_close_models,
    failing_loss,
    killed_loss,
    mean_loss,
    some_network,
    some_recordings,
)
from workbench import transforms as t
from workbench.training.processes import fabrics, helpers
from workbench.training.processes.group import LostProcessError
from workbench.training.processes.helpers import require_sendable

ROOT = Path(__file__).parents[3]
OPTIONS = {"epochs": 4, "batch": 14, "progress": False}
EVERYTHING = {
    "augment": [t.Shift(1), t.Drop(0.1), t.Mix(0.5)], "dropout": 0.2, "noise": 0.1, "spike_cost": 0.1, "average": 0.9,
    "label_smoothing": 0.1, "accumulate": 2, "select": "best",
}  # fmt: skip
ROUNDING = 1e-12  # of sums in another order, in double precision


def some_model(norm: str | None = "batch", loop: bool = True) -> wb.Model:
    return wb.Model(some_network(loop), seed=1, norm=norm).double()


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """No process, no group, and as many threads as before."""
    threads = torch.get_num_threads()
    yield
    assert multiprocessing.active_children() == []
    assert not torch.distributed.is_initialized()
    assert torch.get_num_threads() == threads


def test_two_processes_find_what_one_finds_with_every_option_and_batches_that_do_not_divide_evenly():
    """41 recordings make batches of 14, 14 and 13, in two turns of two processes: parts of 4 and of 3."""
    model, recordings, validation = some_model(), some_recordings(count=41), some_recordings(1, count=13)
    ours, history = wb.train(model, recordings, validation, **OPTIONS, **EVERYTHING, fabric=2)
    theirs, expected = wb.train(model, recordings, validation, **OPTIONS, **EVERYTHING)
    pd.testing.assert_frame_equal(history, expected, rtol=0, atol=ROUNDING)
    assert history["accuracy"].equals(expected["accuracy"])
    assert history.attrs == expected.attrs
    assert ours.provenance == theirs.provenance
    assert_close_models(ours, theirs, ROUNDING)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_an_snn_is_tuned_by_two_processes_in_single_precision_with_a_loss_of_ones_own():
    recordings = some_recordings(count=40)
    ann, _ = wb.train(wb.Model(some_network(), seed=1), recordings, **OPTIONS)
    snn = wb.convert(ann, recordings, ticks_per_frame=4, progress=False)
    options = {"epochs": 2, "batch": 13, "progress": False, "loss": mean_loss}
    tuned, history = wb.fine_tune(snn, recordings, **options, fabric=2)
    expected, same = wb.fine_tune(snn, recordings, **options)
    assert tuned.grid is not None
    pd.testing.assert_frame_equal(history, same, rtol=1e-4)
    weight = float(expected.weights[0][0].detach().abs().max())
    assert_close_models(tuned, expected, 1e-3 * weight)


def test_what_two_begin_one_ends_and_what_one_begins_two_end(tmp_path):
    """Interrupted in the third epoch, resumed by another number of processes: the same batches, the same losses."""
    model, recordings = some_model(), some_recordings(count=41)
    asked = OPTIONS | {"augment": [t.Shift(1)], "dropout": 0.1}
    whole, expected = wb.train(model, recordings, **asked)
    for begin, end in ((2, 1), (1, 2)):
        path, seen = tmp_path / f"{begin} to {end}", []

        def interrupt(update, seen=seen):
            seen.append(update)
            if update.epoch == 3 and update.batch == 2:
                signal.raise_signal(signal.SIGINT)

        with pytest.warns(UserWarning, match="training was interrupted in epoch 3 of 4; this is the best model so far"):
            _, early = wb.train(model, recordings, **asked, checkpoint=path, fabric=begin, callback=interrupt)
        pd.testing.assert_frame_equal(early, expected[:2], rtol=0, atol=ROUNDING)
        assert (seen[-1].epoch, seen[-1].batch, len(seen)) == (3, 2, 8)
        resumed, history = wb.train(model, recordings, **asked, checkpoint=path, fabric=end)
        pd.testing.assert_frame_equal(history, expected, rtol=0, atol=ROUNDING)
        assert_close_models(resumed, whole, ROUNDING)


def test_a_callback_ends_all_and_its_error_too():
    def broken(update):
        raise ZeroDivisionError("a mistake in the callback")

    with pytest.raises(ZeroDivisionError, match="a mistake in the callback"):
        wb.train(some_model(), some_recordings(), **OPTIONS, fabric=2, callback=broken)


def test_a_process_that_fails_ends_the_others_with_its_words_and_no_epoch_is_lost(tmp_path):
    """The sixth batch is the last of the second epoch."""
    path, options = tmp_path / "checkpoint", OPTIONS | {"loss": failing_loss}
    words = r"process 2 of 2 has ended \(ValueError: the second process cannot go on\); epochs 1 to 1 are in .*, from"
    with pytest.raises(LostProcessError, match=words):
        wb.train(some_model(), some_recordings(), **options, fabric=2, checkpoint=path)
    _, history = wb.train(some_model(), some_recordings(), **options, checkpoint=path)
    pd.testing.assert_frame_equal(history, wb.train(some_model(), some_recordings(), **options)[1], atol=ROUNDING)


def test_a_process_that_is_killed_ends_the_others():
    with pytest.raises(
        LostProcessError, match=r"process 2 of 2 has ended \(without a word\); with checkpoint= every ep"
    ):
        wb.train(some_model(), some_recordings(), **OPTIONS, fabric=2, loss=killed_loss)


def test_a_broken_checkpoint_is_refused_in_the_words_of_one_process(tmp_path):
    path = tmp_path / "checkpoint"
    wb.train(some_model(), some_recordings(), **OPTIONS | {"epochs": 1, "batch": 12}, checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"is a checkpoint of another training \(it differs in epochs, batch\)"):
        wb.train(some_model(), some_recordings(), **OPTIONS, checkpoint=path, fabric=2)
    assert path.read_bytes() == before


def test_a_script_that_does_not_guard_its_call_is_told_to(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "import workbench as wb\n"
        "from tests.support.trainings import some_network, some_recordings\n"
        "wb.train(wb.Model(some_network()), some_recordings(), epochs=1, progress=False, fabric=2)\n",
        encoding="utf-8",
    )
    found = subprocess.run(
        [sys.executable, script], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert found.returncode == 1
    assert 'it had not begun: in a script put the call below `if __name__ == "__main__":`' in found.stderr


# what is refused before any process is started


def test_too_small_a_batch_is_refused_before_any_process_is_started():
    recordings = some_recordings(count=41)
    with pytest.raises(
        ValueError, match=r"a batch of 13 recordings cannot be divided among 14 processes; take another batch, or fewer"
    ):
        wb.train(some_model(), recordings, **OPTIONS, fabric=14)
    with pytest.raises(ValueError, match=r"among 8 turns of 2 processes; take batch=16 or more, or fewer"):
        wb.train(some_model(), recordings, **OPTIONS, fabric=2, accumulate=8)
    with pytest.raises(ValueError, match=r"among 15 turns; take batch=15 or more, or fewer"):
        wb.train(some_model(), recordings, **OPTIONS, accumulate=15)
    with pytest.raises(ValueError, match=r"among 42 processes; take more recordings, or fewer"):
        wb.train(some_model(), recordings, **OPTIONS, fabric=42)


def test_a_worker_that_may_start_no_processes_is_told(monkeypatch):
    monkeypatch.setattr(helpers, "current_process", lambda: SimpleNamespace(daemon=True))
    with pytest.raises(ValueError, match="fabric=2 starts processes, which a daemon may not; leave fabric out in wor"):
        wb.train(some_model(), some_recordings(), **OPTIONS, fabric=2)


@pytest.mark.parametrize("fabric", ["ddp", 0, -1, True, 2.0, [0, 1]])
def test_what_is_no_fabric_is_refused(fabric):
    with pytest.raises(ValueError, match=r"is neither a number of devices nor a Fabric; give fabric=2, which starts"):
        wb.train(some_model(), some_recordings(), **OPTIONS, fabric=fabric)


def test_the_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(fabrics, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"launched, which pip install 'spiking-workbench\[fabric\]' brings"):
        wb.train(some_model(), some_recordings(), **OPTIONS, fabric="ddp")


def test_options_that_cannot_be_sent_are_named(monkeypatch):
    with pytest.raises(ValueError, match=r"fabric=2: loss cannot be sent to other processes \(.*\); define it"):
        wb.train(some_model(), some_recordings(), **OPTIONS, fabric=2, loss=lambda answers, labels: answers.mean())
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    monkeypatch.setattr(mean_loss, "__module__", "__main__")
    with pytest.raises(ValueError, match=r"fabric=2: schedule is defined in this notebook, which other processes cann"):
        require_sendable({"schedule": mean_loss}, 2)


def test_one_process_is_no_group(several_threads):
    recordings = some_recordings()
    ours, history = wb.train(wb.Model(some_network()), recordings, **OPTIONS, fabric=1)
    theirs, expected = wb.train(wb.Model(some_network()), recordings, **OPTIONS)
    assert history.equals(expected)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))


# turns


def test_turns_change_nothing_but_the_statistics_of_norms():
    recordings, options = some_recordings(count=41), OPTIONS | {"dropout": 0.2, "noise": 0.1}
    whole, expected = wb.train(some_model(norm=None), recordings, **options)
    turns, history = wb.train(some_model(norm=None), recordings, **options, accumulate=5)
    assert np.abs(history["loss"] - expected["loss"]).max() < 0.05  # noise is in units of the drives of a turn
    options["noise"] = 0.0
    whole, expected = wb.train(some_model(norm=None), recordings, **options)
    turns, history = wb.train(some_model(norm=None), recordings, **options, accumulate=5)
    pd.testing.assert_frame_equal(history, expected, rtol=0, atol=ROUNDING)
    assert_close_models(turns, whole, ROUNDING)
    assert "accumulate=5" in history.attrs["recipe"]


# from a notebook

CELLS = [
    "import warnings; warnings.simplefilter('error')\n"
    "import torch, workbench as wb\n"
    "from tests.support.trainings import some_network, some_recordings\n"
    "torch.ones(500, 500) @ torch.ones(500, 500)  # whose threads a fork would wait for\n"
    "seen = []\n"
    "options = {'epochs': 2, 'batch': 14, 'progress': False}\n"
    "ann, history = wb.train(wb.Model(some_network()), some_recordings(), **options, fabric=2,\n"
    "                        callback=lambda update: seen.append(update))\n"
    "expected = wb.train(wb.Model(some_network()), some_recordings(), **options)[1]\n"
    "print(len(seen), bool((history['loss'] - expected['loss']).abs().max() < 1e-4))",
    "def own(answers, labels):\n"
    "    return answers.mean()\n"
    "try:\n"
    "    wb.train(wb.Model(some_network()), some_recordings(), fabric=2, loss=own)\n"
    "except ValueError as error:\n"
    "    print(error)",
]


def test_a_cell_of_a_notebook_trains_by_two_processes_and_is_called_back(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    home = {"IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    NotebookClient(notebook, kernel_name="python3", resources={}).execute(env=os.environ | home)
    first, second = ("".join(output.text for output in cell.outputs) for cell in notebook.cells)
    assert first == "6 True\n"
    assert second.startswith("fabric=2: loss is defined in this notebook, which other processes cannot read; define it")
