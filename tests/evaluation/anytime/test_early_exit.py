"""Early exits: thresholds by brute force, bounds that hold, costs of each recording alone, and refusals."""

import math
from dataclasses import FrozenInstanceError, replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import optimize, stats

import workbench as wb
from tests.support import tiny
from workbench.analysis.recording_trace import trace_recording
from workbench.evaluation.anytime.early_exit import (
    LEVELS,
    NO_EXIT,
    EarlyExit,
    bound_share,
    choose_threshold,
    find_stops,
)
from workbench.evaluation.anytime.temperature_scaling import fit_inverse_temperature, measure_confidence
from workbench.evaluation.anytime.trajectories import COUNTS, run_trajectories

CLASSES = ("left", "right", "up")


@cache
def moving(count: int = 120, seed: int = 0) -> wb.Recordings:
    """Recordings whose class is where most events are; how clear it is differs."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    rates = np.full((count, 2, 3, 3), 0.1)
    for column in range(3):
        rates[labels == column, :, :, column] += rng.uniform(0, 0.5, (np.count_nonzero(labels == column), 1, 1))
    counts = rng.poisson(rates, (20, *rates.shape))
    return wb.Recordings.from_ticks(counts, labels, CLASSES, ticks_per_frame=4)


@cache
def models() -> dict[str, wb.Model]:
    network = wb.Network({"eye": (2, 3, 3)}, [wb.Edge("eye", "v", wb.Dense(8)), wb.Edge("v", "hand", wb.Dense(3))])
    ann, _ = wb.train(wb.Model(network, seed=0), moving(300, seed=9), epochs=5, progress=False)
    return {"ANN": ann, "SNN": wb.convert(ann, moving(300, seed=9))}


@cache
def early(kind: str) -> EarlyExit:
    return wb.calibrate_exit(models()[kind], moving(), loss=0.06)


# confidence


@pytest.mark.parametrize("seed", range(10))
def test_the_sharpness_has_the_largest_likelihood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 50)
    answers = rng.normal(size=(3, 50, 4)) * rng.uniform(0.2, 5)
    answers[:, np.arange(50), labels] += rng.uniform(0, 4)
    smoothing = 1 / 52
    targets = np.full((50, 4), smoothing / 3)
    targets[np.arange(50), labels] = 1 - smoothing

    def surprise(inverse_temperature: float, step: int) -> float:
        return -float((targets * torch.tensor(inverse_temperature * answers[step]).log_softmax(1).numpy()).sum())

    fitted = fit_inverse_temperature(torch.tensor(answers), labels)
    for step in range(3):
        best = optimize.minimize_scalar(surprise, bounds=(0, 100), args=(step,), method="bounded")
        assert fitted[step] == pytest.approx(best.x, abs=1e-3)


def test_answers_worse_than_chance_have_no_sharpness_and_perfect_ones_a_finite_one() -> None:
    labels = np.arange(30) % 3
    perfect = torch.eye(3, dtype=torch.float64)[labels][None]
    assert fit_inverse_temperature(-perfect, labels).tolist() == [0.0]
    (inverse_temperature,) = fit_inverse_temperature(perfect, labels)
    assert measure_confidence(perfect, np.array([inverse_temperature]))[0] == pytest.approx(1 - 1 / 32)
    assert fit_inverse_temperature(100 * perfect, labels)[0] == pytest.approx(inverse_temperature / 100)
    assert measure_confidence(torch.randn(2, 5, 4), np.zeros(2)).tolist() == [[0.25] * 5] * 2


@pytest.mark.parametrize("seed", range(5))
def test_the_first_sure_step_is_found(seed: int) -> None:
    confidence = np.random.default_rng(seed).random((6, 40))
    for threshold in (0, 0.3, 0.8, 0.95, 1.0, NO_EXIT):
        stops = find_stops(confidence, threshold)
        for recording in range(40):
            sure = [step for step in range(6) if confidence[step, recording] >= threshold]
            assert stops[recording] == (sure[0] if sure else 5)


# bounds


@pytest.mark.parametrize(("count", "of"), [(0, 1), (0, 149), (3, 200), (50, 120), (119, 120), (7, 7), (12, 2000)])
@pytest.mark.parametrize("certainty", [0.5, 0.9, 0.95, 0.999])
def test_the_bound_is_that_of_clopper_and_pearson(count: int, of: int, certainty: float) -> None:
    exact = 1.0 if count == of else stats.beta.ppf(certainty, count + 1, of - count)
    assert bound_share(count, of, certainty) == pytest.approx(exact, rel=1e-9)


def drawn(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidences and whether right, (steps, recordings): later is better, surer is righter, but not reliably."""
    ease = rng.random(count)
    confidence = np.clip(1 - rng.exponential(0.3, (5, count)) * (1 - ease) * np.arange(5, 0, -1)[:, None] / 3, 0.1, 1)
    right = rng.random((5, count)) < 0.5 + 0.5 * confidence * np.linspace(0.9, 1, 5)[:, None]
    return confidence, right


