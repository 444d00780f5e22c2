"""The controls of every panel: each says what it means, and stills say what all of them say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import workbench as wb
from tests.support import swept, tiny
from workbench import widgets
from workbench.widgets._base.controls import describe_controls, find_controls, write_footer
from workbench.widgets._base.panel import Panel

ONE = tiny.recordings(1)
PANELS: dict[str, Callable[[], Panel]] = {
    "rollouts": lambda: widgets.rollouts(tiny.network()),
    "player": lambda: widgets.player(tiny.recordings()),
    "player, one recording": lambda: widgets.player(ONE),
    "raster": lambda: widgets.raster({"v1": tiny.recordings().as_ticks([0])}, ticks_per_frame=4),
    "sweep": lambda: widgets.sweep(swept.hang, {"a": [0, 2]}, "here"),
    "training": lambda: widgets.training(tiny.ann(), tiny.recordings(), epochs=1),
    "convert": lambda: widgets.convert(tiny.ann(), tiny.recordings(), validation=tiny.recordings()),
    "operations": lambda: widgets.operations({"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings()),
    "explore": lambda: widgets.explore(tiny.snn(), tiny.recordings()),
    "compare": lambda: widgets.compare({"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings()),
}


@pytest.mark.parametrize("name", PANELS)
def test_every_control_has_a_name_and_a_hint_that_the_page_knows(name: str) -> None:
    panel = PANELS[name]()
    controls = list(find_controls(panel))
    assert controls
    for control in controls:
        assert control.description, "a name"
        assert len(control.tooltip or "") > 15, f"{control.description} has no hint"
        assert panel.figure._hints[control.description] == control.tooltip
    assert len(panel.figure._hints) == len(controls), "two controls of one name"
    panel.close()


def test_stills_say_what_the_controls_say(notebook_renderer: None) -> None:
    panel = widgets.player(tiny.recordings())
    panel.recording.value, panel.view.value, panel.clock.step.value = 2, "tick by tick", 7
    words = "recording 2, view tick by tick, tick 7, speed 30 times slower"
    assert describe_controls(panel) == words
    shown = panel._repr_mimebundle_()["application/vnd.plotly.v1+json"]
    assert f"Controls: {words}. Run the cell again to move them." in shown["layout"]["title"]["text"]
    assert panel.figure._stills[panel.model_id].endswith(panel.figure._footer["text"])
    panel.close()


def test_a_control_that_cannot_be_moved_is_left_out() -> None:
    assert describe_controls(widgets.player(ONE)) == "view frame by frame, frame 0, speed 30 times slower"


def test_names_are_no_markup() -> None:
    assert "&lt;b&gt;x&lt;/b&gt; &amp; y" in write_footer("<b>x</b> & y")["text"]
    long = write_footer("word " * 60)
    assert long["px"] == 17 * (1 + long["text"].count("<br>") - 1)


def silent() -> wb.Model:
    """An SNN that never spikes."""
    return wb.convert(tiny.ann(), tiny.recordings(), percentile=99.9, emission="at_once")


def test_an_snn_that_never_spikes_is_said_to() -> None:
    nothing = tiny.recordings(rate=0.0)
    panel = widgets.explore(silent(), nothing)
    assert "No unit spikes in this recording." in panel.note.value
    raster = widgets.raster({"v1": np.zeros((8, 1, 3), dtype=np.uint8)}, ticks_per_frame=4)
    assert raster.note.value == "No unit spikes in this recording."
