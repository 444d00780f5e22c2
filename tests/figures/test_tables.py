"""Figures of tables: learning, accuracy and operations, read by their data and their words."""

import numpy as np
import pandas as pd
import pytest

from tests.support.tables import COUNTS, costs, history
from workbench import figures
from workbench.figures._style import COLOURS, SEQUENCE, amount, ink_on, shade


def test_learning_draws_loss_and_accuracy_in_percent() -> None:
    loss, accuracy = figures.learning(history()).data
    assert loss.y.tolist() == [2.0, 1.0, 0.5]
    assert accuracy.y.tolist() == pytest.approx([20, 60, 70])
    assert (loss.yaxis, accuracy.yaxis) == ("y", "y2")


def test_learning_draws_validation_where_there_is_one() -> None:
    table = history(validation_loss=[2.1, 1.2, 1.1], validation_accuracy=[0.1, 0.5, 0.4])
    figure = figures.learning(table)
    assert [trace.name for trace in figure.data] == ["training", "training", "validation", "validation"]
    assert len({(trace.line.dash, trace.marker.symbol) for trace in figure.data}) == 2
    assert figure.layout.meta["title"] == "Epoch 3: loss 0.5, accuracy 70.0 %, on validation 40.0 %"
    assert figure.layout.meta["subtitle"] == "Best validation accuracy: 50.0 % in epoch 2"
    unvalidated = history(validation_loss=[np.nan] * 3, validation_accuracy=[np.nan] * 3)
    assert len(figures.learning(unvalidated).data) == 2


def test_learning_says_which_epoch_is_returned_and_what_the_loss_is() -> None:
    figure = figures.learning(history(selected=[False, True, False]))
    assert figure.layout.meta["subtitle"] == "Best accuracy: 70.0 % in epoch 3; the model of epoch 2 is returned"
    assert figure.layout.yaxis.title.text == "loss (cross-entropy, nats)"
    own = history()
    for recipe, words in (("epochs=3, label_smoothing=0.1", "loss (cross-entropy, nats)"), ("loss=mine", "loss")):
        own.attrs["recipe"] = recipe
        assert figures.learning(own).layout.yaxis.title.text == words


def test_accuracy_begins_at_the_first_response() -> None:
    ann, ann_ring, snn, snn_ring = figures.accuracy(costs()).data
    assert ann.x.tolist() == [2.0, 3.0, 4.0]
    assert ann.y.tolist() == pytest.approx([50, 80, 90])
    assert (ann_ring.x.tolist(), snn_ring.x.tolist()) == ([2.0], [1.1])
    assert (ann.mode, snn.mode) == ("lines+markers", "lines+markers")
    assert len(snn.x) == 30


@pytest.mark.parametrize(("against", "models"), [("energy_nj", 2), ("synaptic_operations", 1), ("dense_macs", 1)])
def test_accuracy_against_costs_leaves_out_who_has_none(against: str, models: int) -> None:
    figure = figures.accuracy(costs(), against)
    assert len(figure.data) == 2 * models
    assert figure.layout.xaxis.type == "log"
    assert ("Not shown" in figure.layout.meta["subtitle"]) == (models == 1)


def test_operations_draw_what_is_not_all_zero() -> None:
    figure = figures.operations(costs())
    assert [trace.name for trace in figure.data] == [
        "ANN: effective MACs", "ANN: dense MACs", "SNN: synaptic operations",
    ]  # fmt: skip
    assert figure.data[1].y.tolist() == [1_275_000.0 * k for k in (1, 2, 3, 4)]
    assert figure.layout.yaxis.type == "log"


@pytest.mark.parametrize("factor", [0.2, 1.0, 8.5, 1234.0])
def test_operations_say_the_ratio(factor: float) -> None:
    table = costs()
    table["effective_macs"] = 0.0
    table.loc[table["model"] == "ANN", "dense_macs"] = 600_000 * factor
    words = figures.operations(table).layout.meta["subtitle"]
    snn, ann = "SNN: 600 k synaptic operations", f"ANN: {amount(600_000 * factor)} dense MACs"
    if factor == 1:
        assert words in (f"{snn}; {ann}", f"{ann}; {snn}")
    elif factor > 1:
        assert words == f"{snn}; {ann}, {amount(factor)} times more"
    else:
        assert words == f"{ann}; {snn}, {amount(1 / factor)} times more"


def test_operations_do_not_hide_that_effective_macs_may_be_fewer() -> None:
    table = costs()
    table.loc[table["model"] == "ANN", "dense_macs"] = 1_200_000.0
    table.loc[table["model"] == "ANN", "effective_macs"] = 300_000.0
    words = figures.operations(table).layout.meta["subtitle"]
    assert words.endswith("ANN: 1.2 M dense MACs, 2 times more (effective: 300 k, 2 times fewer)")


def test_operations_add_what_a_model_counts_in_both_ways() -> None:
    table = costs()
    table.loc[table["model"] == "SNN", "dense_macs"] = 400_000.0
    words = figures.operations(table).layout.meta["subtitle"]
    assert words.startswith("SNN: 1 M synaptic operations and dense MACs;")


def test_nothing_yet_is_said() -> None:
    silent = costs().assign(accuracy=np.nan)
    for figure, words in (
        (figures.learning(history().iloc[:0]), "no epoch"),
        (figures.accuracy(costs().iloc[:0]), "no model has answered yet"),
        (figures.accuracy(silent), "no model has answered yet"),
        (figures.operations(costs().iloc[:0]), "nothing has been counted yet"),
        (figures.operations(costs().assign(**dict.fromkeys(COUNTS, 0.0))), "nothing has been counted yet"),
    ):
        assert not figure.data
        assert words in figure.layout.annotations[0].text
        assert words in figure.layout.meta["alt"]


def test_mistakes_are_refused_with_a_cure() -> None:
    with pytest.raises(ValueError, match=r"lacks the column accuracy; .* that wb\.train returns"):
        figures.learning(history().drop(columns="accuracy"))
    with pytest.raises(ValueError, match=r"lacks the column frame; .* that wb\.compare returns"):
        figures.operations(costs().drop(columns="frame"))
    with pytest.raises(ValueError, match="against='watts' is unknown; choose one of frame"):
        figures.accuracy(costs(), "watts")


def test_figures_leave_their_tables_alone() -> None:
    table, before = costs(), costs()
    figures.accuracy(table), figures.operations(table)
    pd.testing.assert_frame_equal(table, before)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)] if colour[0] == "#" else eval(colour[3:])
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (p / 255 for p in parts)]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_numbers_are_legible_on_every_shade_and_shades_darken_evenly() -> None:
    shades = [shade(value, 40) for value in range(41)]
    assert min(contrast(colour, ink_on(colour)) for colour in shades) >= 4.5
    against_paper = [contrast(colour, "#ffffff") for colour in shades]
    assert against_paper == sorted(against_paper)
    assert len(set(COLOURS)) == 6
    assert len(SEQUENCE) == 5