@pytest.mark.parametrize("absolute", [False, True])
def test_a_calibrated_threshold_loses_more_than_allowed_no_oftener_than_promised(absolute: bool) -> None:
    rng = np.random.default_rng(0)
    risk, certainty = (0.25, 0.8) if absolute else (0.08, 0.8)
    many, truth = drawn(rng, 60_000)
    recording = np.arange(many.shape[1])
    broken = stopped = 0
    for _ in range(250):
        threshold, _ = choose_threshold(*drawn(rng, 120), risk, certainty, absolute)
        wrong = ~truth[find_stops(many, threshold), recording]
        errors = wrong if absolute else wrong & truth[-1]
        stopped += threshold < NO_EXIT
        broken += errors.mean() > risk
    assert stopped > 100  # it is no empty promise
    assert broken / 250 < (1 - certainty) + 3 * math.sqrt(certainty * (1 - certainty) / 250)


@pytest.mark.parametrize("seed", range(20))
def test_the_threshold_is_the_last_until_which_all_pass(seed: int) -> None:
    confidence, right = drawn(np.random.default_rng(seed), 100)
    for risk, absolute in ((0.03, False), (0.1, False), (0.3, True), (0.01, True)):
        passed = []
        for threshold in LEVELS:
            errors = 0
            for recording in range(100):
                sure = [step for step in range(5) if confidence[step, recording] >= threshold] or [4]
                wrong = not right[sure[0], recording]
                errors += wrong and (absolute or bool(right[4, recording]))
            if bound_share(errors, 100, 0.9) > risk:
                break
            passed.append((threshold, errors))
        at_end = int((~right[-1]).sum()) if absolute else 0
        expected = passed[-1] if passed else (NO_EXIT, at_end)
        assert choose_threshold(confidence, right, risk, 0.9, absolute) == expected
    assert LEVELS[0] == NO_EXIT
    assert list(LEVELS) == sorted(LEVELS, reverse=True)
    assert LEVELS[-1] == 0


# stopping


@pytest.mark.parametrize("kind", ["ANN", "SNN"])
def test_a_recording_stops_answers_and_costs_as_it_does_alone(kind: str) -> None:
    exit_, test = early(kind), moving(40, seed=5)
    assert 0 < exit_.threshold < NO_EXIT
    stops = exit_.stop(test)
    assert stops["model"].eq(kind).all()
    assert stops["recording"].tolist() == list(range(40))
    first = models()[kind].network.first_response["hand"]
    for recording, row in enumerate(stops.to_dict("records")):
        alone = trace_recording(models()[kind], test, recording=recording)
        scaled = torch.tensor(alone.answers[first:] * exit_.inverse_temperature[:, None])
        confidence = scaled.softmax(1).amax(1).tolist()
        sure = [step for step, value in enumerate(confidence) if value >= exit_.threshold]
        step = first + (sure[0] if sure else len(confidence) - 1)
        assert row["step"] == step
        assert row["early"] == (step < alone.steps - 1)
        assert row["confidence"] == pytest.approx(confidence[step - first], abs=1e-5)
        assert row["answer"] == alone.chosen[step]
        assert row["label"] == CLASSES[test.labels[recording]]
        assert row["right"] == (row["answer"] == row["label"]) == bool(alone.costs["accuracy"][step])
        assert [row[column] for column in COUNTS] == alone.costs.loc[step, list(COUNTS)].tolist()
        assert row["energy_nj"] == pytest.approx(alone.costs["energy_nj"][step])
        assert row["frame"] == pytest.approx(alone.costs["frame"][step])
    assert stops["step"].min() >= first
    assert stops["step"].nunique() > 1


