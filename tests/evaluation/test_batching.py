"""Choosing evenly: the first and the last are there, and steps differ by one at most."""

import numpy as np
import pytest

from workbench.conversion.activation_scales import CALIBRATION_RECORDINGS
from workbench.evaluation import choose_evenly


@pytest.mark.parametrize("nearest", [True, False])
@pytest.mark.parametrize("most", [2, 3, 6, 24, 256])
def test_choices_are_spread_evenly_from_the_first_to_the_last(most: int, nearest: bool):
    for count in [*range(1, 300), 1000, 60_000, 69_999]:
        chosen = choose_evenly(count, most, nearest=nearest)
        assert len(chosen) == min(most, count)
        assert chosen[0] == 0
        assert chosen[-1] == count - 1 or len(chosen) == 1
        assert np.ptp(np.diff(chosen)) <= 2 if len(chosen) > 2 else True


def test_calibrations_take_the_recordings_they_always_took():
    for count in [*range(1, 2000), 60_000, 69_999]:
        before = np.unique(np.linspace(0, count - 1, CALIBRATION_RECORDINGS).astype(int))
        assert np.array_equal(choose_evenly(count, CALIBRATION_RECORDINGS, nearest=False), before)
        held = np.linspace(0, count - 1, min(32, count // 4)).astype(int)
        assert np.array_equal(choose_evenly(count, min(32, count // 4), nearest=False), held)


def test_figures_take_the_frames_they_always_took():
    for count in range(1, 2000):
        assert np.array_equal(choose_evenly(count, 6), np.unique(np.linspace(0, count - 1, 6).round()))
        before = np.unique(np.linspace(0, count - 1, min(24, count)).round().astype(int))
        assert np.array_equal(choose_evenly(count, 24), before)


def test_nothing_is_chosen_of_nothing():
    assert choose_evenly(0, 6).tolist() == []
