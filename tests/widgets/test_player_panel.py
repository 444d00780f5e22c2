"""The player without a browser: by its traits, its table and the figure in view."""

import numpy as np
import pytest

from tests.support import tiny
from tests.support.tiny import assert_saved, assert_shows, labels, said
from workbench import figures, widgets
from workbench.widgets._base.playback import Playback
from workbench.widgets.player_panel import CLOUD, FRAMES, STRIP, TICKS

RECORDINGS = tiny.recordings()
WINDOW_US = RECORDINGS.window_us


@pytest.fixture
def panel() -> widgets.PlayerPanel:
    return widgets.player(RECORDINGS, recording=1)


@pytest.mark.parametrize("recording", [1, 3])
@pytest.mark.parametrize("step", [0, 4])
def test_every_view_shows_the_recording(panel: widgets.PlayerPanel, recording: int, step: int) -> None:
    panel.recording.value, panel.clock.step.value = recording, step
    frames, ticks = RECORDINGS.as_frames([recording])[:, 0], RECORDINGS.as_ticks([recording])[:, 0]
    assert panel.selection == (recording, step)
    assert_shows(panel, figures.frame(frames, step, WINDOW_US, "frame"))
    assert panel.table[["off", "on"]].to_numpy().tolist() == frames.sum(axis=(2, 3)).tolist()
    panel.view.value = TICKS
    assert panel.selection == (recording, 4 * step), "the time stays"
    assert panel.clock.step.description == "tick"
    assert_shows(panel, figures.frame(ticks, 4 * step, WINDOW_US, "tick"))
    assert panel.table[["off", "on"]].to_numpy().tolist() == ticks.sum(axis=(2, 3)).tolist()
    panel.view.value = STRIP
    assert_shows(panel, figures.frames(frames, WINDOW_US))
    assert panel.selection == (recording, step)
    assert panel.clock.step.disabled
    panel.view.value = CLOUD
    assert_shows(panel, figures.events(RECORDINGS[recording], RECORDINGS.shape, WINDOW_US))
    panel.view.value = FRAMES
    assert not panel.clock.step.disabled
    assert_shows(panel, figures.frame(frames, step, WINDOW_US, "frame"))
    assert RECORDINGS.classes[RECORDINGS.labels[recording]] in panel.note.value


def test_the_times_of_the_table_cover_the_window(panel: widgets.PlayerPanel) -> None:
    panel.view.value = TICKS
    assert panel.table["begin_ms"][0] == 0
    assert panel.table["end_ms"].iloc[-1] == WINDOW_US / 1000
    np.testing.assert_allclose(panel.table["begin_ms"][1:], panel.table["end_ms"][:-1])


def test_the_clock_keeps_pace() -> None:
    clock = Playback(steps=24, step_us=12_500)
    for speed, factor in (("real speed", 1), ("10 times slower", 10), ("100 times slower", 100)):
        clock.speed.value = speed
        assert clock.play.interval >= 100
        steps_per_ms = clock.play.step / clock.play.interval
        assert steps_per_ms == pytest.approx(1 / (12.5 * factor), rel=0.3)
    clock.step.value = 23
    clock.resize(8, 37_500)
    assert (clock.step.value, clock.step.max, clock.play.max) == (7, 7, 7)
    clock.resize(24, 12_500)
    assert (clock.step.value, clock.step.max) == (21, 23)


def test_the_controls_have_labels_and_the_panel_is_saved(notebook_renderer: None) -> None:
    assert labels(widgets.player(RECORDINGS)) == [
        "find", "order", "confusion matrix", "found", "recording", "view", "play", "frame", "speed",
    ]  # fmt: skip
    assert_saved(widgets.player(RECORDINGS, recording=1), widgets.player(RECORDINGS, recording=1))
    assert repr(widgets.player(RECORDINGS, recording=1)) == "PlayerPanel(recording 1, frame by frame, step 0)"


def test_a_single_recording_of_a_single_step_plays() -> None:
    panel = widgets.player(tiny.recordings(1, 1, 1))
    assert panel.recording.disabled
    for view in (TICKS, STRIP, CLOUD, FRAMES):
        panel.view.value = view
        assert panel.figure.data
        assert len(panel.table) == 1


@pytest.mark.parametrize("view", [FRAMES, TICKS, STRIP, CLOUD])
def test_an_empty_recording_says_so(view: str) -> None:
    panel = widgets.player(tiny.recordings(rate=0.0))
    panel.view.value = view
    assert "no events in this recording" in said(panel)
    assert panel.table[["off", "on"]].to_numpy().sum() == 0


@pytest.mark.parametrize("shape", [(5,), (1, 3, 3), (3, 3)])
def test_recordings_that_are_no_images_say_so(shape: tuple[int, ...]) -> None:
    panel = widgets.player(tiny.recordings(shape=shape))
    for view in (FRAMES, TICKS, STRIP, CLOUD):
        panel.view.value = view
        assert said(panel) == f"these recordings have the shape {shape}; only images (2, height, width) play"
        panel.clock.step.value = 2
    with pytest.raises(ValueError, match="only images"):
        _ = panel.table


@pytest.mark.parametrize("recording", [-1, 4])
def test_a_recording_that_is_not_there_is_refused(recording: int) -> None:
    with pytest.raises(ValueError, match=f"recording={recording} is not among the 4; count from 0"):
        widgets.player(RECORDINGS, recording=recording)