@pytest.mark.parametrize("kind", ["ANN", "SNN"])
def test_a_sweep_runs_from_the_first_answer_to_the_end(kind: str) -> None:
    exit_, test = early(kind), moving(60, seed=6)
    sweep, costs = exit_.sweep(test, energy="int8"), wb.compare({kind: models()[kind]}, test, energy="int8")
    columns = ["accuracy", "frame", *COUNTS, "energy_nj"]
    first = costs.dropna().iloc[0]
    for row, step in ((sweep.iloc[0], first), (sweep.iloc[-1], costs.iloc[-1])):
        np.testing.assert_allclose(row[columns].astype(float), step[columns].astype(float), rtol=1e-9)
    assert sweep["threshold"].is_monotonic_increasing
    assert sweep["threshold"].is_unique
    assert (sweep["early"].iloc[-1], sweep["lost"].iloc[-1]) == (0, 0)
    for column in ("frame", "neuron_updates", "energy_nj"):
        assert sweep[column].is_monotonic_increasing
    assert sweep["early"].is_monotonic_decreasing
    (calibrated,) = sweep[sweep["calibrated"]].to_dict("records")
    stops = exit_.stop(test, energy="int8")
    for column in ("frame", "early", *COUNTS, "energy_nj"):
        assert calibrated[column] == pytest.approx(stops[column].mean())
    assert calibrated["accuracy"] == pytest.approx(stops["right"].mean())
    share = stops["right"].mean()
    assert calibrated["standard_error"] == pytest.approx(math.sqrt(share * (1 - share) / 60))
    ends = run_trajectories(models()[kind], test).right[-1]
    assert calibrated["lost"] == pytest.approx((ends & ~stops["right"].to_numpy()).mean())


def test_a_summary_holds_the_exit_against_the_end() -> None:
    exit_, test = early("SNN"), moving(60, seed=6)
    summary = exit_.summarise(test)
    assert summary["rule"].tolist() == ["early exit", "to the end"]
    assert summary["threshold"].tolist() == [exit_.threshold, NO_EXIT]
    sweep = exit_.sweep(test)
    assert summary.iloc[0]["accuracy"] == sweep[sweep["calibrated"]]["accuracy"].item()
    assert summary["frame"].iloc[0] < summary["frame"].iloc[1] == 5
    waits = replace(exit_, threshold=NO_EXIT).summarise(test)
    assert waits["rule"].tolist() == ["early exit", "to the end"]
    assert waits["frame"].tolist() == [5, 5]


@pytest.mark.parametrize("engine", ["dense", "events", "auto"])
def test_exits_are_the_same_on_every_engine(engine: str) -> None:
    exit_, test, snn = early("SNN"), moving(40, seed=5), models()["SNN"]
    for verb in (exit_.stop, exit_.sweep, exit_.summarise):
        pd.testing.assert_frame_equal(verb(test, engine=engine, progress=False), verb(test))
    again, other = (wb.calibrate_exit(snn, moving(600, seed=1), loss=0.05, engine=named) for named in (engine, None))
    assert (again.threshold, again.errors, again.bound) == (other.threshold, other.errors, other.bound)
    assert np.array_equal(again.inverse_temperature, other.inverse_temperature)
    with pytest.raises(ValueError, match="engine='fast' is unknown"):
        exit_.stop(test, engine="fast")


# calibration


@pytest.mark.parametrize("kind", ["ANN", "SNN"])
def test_calibration_counts_what_it_says(kind: str) -> None:
    exit_ = early(kind)
    fitting, testing = moving().split(1 / 3, seed=0)
    assert (exit_.fitted, exit_.tested) == (len(fitting), len(testing)) == (39, 81)
    inverse_temperature = fit_inverse_temperature(run_trajectories(models()[kind], fitting).answers, fitting.labels)
    np.testing.assert_array_equal(exit_.inverse_temperature, inverse_temperature)
    stops = exit_.stop(testing)
    end = run_trajectories(models()[kind], testing).right[-1]
    assert exit_.errors == (end & ~stops["right"].to_numpy()).sum()
    assert exit_.early == stops["early"].mean()
    assert exit_.bound == bound_share(exit_.errors, 81, 0.95) <= exit_.risk == 0.06
    again = wb.calibrate_exit(models()[kind], moving(), loss=0.06)
    assert repr(again) == repr(exit_)
    assert f"EarlyExit({kind} stops at a confidence of" in repr(exit_)
    assert f"of 81 recordings held back {100 * exit_.early:.0f} % stop early" in repr(exit_)
    with pytest.raises(FrozenInstanceError):
        exit_.threshold = 0


