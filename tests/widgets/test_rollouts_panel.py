"""The panel of rollouts without a browser: by its traits, and by what the page would send."""

import json
from typing import Any

import plotly.graph_objects as go
import pytest

import workbench as wb
from tests.support import tiny
from workbench import figures, widgets

CHOICES = ("streaming", "sequential", "as given (hybrid)", "streaming beside sequential")


@pytest.fixture
def panel() -> widgets.RolloutsPanel:
    return widgets.rollouts(network(), frames=4)


def network() -> wb.Network:
    edges = [("eye", "v1", 1), ("v1", "v2", 0), ("eye", "v2", 2), ("v2", "v2", 1), ("v2", "hand", 1)]
    return wb.Network({"eye": (2,)}, [wb.Edge(a, b, wb.Dense(2), delay=d) for a, b, d in edges])


def point_at(panel: widgets.RolloutsPanel, place: tuple[str, int], kind: str = "hover", column: int = 0) -> None:
    """What the page tells when the pointer is over a mark, or clicks on it."""
    index = panel.rollouts[column].places.index(place)
    tiny.point_at(panel, 3 + 4 * column, index, kind)


def assert_shows(panel: widgets.RolloutsPanel) -> None:
    """The figure in view, and what its page is given, equal the one drawn afresh."""
    fresh = figures.rollouts(*panel.rollouts, place=panel.selection)
    assert json.loads(panel.figure.plain.to_json()) == json.loads(fresh.to_json())
    sent = go.Figure(panel.figure._drawing["data"], panel.figure._drawing["layout"])
    assert json.loads(sent.to_json()) == json.loads(fresh.to_json())


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("place", [None, ("v2", 2)])
def test_the_figure_follows_the_controls(panel: widgets.RolloutsPanel, choice: str, place: Any) -> None:
    figure = panel.figure
    panel.choice.value = choice
    assert_shows(panel)
    panel.node.value, panel.frame.value = place or ("", 0)
    assert panel.selection == place
    assert_shows(panel)
    panel.frames.value = 6
    assert_shows(panel)
    assert panel.figure is figure
    assert len(panel.table) == 6 * 4 * len(panel.rollouts)


def test_the_table_says_what_is_lit(panel: widgets.RolloutsPanel) -> None:
    assert set(panel.table["lit"]) == {"none"}
    panel.choice.value = CHOICES[3]
    panel.choose(("v2", 2))
    for rollout, name in zip(panel.rollouts, ("streaming", "sequential"), strict=True):
        rows = panel.table[panel.table["rollout"] == name]
        for lit, places in (
            ("past", rollout.past("v2", 2)), ("future", rollout.future("v2", 2)), ("self", {("v2", 2)}),
        ):  # fmt: skip
            chosen = rows[rows["lit"] == lit]
            assert set(zip(chosen["node"], chosen["frame"], strict=True)) == set(places)
        assert rows["T"].tolist() == [t for row in rollout.tableau for t in row]
        assert dict(zip(rows["node"], rows["first_response"], strict=True)) == rollout.first_response


@pytest.mark.parametrize("choice", CHOICES)
def test_hovering_lights_a_place(panel: widgets.RolloutsPanel, choice: str) -> None:
    panel.choice.value = choice
    for column in range(len(panel.rollouts)):
        for place in (("eye", 0), ("v2", 3)):
            point_at(panel, place, column=column)
            assert panel.selection == (panel.node.value, panel.frame.value) == place
            assert_shows(panel)
    assert "in its past" in panel.note.value


def test_clicking_keeps_a_place_until_it_is_clicked_again(panel: widgets.RolloutsPanel) -> None:
    point_at(panel, ("v1", 1))
    point_at(panel, ("v1", 1), "click")
    assert "until you click it again" in panel.note.value
    point_at(panel, ("eye", 0))
    assert panel.selection == ("v1", 1)
    point_at(panel, ("v1", 1), "click")
    point_at(panel, ("eye", 0))
    assert panel.selection == ("eye", 0)
    point_at(panel, ("v2", 2), "click")
    point_at(panel, ("hand", 3), "click")
    assert panel.selection == ("hand", 3)


def test_what_the_keyboard_chose_is_kept_from_the_pointer(panel: widgets.RolloutsPanel) -> None:
    panel.node.value = "hand"
    point_at(panel, ("eye", 2))
    assert panel.selection == ("hand", 0)
    panel.node.value = ""
    point_at(panel, ("eye", 2))
    assert panel.selection == ("eye", 2)


def test_a_shorter_window_keeps_the_place_inside(panel: widgets.RolloutsPanel) -> None:
    panel.choose(("v2", 3))
    panel.frames.value = 2
    assert panel.selection == ("v2", 1)
    assert_shows(panel)


def test_errors_in_callbacks_are_told_in_the_panel(
    panel: widgets.RolloutsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*rollouts: wb.Rollout, **options: object) -> go.Figure:
        raise RuntimeError("no <ink>")

    monkeypatch.setattr(figures, "rollouts", fail)
    with pytest.raises(RuntimeError, match="no <ink>"):
        panel.frames.value = 5
    assert panel.note.value == "<b>This could not be drawn.</b> RuntimeError: no &lt;ink&gt;"


@pytest.mark.usefixtures("notebook_renderer")
def test_a_saved_notebook_holds_the_figure_beside_the_view() -> None:
    panel, again = widgets.rollouts(network()), widgets.rollouts(network())
    bundle, same = panel._repr_mimebundle_(), again._repr_mimebundle_()
    figure, still = "application/vnd.plotly.v1+json", "image/png"
    assert set(bundle) == {"text/plain", "application/vnd.jupyter.widget-view+json", figure, still}
    assert bundle["text/plain"] == same["text/plain"] == "RolloutsPanel(streaming, 6 frames, nothing chosen)"
    assert (bundle[figure], bundle[still]) == (same[figure], same[still])


def test_every_control_has_a_label(panel: widgets.RolloutsPanel) -> None:
    assert [control.description for control in (panel.choice, panel.frames, panel.node, panel.frame)] == [
        "rollout", "frames", "look from", "in frame",
    ]  # fmt: skip


def test_mistakes_are_refused_with_a_cure(panel: widgets.RolloutsPanel) -> None:
    with pytest.raises(ValueError, match="frames=13 must be a whole number from 1 to 12"):
        widgets.rollouts(network(), frames=13)
    with pytest.raises(ValueError, match=r"\('v2', 9\) is not in the window of frames 0 to 3"):
        panel.choose(("v2", 9))
