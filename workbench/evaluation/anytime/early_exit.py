"""Early exit: stop a recording as soon as the running answer is sure, by a threshold with a guarantee."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from workbench.evaluation.anytime.temperature_scaling import fit_inverse_temperature, measure_confidence
from workbench.evaluation.anytime.trajectories import Trajectories, run_trajectories
from workbench.evaluation.energy import EnergyPreset
from workbench.evaluation.operation_counts import COUNTS
from workbench.events import Dataset, Recordings
from workbench.model import Device, Model, place, require_model, take_test
from workbench.progress import show_progress

if TYPE_CHECKING:
    import pandas as pd

NO_EXIT = math.inf  # the threshold of who waits for the end
LEVELS = (NO_EXIT, *(1 - 10 ** (-tenth / 10) for tenth in range(40, -1, -1)))  # chosen before any recording is seen
FITTED = 1 / 3  # of the recordings held back serve the sharpness, the others test thresholds


@dataclass(frozen=True, eq=False, repr=False)
class EarlyExit:
    """When one model may stop: at its first answer with a confidence of at least `threshold`, else at the last step.

    confidence = max over classes of softmax(sharpness_s answer_s), with a `inverse_temperature` (an inverse
    temperature) of every step s from the first response on. Before it there is no confidence, so no recording stops. A
    `threshold` of infinity waits for the end. Of the `tested` recordings the share `early` stops before the last step
    and `errors` go wrong; of all at most the share `bound` does, with `certainty`, and `risk` was asked for. An error
    is a wrong answer where the end's is right, or with `absolute` any.
    """

    model: Model
    name: str
    answer: str
    threshold: float
    inverse_temperature: np.ndarray
    fitted: int
    tested: int
    early: float
    errors: int
    risk: float
    bound: float
    certainty: float
    absolute: bool

    def __repr__(self) -> str:
        error = "wrong" if self.absolute else "wrong where the end is right"
        stops = f"at a confidence of {self.threshold:.4g}" if self.threshold < NO_EXIT else "at the last step only"
        return (
            f"EarlyExit({self.name} stops {stops}; of {self.tested} recordings held back {100 * self.early:.0f} % stop "
            f"early and {self.errors} are {error}: with {100 * self.certainty:g} % certainty at most "
            f"{100 * self.bound:.2g} % of all, {100 * self.risk:.2g} % allowed)"
        )

    def stop(
        self,
        recordings: Recordings | Dataset,
        *,
        engine: str | None = None,
        device: Device | None = None,
        batch: int | None = None,
        energy: str | EnergyPreset = "fp32",
        progress: bool = True,
    ) -> pd.DataFrame:
        """When and with what each recording stops: one row a recording.

        Columns: model, recording; of this recording alone until then step, frame, dense_macs, effective_macs,
        synaptic_operations, neuron_updates, energy_nj; early (before the last step), confidence, label, answer, right.
        ValueError for recordings of another number of frames than those held back.
        """
        trajectories, confidence = self._confidences(recordings, "stop", engine, device, batch, progress)
        step, recording = find_stops(confidence, self.threshold), np.arange(len(trajectories.labels))
        names = np.array(trajectories.classes, dtype=object)
        table = trajectories.count_until(step, energy)
        table.insert(0, "model", self.name)
        table.insert(1, "recording", recording)
        table["early"] = step < len(confidence) - 1
        table["confidence"] = confidence[step, recording]
        table["label"], table["answer"] = names[trajectories.labels], names[trajectories.chosen[step, recording]]
        table["right"] = trajectories.right[step, recording]
        return table

    def sweep(
        self,
        recordings: Recordings | Dataset,
        *,
        thresholds: Iterable[float] = LEVELS,
        engine: str | None = None,
        device: Device | None = None,
        batch: int | None = None,
        energy: str | EnergyPreset = "fp32",
        progress: bool = True,
    ) -> pd.DataFrame:
        """What other thresholds would give: a row for each, for the calibrated one and for infinity, which waits.

        Columns: model, threshold, calibrated, recordings, accuracy, standard_error (of the accuracy), lost (share of
        recordings whose answer is wrong where the end's is right), early (share that stop before the last step), and
        means per recording of frame, dense_macs, effective_macs, synaptic_operations, neuron_updates, energy_nj.
        """
        import pandas as pd

        trajectories, confidence = self._confidences(recordings, "sweep", engine, device, batch, progress)
        rows = []
        for threshold in sorted({*thresholds, self.threshold, NO_EXIT}):
            step, recording = find_stops(confidence, threshold), np.arange(len(trajectories.labels))
            right, costs = trajectories.right[step, recording], trajectories.count_until(step, energy)
            rows.append(
                {
                    "model": self.name,
                    "threshold": threshold,
                    "calibrated": threshold == self.threshold,
                    "recordings": len(trajectories.labels),
                    "accuracy": right.mean(),
                    "standard_error": math.sqrt(right.mean() * (1 - right.mean()) / len(right)),
                    "lost": (trajectories.right[-1] & ~right).mean(),
                    "early": (step < len(confidence) - 1).mean(),
                    **costs[["frame", *COUNTS, "energy_nj"]].mean(),
                }
            )
        return pd.DataFrame(rows)

    def summarise(
        self,
        recordings: Recordings | Dataset,
        *,
        engine: str | None = None,
        device: Device | None = None,
        batch: int | None = None,
        energy: str | EnergyPreset = "fp32",
        progress: bool = True,
    ) -> pd.DataFrame:
        """The calibrated exit beside waiting for the end: two rows in the columns of `sweep`, and rule before them."""
        taken = take_test(recordings, "EarlyExit.summarise")
        table = self.sweep(
            taken, thresholds=(), engine=engine, device=device, batch=batch, energy=energy, progress=progress
        )
        table = table.iloc[[0, -1]].reset_index(drop=True)
        table.insert(1, "rule", ["early exit", "to the end"])
        return table

    def _confidences(
        self,
        given: Recordings | Dataset,
        verb: str,
        engine: str | None,
        device: Device | None,
        batch: int | None,
        progress: bool,
    ) -> tuple[Trajectories, np.ndarray]:
        recordings = take_test(given, f"EarlyExit.{verb}")
        with show_progress(len(recordings), f"EarlyExit.{verb}", "recording", progress) as bar:
            trajectories = run_trajectories(place(self.model, device), recordings, self.answer, batch, engine, bar)
        if len(trajectories.answers) != len(self.inverse_temperature):
            steps = len(self.inverse_temperature) + trajectories.first_response
            raise ValueError(
                f"{self.name}: the exit was calibrated on {steps} steps, but {recordings.name} have "
                f"{len(trajectories.answers) + trajectories.first_response}; load them with as many frames, or "
                "calibrate anew"
            )
        return trajectories, measure_confidence(trajectories.answers, self.inverse_temperature)


def calibrate_exit(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    loss: float = 0.02,
    accuracy: float | None = None,
    certainty: float = 0.95,
    name: str | None = None,
    answer: str = "running",
    engine: str | None = None,
    device: Device | None = None,
    batch: int | None = None,
    progress: bool = True,
    seed: int = 0,
) -> EarlyExit:
    """Find when a model may stop early so that, with `certainty`, accuracy falls by at most `loss`.

    `recordings` are training ones that the training has not seen: `held_back, seen = digits.train.split(0.25, seed=0)`;
    test recordings would give bounds that are too good, which cannot be detected. Of a `Dataset` the test part serves,
    so judge the exit by others. A third of them fits the temperature of each step. On the others thresholds are tested
    from the strictest down, as long as the upper bound (Clopper-Pearson) of the share of recordings that are wrong
    early and right at the end stays within `loss`; or, with `accuracy=`, that of all wrong ones within 1 - accuracy. In
    new recordings of the same kind the share is then larger with a probability of at most 1 - certainty. Where not even
    the strictest passes, the exit waits for the end and says so.

    ValueError for a missing class, for a loss, accuracy or certainty not between 0 and 1, and for fewer recordings than
    could pass without a single error: log(1 - certainty) / log(1 - loss) to test, 149 by default, half as many to fit.

    Source: Angelopoulos, Bates, Candes, Jordan, Lei 2021, Learn then test, arXiv 2110.01052 (fixed sequence testing);
    Guo, Pleiss, Sun, Weinberger 2017, On calibration of modern neural networks, arXiv 1706.04599 (temperature).

    >>> ticks = np.zeros((2, 90, 1, 1, 2), dtype=int)
    >>> ticks[:, np.arange(90), 0, 0, np.arange(90) % 2] = 1
    >>> recordings = Recordings.from_ticks(ticks, np.arange(90) % 2)
    >>> model = Model(Network({"eye": (1, 1, 2)}, [Edge("eye", "hand", Dense(2), delay=0)]), seed=1)
    >>> early = wb.calibrate_exit(model, recordings, loss=0.05)
    >>> early.tested, bool(early.bound <= 0.05)
    (60, True)
    """
    model, recordings = require_model(model, "wb.calibrate_exit"), take_test(recordings, "wb.calibrate_exit")
    placed = place(model, device)
    risk = _require_share("loss", loss) if accuracy is None else 1 - _require_share("accuracy", accuracy)
    _require_share("certainty", certainty)
    fitting, testing = _divide(recordings, risk, certainty, seed)
    with show_progress(len(fitting) + len(testing), "calibrate_exit", "recording", progress) as bar:
        fitted = run_trajectories(placed, fitting, answer, batch, engine, bar)
        tested = run_trajectories(placed, testing, answer, batch, engine, bar)
    inverse_temperature = fit_inverse_temperature(fitted.answers, fitting.labels)
    confidence = measure_confidence(tested.answers, inverse_temperature)
    threshold, errors = choose_threshold(confidence, tested.right, risk, certainty, absolute=accuracy is not None)
    return EarlyExit(
        model=model,
        name=name or ("SNN" if model.spiking else "ANN"),
        answer=answer,
        threshold=threshold,
        inverse_temperature=inverse_temperature,
        fitted=len(fitting),
        tested=len(testing),
        early=float((find_stops(confidence, threshold) < len(confidence) - 1).mean()),
        errors=errors,
        risk=risk,
        bound=bound_share(errors, len(testing), certainty),
        certainty=certainty,
        absolute=accuracy is not None,
    )


def find_stops(confidence: np.ndarray, threshold: float) -> np.ndarray:
    """The first step with a confidence of at least the threshold, else the last: (recordings,) of (steps, recordings).

    >>> find_stops(np.array([[0.5, 0.9], [0.8, 0.1], [0.9, 0.2]]), 0.8).tolist(), find_stops(np.eye(3), 2).tolist()
    ([1, 0], [2, 2, 2])
    """
    sure = confidence >= threshold
    return np.where(sure.any(0), sure.argmax(0), len(sure) - 1)


def choose_threshold(
    confidence: np.ndarray, right: np.ndarray, risk: float, certainty: float, absolute: bool = False
) -> tuple[float, int]:
    """The last threshold, from the strictest down, until which every one passes; and its errors.

    `confidence`, `right` (steps, recordings). One passes if the bound of its share of errors is at most `risk`; an
    error is a wrong answer, unless `absolute` only where the last one is right. The strictest, which waits for the
    end, is returned where it does not pass itself.
    """

    def count_errors(threshold: float) -> int:
        wrong = ~right[find_stops(confidence, threshold), np.arange(right.shape[1])]
        return int((wrong if absolute else wrong & right[-1]).sum())

    found = NO_EXIT, count_errors(NO_EXIT)
    for threshold in LEVELS:
        errors = count_errors(threshold)
        if bound_share(errors, right.shape[1], certainty) > risk:
            break
        found = threshold, errors
    return found


@cache
def bound_share(count: int, of: int, certainty: float) -> float:
    """What a share is at most if `count` of `of` were seen: where P(X <= count | share) = 1 - certainty.

    Source: Clopper, Pearson 1934, The use of confidence or fiducial limits (the upper one).

    >>> round(bound_share(0, 100, 0.95), 4), bound_share(7, 7, 0.95)
    (0.0295, 1.0)
    """
    if count >= of:
        return 1.0
    k = np.arange(count + 1)
    choices = np.array([math.lgamma(of + 1) - math.lgamma(i + 1) - math.lgamma(of - i + 1) for i in k])
    low, high = 0.0, 1.0
    for _ in range(60):
        share = (low + high) / 2
        at_most = np.exp(choices + k * math.log(share) + (of - k) * math.log1p(-share)).sum()
        low, high = (share, high) if at_most > 1 - certainty else (low, share)
    return high


def _divide(recordings: Recordings, risk: float, certainty: float, seed: int) -> tuple[Recordings, Recordings]:
    """Recordings to fit on and others to test on; ValueError where they cannot be enough."""
    present = np.bincount(recordings.labels, minlength=len(recordings.classes))
    missing = [name for name, count in zip(recordings.classes, present, strict=True) if count == 0]
    if missing:
        raise ValueError(
            f"calibrate_exit: {recordings.name} hold no recording of class {', '.join(missing)}; hold back some of "
            "every class, as recordings.split(fraction, seed) does"
        )
    needed = math.ceil(math.log(1 - certainty) / math.log(1 - risk))
    classes = len(recordings.classes)
    enough = max(3 * classes, math.ceil(needed / (1 - FITTED) + classes / 2))
    if len(recordings) < enough:
        raise ValueError(
            f"calibrate_exit: {len(recordings)} recordings are too few; to show with a certainty of {certainty:g} that "
            f"at most {risk:.3g} go wrong takes {needed}, even if none does, and half as many to fit confidence; "
            f"hold back {enough}, allow more, or ask for less certainty"
        )
    return recordings.split(FITTED, seed)


def _require_share(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"calibrate_exit: {name}={value!r} must lie between 0 and 1, as 0.02 does for two points")
    return value
