"""The doctor's figure: the worst node and its advice in words, errors as lines, ailments as bars."""

import numpy as np
import pytest

from tests.support.tables import diagnosis as table
from workbench import figures
from workbench.figures._diagnosis import SHOWN


def test_errors_are_lines_and_ailments_bars() -> None:
    figure = figures.diagnosis(table())
    lines, bars = ([trace for trace in figure.data if trace.type == kind] for kind in ("scatter", "bar"))
    assert [line.name for line in lines] == ["v0", "v1", "v2"]
    assert lines[1].x.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(lines[1].y, [11, 12, 13, 14])
    assert [bar.name for bar in bars] == ["saturated", "silent", "at the floor"]
    np.testing.assert_allclose(bars[0].x, [1, 2, np.nan])
    assert len({bar.marker.pattern.shape for bar in bars}) == 3
    assert len({(line.line.dash, line.marker.symbol) for line in lines}) == 3


def test_the_worst_node_and_its_advice_are_said() -> None:
    meta = figures.diagnosis(table()).layout.meta
    assert meta["title"] == "v2 errs most: by 17.5 % of its activity"
    assert meta["subtitle"] == "Advice: v2 saturates: raise percentile. Advice on v1 is in the table."
    well = figures.diagnosis(table().assign(advice="")).layout.meta
    assert well["subtitle"] == "Nothing to advise on it."


@pytest.mark.parametrize("nodes", [1, 6, 60, 200])
def test_of_many_nodes_the_worst_are_shown(nodes: int) -> None:
    figure = figures.diagnosis(table(nodes))
    lines = [trace for trace in figure.data if trace.type == "scatter"]
    assert len(lines) == min(nodes, SHOWN)
    assert lines[-1].name == f"v{nodes - 1}"
    assert len({(line.line.color, line.line.dash, line.marker.symbol) for line in lines}) == len(lines)
    assert (f"The {SHOWN} worst of {nodes} nodes are shown" in figure.layout.meta["subtitle"]) == (nodes > SHOWN)
    assert figure.layout.height < 1000


def test_nothing_to_show_is_said_and_other_tables_are_refused() -> None:
    for nothing in (table().iloc[:0], table().assign(relative_error=np.nan), table().assign(relative_error=np.inf)):
        assert "no node has answered yet" in figures.diagnosis(nothing).layout.annotations[0].text
    only = table().assign(saturated=np.nan, silent=np.nan, floor_hits=np.nan)
    assert figures.diagnosis(only).layout.xaxis2.range == (0, 1)
    with pytest.raises(ValueError, match=r"lacks the column advice; .* that wb\.diagnose returns"):
        figures.diagnosis(table().drop(columns="advice"))
