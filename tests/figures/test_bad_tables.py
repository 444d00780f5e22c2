"""Tables with holes, of one step, of one model, of none: a readable figure or words, never a stack of errors."""

from collections.abc import Callable
from itertools import count

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import workbench as wb
from tests.support import tiny
from tests.support.tables import COUNTS, confusions, costs, history, sweep
from tests.support.tables import causes as table_of_causes
from tests.support.tables import diagnosis as table
from workbench import figures

Draw = Callable[[pd.DataFrame], go.Figure]
OF_COSTS: dict[str, Draw] = {
    "accuracy": figures.accuracy,
    "accuracy by energy": lambda costs: figures.accuracy(costs, "energy_nj"),
    "accuracy_per_operation": figures.accuracy_per_operation,
    "operations": figures.operations,
    "energy": figures.energy,
}
OF_SWEEP = ("model", "threshold", "calibrated", "accuracy", "standard_error")
DRAWN: dict[str, tuple[Draw, pd.DataFrame]] = {
    **{name: (draw, costs()) for name, draw in OF_COSTS.items()},
    "learning": (figures.learning, history(validation_loss=[2.1, 1.2, 1.1], validation_accuracy=[0.1, 0.5, 0.4])),
    "confusion_over_time": (figures.confusion_over_time, confusions(3)),
    "answers": (figures.answers, wb.evaluate(tiny.snn(), tiny.recordings(), rows=True)),
    "recall": (figures.recall, wb.tabulate_recall(wb.evaluate(tiny.snn(), tiny.recordings(), rows=True))),
    "diagnosis": (figures.diagnosis, table()),
    "causes": (figures.causes, table_of_causes()),
    "early_exit": (figures.early_exit, sweep()[[*OF_SWEEP, "frame"]]),
    "early_exit by energy": (lambda table: figures.early_exit(table, "energy_nj"), sweep()[[*OF_SWEEP, "energy_nj"]]),
}


def readable(figure: go.Figure) -> None:
    """Something is drawn or said, titles hold no hole, and every drawn line has finite numbers to show."""
    words = f"{figure.layout.meta['title']} {figure.layout.meta['subtitle']} {figure.layout.meta['alt']}"
    assert not {"nan", "inf", "-inf", "none", "nat"} & set(words.lower().replace(",", " ").split())
    assert figure.data or figure.layout.annotations[0].text
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert axis.range is None or np.isfinite(axis.range).all()
    for trace in figure.data:
        if trace.type == "scatter" and trace.hoverinfo != "skip":
            assert np.isfinite(np.asarray(trace.x, dtype=float)).any()
            assert np.isfinite(np.asarray(trace.y, dtype=float)).any()
    figure.to_json()


@pytest.mark.parametrize("name", DRAWN)
def test_a_hole_in_any_column_at_any_place(name: str, request: pytest.FixtureRequest) -> None:
    draw, good = DRAWN[name]
    places = [[0], [len(good) // 2], [len(good) - 1], list(range(len(good)))]
    turns = count()
    for column in good.columns:
        for hole in (np.nan, None, np.inf):
            if hole == np.inf and not pd.api.types.is_numeric_dtype(good[column]):
                continue
            every = places if request.config.getoption("--soak") else [places[next(turns) % 4]]  # one after the other
            for rows in every:
                bad = good.astype({column: object})
                bad.iloc[rows, bad.columns.get_loc(column)] = hole
                readable(draw(bad))


@pytest.mark.parametrize("name", DRAWN)
def test_no_row_one_row_and_rows_with_any_index(name: str) -> None:
    draw, good = DRAWN[name]
    empty = draw(good.iloc[:0])
    assert not empty.data
    readable(empty)
    for place in range(0, len(good), max(1, len(good) // 6)):
        readable(draw(good.iloc[[place]]))
    shuffled = good.set_index(np.zeros(len(good), dtype=int))
    assert draw(shuffled).to_json() == draw(good).to_json()


@pytest.mark.parametrize("name", OF_COSTS)
def test_one_model_and_one_step(name: str) -> None:
    good = costs()
    for model in ("ANN", "SNN"):
        alone = good[good["model"] == model]
        readable(OF_COSTS[name](alone))
        figure = OF_COSTS[name](alone.tail(1))
        readable(figure)
        assert figure.data
        for axis in (figure.layout.xaxis, figure.layout.yaxis):
            assert axis.type != "log" or axis.ticktext


@pytest.mark.parametrize("name", OF_COSTS)
def test_a_model_that_never_responds_is_told(name: str) -> None:
    late = costs().assign(accuracy=lambda rows: rows["accuracy"].mask(rows["model"] == "ANN"))
    figure = OF_COSTS[name](late)
    readable(figure)
    if name.startswith("accuracy"):
        assert {trace.name.split(" ")[0] for trace in figure.data} <= {"SNN", "first"}
        assert "Never answers: ANN." in figure.layout.meta["subtitle"]


@pytest.mark.parametrize("name", OF_COSTS)
def test_counts_of_nothing_and_text_for_numbers(name: str) -> None:
    readable(OF_COSTS[name](costs().assign(**dict.fromkeys(COUNTS, 0.0))))
    readable(OF_COSTS[name](costs().assign(**dict.fromkeys(COUNTS, "many"))))
    readable(OF_COSTS[name](costs().assign(accuracy="good")))
