"""Answers and costs of many recordings at once equal those of each followed alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support import tiny
from tests.support.random_networks import IMAGE, random_network, random_spiking
from workbench.analysis.recording_trace import trace_recording
from workbench.evaluation.anytime.trajectories import COUNTS, run_trajectories


def random_recordings(seed: int, count: int, frames: int, ticks: int) -> wb.Recordings:
    counts = np.random.default_rng(seed).poisson(0.3, (frames * ticks, count, *IMAGE))
    return wb.Recordings.from_ticks(counts, np.arange(count) % 3, ticks_per_frame=ticks)


def random_course(seed: int) -> tuple[wb.Model, wb.Recordings]:
    """A random SNN with exact sums, or an ANN, and more recordings than fit a batch."""
    network = random_network(seed, parallel=True)
    frames = network.first_response["out"] + 1 + seed % 3
    if seed % 2:
        return wb.Model(network, seed=seed, norm=None).eval(), random_recordings(seed, 35, frames, 1)
    snn = random_spiking(network, seed)
    snn.ticks_per_frame = 2
    return snn, random_recordings(seed, 35, frames, 2)


@pytest.mark.parametrize("seed", range(24))
def test_every_recording_costs_and_answers_what_it_does_alone(seed: int) -> None:
    model, recordings = random_course(seed)
    courses = run_trajectories(model, recordings)
    first = model.network.first_response["out"]
    for recording in (0, 13, 31, 32, 34):
        alone = trace_recording(model, recordings, recording=recording)
        np.testing.assert_allclose(courses.answers[:, recording], alone.answers[first:], rtol=1e-5, atol=1e-5)
        for column in COUNTS:
            np.testing.assert_array_equal(courses.counts[column][:, recording], alone.costs[column])
        for step in range(alone.steps - first):
            spent = courses.count_until(np.full(len(recordings), step), energy="int8, zeros skipped").iloc[recording]
            row = alone.costs.iloc[first + step]
            assert spent[["step", "frame", *COUNTS]].tolist() == row[["step", "frame", *COUNTS]].tolist()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("energy", ["fp32", "fp32, zeros skipped"])
def test_the_mean_over_recordings_is_what_compare_says(seed: int, energy: str) -> None:
    model, recordings = random_course(seed)
    courses = run_trajectories(model, recordings)
    table = (
        wb.compare({"model": model}, recordings, energy=energy).iloc[courses.first_response :].reset_index(drop=True)
    )
    for step in range(len(table)):
        mean = courses.count_until(np.full(len(recordings), step), energy).mean()
        columns = ["step", "frame", *COUNTS, "energy_nj"]
        pd.testing.assert_series_equal(mean[columns], table.loc[step, columns].astype(float), check_names=False)
    assert courses.right.mean(1).tolist() == pytest.approx(table["accuracy"].tolist())


def test_a_mode_is_left_as_it_was_and_the_answer_may_be_that_of_a_frame() -> None:
    model = tiny.snn().copy().train()
    courses = run_trajectories(model, tiny.recordings(), answer="frame")
    assert model.training
    alone = trace_recording(tiny.snn(), tiny.recordings(), recording=2, answer="frame").answers
    np.testing.assert_allclose(courses.answers[:, 2], alone[courses.first_response :], rtol=1e-5, atol=1e-6)


def test_recordings_that_end_before_the_first_response_are_refused() -> None:
    with pytest.raises(ValueError, match="answers first at step 3, but the recordings have 2 steps"):
        run_trajectories(tiny.ann(), replace(tiny.recordings(), frames=2))
