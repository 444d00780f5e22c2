"""A rollout as a table: the tableau, the first responses, and the cones of a place."""

import pytest

import workbench as wb
from tests.support import tiny
from workbench.analysis import find_kind, find_roles, tabulate_rollout


@pytest.mark.parametrize("place", [None, ("v0", 2)])
def test_every_row_is_that_of_the_rollout(place: tuple[str, int] | None):
    rollout = wb.Rollout(tiny.network(), 4)
    table = tabulate_rollout(rollout, place)
    assert [tuple(pair) for pair in table[["node", "frame"]].values.tolist()] == list(rollout.places)
    for row in table.to_dict("records"):
        assert row["T"] == rollout.tableau[row["frame"]][rollout.network.nodes.index(row["node"])]
        assert row["first_response"] == rollout.first_response[row["node"]]
        expected = "none"
        if place is not None:
            here = (row["node"], row["frame"])
            lit = {
                "self": here == place,
                "past": here in rollout.past(*place),
                "future": here in rollout.future(*place),
            }
            expected = next((role for role, true in lit.items() if true), "none")
        assert row["lit"] == expected


def test_the_kind_is_that_of_the_delays():
    network = tiny.network()
    assert find_kind(wb.Rollout(network.streaming(), 2)) == "streaming"
    assert find_kind(wb.Rollout(network.sequential(), 2)) == "sequential"


def test_without_a_place_there_are_no_roles():
    assert set(find_roles(wb.Rollout(tiny.network(), 2), None).values()) == {""}
