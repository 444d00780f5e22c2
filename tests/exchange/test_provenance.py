"""Where a model comes from: kept with it through training, conversion and files."""

import numpy as np
import pandas as pd
import pytest
import torch

import workbench as wb
from tests.support import tiny
from workbench.exchange.history_tables import describe_history, make_history
from workbench.model import Provenance

OPTIONS = {"epochs": 2, "batch": 4, "progress": False}


def test_a_file_tells_of_seeds_trainings_versions_and_history(tmp_path):
    path, recordings = tmp_path / "snn.safetensors", tiny.recordings(12)
    ann, history = wb.train(wb.Model(tiny.network(), seed=5), recordings, seed=7, label_smoothing=0.1, **OPTIONS)
    snn = wb.convert(ann, recordings, percentile=99, progress=False)
    tuned, more = wb.fine_tune(snn, recordings, seed=8, **OPTIONS)
    wb.save_model(tuned, path, history=more)
    told = wb.describe_model_file(path)
    assert (told.format, told.workbench, told.torch) == (2, wb.__version__, torch.__version__.partition("+")[0])
    assert told.provenance == tuned.provenance == wb.load_model(path).provenance
    assert told.provenance.seed == 5
    first, second = told.provenance.trainings
    assert (first.verb, first.recordings, first.epochs, first.seed) == ("wb.train", recordings.name, 2, 7)
    assert first.recipe == "epochs=2, label_smoothing=0.1"
    assert (second.verb, second.seed, second.version) == ("wb.fine_tune", 8, first.version)
    pd.testing.assert_frame_equal(told.history, more)
    assert told.history.attrs == more.attrs
    assert (told.network, told.recipe) == (tuned.network, tuned.conversion_options)
    for words in ("format 2", "seed 5", "wb.train: 2 epochs", "label_smoothing=0.1", "wb.fine_tune", "history: 2 rows"):
        assert words in repr(told)
    assert history.attrs["recipe"] is not None


def test_what_is_tuned_frame_by_frame_tells_of_it_too():
    recordings = tiny.recordings(12)
    snn = wb.convert(tiny.ann(), recordings, emission="burst", percentile=99, progress=False)
    tuned, _ = wb.fine_tune(snn, recordings, dropout=0.1, seed=8, **OPTIONS)
    assert [(one.verb, one.seed) for one in tuned.provenance.trainings] == [("wb.fine_tune", 8)]
    assert tuned.training_recipe == tuned.provenance.trainings[0].recipe == "epochs=2, dropout=0.1"
    assert (snn.provenance.trainings, tuned.provenance.seed) == ((), snn.provenance.seed)


def test_other_recordings_are_another_version():
    trained = [
        wb.train(wb.Model(tiny.network()), recordings, **OPTIONS)[0].provenance.trainings[0].version
        for recordings in (tiny.recordings(12), tiny.recordings(12), tiny.recordings(11))
    ]
    assert trained[0] == trained[1] != trained[2]


def test_a_data_set_is_called_by_its_name_and_levels_keep_the_seed():
    part = tiny.recordings(12)
    dataset = wb.Dataset("lefts and rights", part, tiny.recordings(9), "by hand")
    ann, _ = wb.train(wb.Model(tiny.network(), seed=3), dataset, levels=4, **OPTIONS)
    assert (ann.provenance.seed, ann.provenance.trainings[0].recordings) == (3, "lefts and rights")
    assert ann.provenance.trainings[0].split == "by hand"
    assert Provenance() == Provenance(None, ())


def test_the_same_model_gives_the_same_bytes(tmp_path):
    model, _ = wb.train(wb.Model(tiny.network(), seed=5), tiny.recordings(12), **OPTIONS)
    for name in ("one", "two"):
        wb.save_model(model.copy(), tmp_path / name)
    wb.save_model(wb.load_model(tmp_path / "one"), tmp_path / "three")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert wb.describe_model_file(tmp_path / "three").provenance == model.provenance


def test_histories_of_every_kind_of_column_come_back():
    columns = {"epoch": [1, 2], "loss": [0.5, np.nan], "selected": [True, False], "note": ["a", "ü"]}
    for table in (pd.DataFrame(columns), pd.DataFrame({"loss": []}), pd.DataFrame()):
        table.attrs["recipe"] = None
        pd.testing.assert_frame_equal(make_history(describe_history(table)), table, check_column_type=False)


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ([{"loss": 1.0}], r"history takes the table that wb\.train returns, not a list; ann, history = wb\.train"),
        (pd.DataFrame({"loss": [np.inf]}), r"history: column 'loss' holds an infinite number"),
        (pd.DataFrame({"a": [[1]]}), r"history: column 'a' holds object; a file keeps columns of numbers"),
        (pd.DataFrame({1: [1]}), r"history: column 1 holds int64; a file keeps columns of numbers"),
    ],
)
def test_what_is_no_history_is_not_saved(tmp_path, history, words):
    with pytest.raises(ValueError, match=words):
        wb.save_model(tiny.ann(), tmp_path / "model", history=history)
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_are_not_finite_are_not_saved(tmp_path):
    model = wb.Model(tiny.network())
    model.weights[0][0].data.fill_(torch.nan)
    with pytest.raises(ValueError, match=r"edge eye -> v0: its weights are not all finite"):
        wb.save_model(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_every_type_of_numbers_comes_back(tmp_path):
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        model = wb.Model(tiny.network(), neurons={"v1": wb.QuantisedReLU(3)}).to(dtype)
        wb.save_model(model, tmp_path / "model")
        found = wb.load_model(tmp_path / "model").state_dict()
        for name, values in model.state_dict().items():
            assert found[name].dtype == values.dtype
            assert torch.equal(found[name], values)
