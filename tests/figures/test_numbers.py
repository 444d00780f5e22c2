"""The numbers behind figures: as drawn, by the names on the axes; and tables as files that others read."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support import tiny
from tests.support.every_figure import drawn
from workbench import figures

LATEX = {r"\_": "_", r"\&": "&", r"\%": "%", r"\textless{}": "<", r"\textgreater{}": ">", r"\#": "#", r"\$": "$"}


@pytest.mark.parametrize("name", drawn())
def test_every_figure_has_numbers_under_names(name: str) -> None:
    table = figures.numbers(drawn()[name])
    assert len(table)
    assert table.columns.is_unique
    assert not table.isna().all(axis=None)
    assert table.attrs["title"] == drawn()[name].layout.meta["title"]
    pd.testing.assert_frame_equal(table, figures.numbers(drawn()[name]))


def test_numbers_are_those_of_the_table_that_was_drawn() -> None:
    costs = wb.compare({"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings())
    table = figures.numbers(figures.accuracy(costs))
    answered = costs.dropna(subset="accuracy")
    for model, rows in answered.groupby("model"):
        own = table[table["series"] == model]
        np.testing.assert_allclose(own["time (frames)"], rows["frame"])
        np.testing.assert_allclose(own["accuracy (%)"], 100 * rows["accuracy"])
    recall = figures.numbers(figures.recall(wb.tabulate_recall(wb.count_confusions(tiny.snn(), tiny.recordings()))))
    assert recall["true class"].tolist() == ["left", "right", "up"]
    cells = figures.numbers(drawn()["confusion_over_time"])
    assert cells.columns.tolist() == ["series", "answered", "true class", "% of class"]


def test_events_of_an_image_are_counted() -> None:
    counts = np.random.default_rng(0).poisson(0.3, (3, 2, 4, 5))
    table = figures.numbers(figures.frames(counts))
    assert (table["OFF"].sum(), table["ON"].sum()) == (counts[:, 0].sum(), counts[:, 1].sum())
    row = table.iloc[-1]
    assert counts[int(row["series"].split()[-1]), :, row["y (pixels)"], row["x (pixels)"]].tolist() == [
        row["OFF"],
        row["ON"],
    ]


def some() -> pd.DataFrame:
    table = pd.DataFrame(
        {"a_name": ["R&D <b> 50 %", "v_1 | #2"], "share": [0.123456789012, np.nan], "count": [7, 123456]}
    )
    table.attrs = {"split": "by hand_1"}
    return table


def test_a_table_of_commas_is_read_again(tmp_path: Path) -> None:
    figures.save(some(), tmp_path / "some.csv")
    text = (tmp_path / "some.csv").read_text(encoding="utf-8")
    assert text.startswith("# split: by hand_1\n")
    again = pd.read_csv(io.StringIO(text), skiprows=1)
    pd.testing.assert_frame_equal(again, some(), rtol=1e-9, check_dtype=False)


def test_a_table_for_latex_escapes_names(tmp_path: Path) -> None:
    figures.save(some(), tmp_path / "some.tex")
    lines = (tmp_path / "some.tex").read_text(encoding="utf-8").splitlines()
    assert r"\caption{by hand\_1.}" in lines
    assert r"\begin{tabular}{lrr}" in lines
    row = lines[lines.index(r"\hline") + 2]
    assert row == r"R\&D \textless{}b\textgreater{} 50 \% & 0.1235 & 7 \\"
    for escaped, plain in LATEX.items():
        row = row.replace(escaped, plain)
    assert row.startswith("R&D <b> 50 %")


def test_a_table_for_a_page_has_a_cell_for_every_value(tmp_path: Path) -> None:
    figures.save(some(), tmp_path / "some.md")
    assert (tmp_path / "some.md").read_text(encoding="utf-8").splitlines() == [
        "by hand_1.", "", "| a_name | share | count |", "|---|---:|---:|", "| R&D <b> 50 % | 0.1235 | 7 |",
        r"| v_1 \| #2 |  | 123456 |",
    ]  # fmt: skip


def test_the_numbers_of_a_figure_are_saved_by_the_same_verb(tmp_path: Path) -> None:
    figures.save(drawn()["accuracy"], tmp_path / "accuracy.csv")
    written = pd.read_csv(tmp_path / "accuracy.csv", comment="#")
    pd.testing.assert_frame_equal(written, figures.numbers(drawn()["accuracy"]), check_dtype=False)
    with pytest.raises(ValueError, match=r"'table.png' must end in \.csv, \.tex or \.md, to save a table"):
        figures.save(some(), tmp_path / "table.png")
