"""One step of a recording: the image, the numbers of events of every step, and where the step lies among them."""

import numpy as np
import pytest

from workbench import figures

COUNTS = np.random.default_rng(0).poisson(0.4, (6, 2, 3, 4))


@pytest.mark.parametrize("step", [0, 2, 5])
def test_a_moment_shows_its_step_among_all(step: int) -> None:
    figure = figures.frame(COUNTS, step, window_us=12_000, what="tick")
    image, off, on = figure.data
    pixels = np.asarray(image.z)
    assert pixels.shape == (3, 4, 3)
    np.testing.assert_array_equal((pixels != 255).any(axis=2), COUNTS[step].any(axis=0))
    for polarity, line in enumerate((off, on)):
        assert line.y.tolist() == COUNTS[:, polarity].sum(axis=(1, 2)).tolist()
        np.testing.assert_allclose(line.x, [1, 3, 5, 7, 9, 11])
    assert off.line.dash != on.line.dash
    (band,) = figure.layout.shapes
    assert (band.x0, band.x1) == (2 * step, 2 * step + 2)
    assert figure.layout.meta["title"] == (
        f"Tick {step} of 0 to 5, from {2 * step} to {2 * step + 2} ms: {COUNTS[step].sum()} events"
    )
    assert f"{COUNTS.sum()} events in all" in figure.layout.meta["subtitle"]
    assert [axis.title.text for axis in figure.select_xaxes()][1] == "time (ms)"


def test_an_empty_step_of_a_recording_is_shown_and_an_empty_recording_is_said() -> None:
    counts = COUNTS.copy()
    counts[3] = 0
    assert (np.asarray(figures.frame(counts, 3, 6000).data[0].z) == 255).all()
    assert figures.frame(0 * counts, 3, 6000).layout.annotations[0].text == "no events in this recording"
    assert figures.image(0 * counts[0], "input").layout.annotations[0].text == "no events"
    assert figures.frame(counts[:0], 0, 6000).layout.annotations[0].text == "the recording has no steps"
    assert figures.frame(COUNTS[:1], 0, 6000).layout.meta["title"].startswith("Step 0 of 0 to 0, from 0 to 6 ms")


@pytest.mark.parametrize("counts", [COUNTS[0], 0 * COUNTS[0]])
def test_a_scene_is_one_image(counts: np.ndarray) -> None:
    figure = figures.image(counts, "input, frame 2")
    np.testing.assert_array_equal((np.asarray(figure.data[0].z) != 255).any(axis=2), counts.any(axis=0))
    assert figure.layout.meta["title"] == "input, frame 2"
    assert f"{counts[0].sum()} OFF and {counts[1].sum()} ON events" in figure.layout.meta["alt"]


def test_mistakes_are_refused_with_a_cure() -> None:
    for step in (-1, 6):
        with pytest.raises(ValueError, match=f"step={step} is not among the steps 0 to 5"):
            figures.frame(COUNTS, step, 6000)
    with pytest.raises(ValueError, match=r"figures.frame: shape \(6, 3, 4\) does not fit; expected \(steps, 2"):
        figures.frame(COUNTS[:, 0], 0, 6000)
    with pytest.raises(ValueError, match=r"figures.image: shape \(3, 4\) does not fit; expected \(2, height, width\)"):
        figures.image(COUNTS[0, 0], "nothing")