def test_more_loss_stops_sooner_and_an_accuracy_can_be_asked_for() -> None:
    frames = []
    for loss in (0.04, 0.08, 0.3, 0.9):
        exit_ = wb.calibrate_exit(models()["SNN"], moving(), loss=loss)
        frames.append(exit_.stop(moving())["frame"].mean())
    assert frames == sorted(frames, reverse=True)
    assert frames[-1] < frames[0]
    wanted = wb.calibrate_exit(models()["SNN"], moving(), accuracy=0.5, name="tiny")
    assert (wanted.name, wanted.answer, wanted.absolute) == ("tiny", "running", True)
    assert wanted.bound <= wanted.risk == 0.5
    assert wb.calibrate_exit(models()["SNN"], moving(), loss=0.9, answer="frame").answer == "frame"
    assert "are wrong: with 95 % certainty at most" in repr(wanted)


def test_what_cannot_be_reached_waits_for_the_end_and_says_so() -> None:
    exit_ = wb.calibrate_exit(models()["SNN"], moving(300), accuracy=0.97)
    assert exit_.threshold == NO_EXIT
    assert exit_.bound > exit_.risk
    assert "stops at the last step only" in repr(exit_)
    stops = exit_.stop(moving(12))
    assert stops["frame"].eq(5).all()
    assert not stops["early"].any()


def test_an_untrained_model_is_never_sure() -> None:
    """Its first answers are no better than chance, so its confidence stays near it, and so does what it may stop at."""
    model = wb.Model(models()["ANN"].network, seed=4).eval()
    exit_ = wb.calibrate_exit(model, moving(300, seed=3))
    assert exit_.inverse_temperature.max() < 5
    sweep = exit_.sweep(moving(300, seed=3))
    assert sweep.loc[sweep["threshold"].between(0.99, 1), "early"].max() < 0.05
    assert exit_.bound <= exit_.risk


def test_calibration_changes_neither_model_nor_recordings() -> None:
    model = models()["SNN"].copy().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    wb.calibrate_exit(model, moving(), loss=0.06).stop(moving(6))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": 0}, r"calibrate_exit: loss=0 must lie between 0 and 1, as 0\.02 does for two points"),
        ({"loss": 2}, r"calibrate_exit: loss=2 must lie between 0 and 1"),
        ({"accuracy": 1}, r"calibrate_exit: accuracy=1 must lie between 0 and 1"),
        ({"accuracy": 95}, r"calibrate_exit: accuracy=95 must lie between 0 and 1"),
        ({"certainty": 1.0}, r"calibrate_exit: certainty=1\.0 must lie between 0 and 1"),
        ({"answer": "best"}, r"answer='best' is unknown; choose from running, frame"),
        ({"loss": 0.01}, r"calibrate_exit: 120 recordings are too few; to show with a certainty of 0\.95 that at most "
                         r"0\.01 go wrong takes 299, even if none does, .*hold back 450, allow more, or ask for less"),
    ],
)  # fmt: skip
def test_a_calibration_that_cannot_be_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        wb.calibrate_exit(models()["ANN"], moving(), **{"loss": 0.06} | options)


@pytest.mark.parametrize("loss", [0.02, 0.05, 0.3, 0.9])
def test_as_many_recordings_as_are_advised_are_enough(loss: float) -> None:
    with pytest.raises(ValueError, match="are too few") as refused:
        wb.calibrate_exit(models()["ANN"], moving(6), loss=loss)
    enough = int(str(refused.value).split("hold back ")[1].split(",")[0])
    exit_ = wb.calibrate_exit(models()["ANN"], moving(enough), loss=loss)
    assert bound_share(0, exit_.tested, 0.95) <= loss
    needed = int(str(refused.value).split("takes ")[1].split(",")[0])
    assert bound_share(0, needed, 0.95) <= loss < bound_share(0, needed - 1, 0.95) or needed == 1


def test_a_class_that_is_missing_is_named() -> None:
    some = moving()
    with pytest.raises(ValueError, match=r"hold no recording of class right, up; hold back some of every class"):
        wb.calibrate_exit(models()["ANN"], some[some.labels == 0])


def test_recordings_of_another_length_are_refused() -> None:
    longer = replace(moving(6), frames=10)
    with pytest.raises(ValueError, match=r"SNN: the exit was calibrated on 20 steps, but recordings have 40; load "):
        early("SNN").stop(longer)
    with pytest.raises(ValueError, match=r"input 'eye' has shape \(2, 3, 3\), but the recordings have \(2, 4, 4\)"):
        early("SNN").sweep(tiny.recordings(shape=(2, 4, 4)))


def test_tables_of_several_models_join() -> None:
    tables = pd.concat([early(kind).sweep(moving(12)) for kind in ("ANN", "SNN")])
    assert tables.groupby("model")["calibrated"].sum().tolist() == [1, 1]
