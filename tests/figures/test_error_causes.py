"""The causes of errors: bars add up to the error, the largest cause is said, what cannot be drawn says why."""

import numpy as np
import pandas as pd
import pytest

from tests.support.tables import causes as table
from workbench import figures
from workbench.analysis.error_decomposition import CAUSES


def test_the_bars_of_a_node_add_up_to_its_relative_error():
    found = table()
    figure = figures.causes(found)
    assert [bar.name for bar in figure.data] == list(CAUSES)
    assert figure.layout.barmode == "relative"
    total = np.sum([bar.x for bar in figure.data], axis=0)
    answered = found[(found["error"] > 0) & found["relative_error"].notna()]
    expected = 100 * answered.groupby("node")["relative_error"].mean()
    np.testing.assert_allclose(total, expected[list(figure.data[0].y)], rtol=1e-4)
    assert len({(bar.marker.color, bar.marker.pattern.shape) for bar in figure.data}) == len(CAUSES)


def test_the_worst_node_and_its_largest_cause_are_said():
    rows = pd.DataFrame({"node": ["v1", "v2"], "frame": 1, "error": [1.0, 2.0], "relative_error": [0.1, 0.4]})
    parts = {cause: [0.0, 0.0] for cause in CAUSES} | {"carry": [1.0, 2.5], "floor": [0.0, -0.5]}
    meta = figures.causes(rows.assign(**parts)).layout.meta
    assert meta["title"] == "v2 errs by 40 % of its activity, most of it by carry"
    assert meta["subtitle"] == "Carry: the membrane left over from the previous frame."
    many = pd.concat([rows.assign(node=f"n{i}", **parts) for i in range(20)])
    assert "The 12 worst of 20 nodes are shown." in figures.causes(many).layout.meta["subtitle"]


def test_without_errors_it_says_so_and_another_table_is_refused():
    right = table().assign(error=0.0)
    assert "there is no error to divide" in figures.causes(right).layout.annotations[0].text
    with pytest.raises(ValueError, match=r"figures\.causes"):
        figures.causes(table().drop(columns="carry"))
