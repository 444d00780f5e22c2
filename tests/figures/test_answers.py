"""What every recording is answered as, and how much of every class: read by the data of the figures."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support.cut_recordings import cut, models
from workbench import figures
from workbench.figures._style import BLUE, DARK, PAPER, VERMILION


@pytest.mark.parametrize("per", ["slice", "recording"])
@pytest.mark.parametrize("seed", range(4))
def test_every_cell_is_an_answer_right_or_wrong_with_its_confidence(seed: int, per: str) -> None:
    recordings = cut(seed, streams=7)
    rows = wb.evaluate(models(seed, recordings)["ANN"], recordings, rows=True, per=per)
    figure = figures.answers(rows)
    cells, crosses = figure.data
    numbers = [int(line[0][0].split("</b>")[0].removeprefix("recording ")) for line in cells.customdata]
    assert sorted(numbers) == rows["recording"].tolist()
    labels = rows["label"][numbers].tolist()
    assert labels == sorted(labels, key=pd.unique(rows["label"]).tolist().index)
    for line, number in enumerate(numbers):
        for place, frame in enumerate(cells.x):
            row, z = rows.loc[number], cells.z[line][place]
            answer, sure = row[f"answer in frame {frame}"], row[f"confidence in frame {frame}"]
            if answer == "":
                assert np.isnan(z)
            else:
                assert z == pytest.approx(100 * sure * (1 if answer == row["label"] else -1))
                assert cells.customdata[line][place][1] == answer
                assert f"{row['dense_macs']:,.0f} dense MACs" in cells.customdata[line][place][0]
    wrong = {(x, y) for y, line in enumerate(cells.z) for x, z in zip(cells.x, line, strict=True) if z < 0}
    assert set(zip(crosses.x.tolist(), crosses.y.tolist(), strict=True)) == wrong
    right = int(rows["correct"].sum())
    assert figure.layout.meta["title"] == f"{right} of {len(rows)} {per}s are answered correctly in the end"
    assert figure.layout.meta["title"] in figure.layout.meta["alt"]


def many(count: int, frames: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"recording": range(count), "label": rng.choice(list("abc"), count)})
    for frame in range(frames):
        table[f"answer in frame {frame}"] = rng.choice(list("abc"), count)
        table[f"confidence in frame {frame}"] = rng.uniform(0.3, 1, count)
    return table


def test_of_many_recordings_some_are_shown_and_that_is_said() -> None:
    figure = figures.answers(many(3000))
    assert len(figure.data) == 1
    assert len(figure.data[0].z) == 400
    assert "400 of 3,000 recordings are shown" in figure.layout.meta["subtitle"]


def test_colours_can_be_told_apart_and_have_dark_twins() -> None:
    figure = figures.answers(many(10))
    assert [colour for _, colour in figure.data[0].colorscale] == [VERMILION, PAPER, BLUE]
    assert [colour for _, colour in figures.darken(figure).data[0].colorscale] == [
        DARK[VERMILION], DARK[PAPER], DARK[BLUE],
    ]  # fmt: skip


def test_nothing_answered_is_said_and_other_tables_are_refused() -> None:
    rows = many(5)
    silent = rows.assign(**{name: "" for name in rows if name.startswith("answer")})
    for none in (rows.iloc[:0], silent):
        assert "no recording has been answered yet" in figures.answers(none).layout.annotations[0].text
    with pytest.raises(ValueError, match=r"figures\.answers: the table lacks the column label"):
        figures.answers(rows.drop(columns="label"))
    with pytest.raises(ValueError, match=r"lacks the column confidence in frame 1; .* wb\.evaluate with rows=True"):
        figures.answers(rows.drop(columns="confidence in frame 1"))
    with pytest.raises(ValueError, match="lacks the column answer in frame 0"):
        figures.answers(rows[["recording", "label"]])


def test_recall_has_a_bar_and_a_count_for_every_class() -> None:
    recordings = cut(1, streams=9)
    table = wb.tabulate_recall(wb.evaluate(models(1, recordings)["ANN"], recordings, rows=True))
    figure = figures.recall(table)
    (bars,) = figure.data
    np.testing.assert_allclose(bars.x, 100 * table["recall"])
    assert [told[0] for told in bars.customdata] == table["class"].tolist()
    assert list(bars.text) == [
        f"{round(recall * whole)} of {whole}"
        for recall, whole in zip(table["recall"], table["recordings"], strict=True)
    ]
    assert bars.marker.color == BLUE
    worst = table.loc[table["recall"].idxmin(), "class"]
    assert figure.layout.meta["title"].startswith(f"{worst} is recognised least")
    assert "Recall of every class" in figure.layout.meta["alt"]


def test_recall_of_all_of_none_and_of_other_tables() -> None:
    cells = {"class": list("ab"), "recordings": [3, 2], "recall": 1.0, "most frequent wrong answer": ""}
    table = pd.DataFrame(cells)
    assert figures.recall(table).layout.meta["title"] == "Every class is always recognised"
    assert "no recording" in figures.recall(table.iloc[:0]).layout.annotations[0].text
    with pytest.raises(ValueError, match=r"lacks the column recall; .* wb\.tabulate_recall returns"):
        figures.recall(table.drop(columns="recall"))
