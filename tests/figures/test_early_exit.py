"""The figure of early exits, read by its data and its words."""

import numpy as np
import pandas as pd
import pytest

from tests.support.tables import sweep
from workbench import figures
from workbench.figures._style import PAPER


def test_each_model_has_a_line_a_ring_and_a_star() -> None:
    figure = figures.early_exit(sweep())
    names = ["ANN", "ANN, calibrated", "ANN, to the end", "SNN", "SNN, calibrated", "SNN, to the end"]
    assert [trace.name for trace in figure.data] == names
    line, ring, star = figure.data[:3]
    assert line.x.tolist() == [2, 4, 6, 8]
    assert line.y.tolist() == pytest.approx([50, 93, 95, 95])
    assert np.asarray(line.error_y.array).tolist() == pytest.approx([1] * 4)
    assert (ring.x.tolist(), ring.y.tolist()) == ([4], [93])
    assert (star.x.tolist(), star.y.tolist()) == ([8], [95])
    assert (ring.marker.symbol, star.marker.symbol) == ("circle-open", "star")
    assert list(line.customdata) == [f"a confidence of {value}" for value in (0, 0.9, 0.99)] + ["the end"]
    assert len({figure.data[place].line.dash for place in (0, 3)}) == 2
    assert len({figure.data[place].marker.symbol for place in (0, 3)}) == 2
    assert star.marker.line.color == PAPER
    assert [trace.showlegend for trace in figure.data] == [None, False, False] * 2


def test_words_say_what_is_saved_and_what_it_costs() -> None:
    words = figures.early_exit(sweep()).layout.meta
    saved = (
        "ANN saves 50 % of the time for 2.0 points of accuracy; SNN saves 53 % of the time for 1.0 points of accuracy"
    )
    assert words["title"] == saved
    assert words["subtitle"].startswith("ANN: 93.0 % after 4 frames, to the end 95.0 % after 8 frames; SNN: 90.0 %")
    assert words["title"] in words["alt"]
    assert words["alt"].startswith("Accuracy against mean time (frames).")
    better = sweep().query("model == 'SNN'").assign(accuracy=[0.3, 0.95, 0.92, 0.91])
    assert figures.early_exit(better).layout.meta["title"] == "SNN saves 53 % of the time and is 4.0 points better"
    waits = sweep().query("model == 'SNN'").assign(calibrated=lambda rows: rows["threshold"] == np.inf)
    assert figures.early_exit(waits).layout.meta["title"] == "SNN runs to the end"


@pytest.mark.parametrize(
    ("against", "what", "cost"),
    [
        ("energy_nj", "50 % of the energy", "at 1.85 µJ"),
        ("dense_macs", "50 % of its dense MACs", "at 400 k"),
        ("effective_macs", "50 % of its effective MACs", "at 400 k"),
        ("neuron_updates", "50 % of its neuron updates", "at 8 k"),
    ],
)
def test_costs_are_on_a_logarithmic_axis_that_names_them(against: str, what: str, cost: str) -> None:
    figure = figures.early_exit(sweep().query("model == 'ANN'"), against)
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.title.text.startswith("mean ")
    assert figure.data[0].x.tolist() == sweep()[against].iloc[:4].tolist()
    assert what in figure.layout.meta["title"]
    assert cost in figure.layout.meta["subtitle"]


def test_who_counts_none_is_named() -> None:
    figure = figures.early_exit(sweep(), "synaptic_operations")
    assert {trace.legendgroup for trace in figure.data} == {"SNN"}
    assert "Not shown: ANN, which counts none." in figure.layout.meta["subtitle"]
    nobody = figures.early_exit(sweep().query("model == 'ANN'"), "synaptic_operations")
    assert nobody.layout.annotations[0].text == "no model counts synaptic_operations"
    assert figures.early_exit(sweep().iloc[:0]).layout.annotations[0].text == "no threshold to show"


def test_thresholds_alone_are_drawn_without_marks() -> None:
    figure = figures.early_exit(sweep().query("0 <= threshold < 0.5 or threshold == 0.99"))
    assert [trace.name for trace in figure.data] == ["ANN", "SNN"]
    assert figure.layout.meta["title"] == "Accuracy by threshold"
    assert figure.layout.meta["subtitle"].startswith("Ring: ")


def test_the_table_is_not_changed_and_its_order_does_not_matter() -> None:
    table, before = sweep(), sweep()
    figure = figures.early_exit(table)
    pd.testing.assert_frame_equal(table, before)
    turned = pd.concat([table.iloc[3::-1], table.iloc[:3:-1]])
    assert figures.early_exit(turned).to_json() == figure.to_json()


def test_other_columns_and_other_tables_are_refused() -> None:
    with pytest.raises(ValueError, match=r"early_exit: against='joy' is unknown; choose one of frame, energy_nj"):
        figures.early_exit(sweep(), "joy")
    with pytest.raises(ValueError, match=r"lacks the column calibrated; .* the table that EarlyExit\.sweep returns"):
        figures.early_exit(sweep().drop(columns=["calibrated"]))
