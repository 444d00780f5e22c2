"""The options of a conversion where none is named: measured on recordings held back from calibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from workbench.conversion.activation_scales import (
    CALIBRATION_RECORDINGS,
    learned_ceilings,
    measure_scales,
    select_scales,
)
from workbench.conversion.options import ConversionOptions, Percentiles
from workbench.conversion.rounding import round_in_place
from workbench.conversion.spiking_model import build_snn
from workbench.evaluation import choose_evenly, count_operations
from workbench.events import Recordings
from workbench.model import Model, Scales, average_answers
from workbench.network import Network
from workbench.progress import show_progress

PERCENTILES = (100.0, 99.9, 99.0, 97.0, 94.0, 90.0, 80.0, 65.0, 50.0)  # from few spikes, in large steps, to many
TOLERANCE = 0.003  # of the variance of the ANN's answers, up to which fewer operations count more than a smaller error
HOPELESS = 2.0  # times the tolerance, above which the error on the first recordings is enough to go on to other options
FIRST = 16  # recordings that every option is tried on first
HELD_BACK = 64  # recordings, at most a quarter of them
GROUPS = 32  # of nodes at most, whose percentiles are raised one group after the other
BURST = 127  # spikes in a tick: what seven bits can say


@dataclass(frozen=True)
class Trial:
    """Options tried: `error` of its answers, and its synaptic operations per recording."""

    options: ConversionOptions
    error: float
    operations: float

    @property
    def good(self) -> bool:
        """Whether it errs little."""
        return self.error <= TOLERANCE


def search_options(
    folded: Model,
    recordings: Recordings,
    network: Network,
    ticks_per_frame: int,
    batch: int | None,
    input_counts: int,
    weight_bits: int | None = None,
    progress: bool = True,
) -> ConversionOptions:
    """The options with the fewest synaptic operations among those whose answers err by at most 0.3 % of their variance.

    error = mean over frames of sum (SNN's - ANN's answers)^2 / sum (ANN's answers)^2, both less their mean over the
    classes, on up to 64 recordings held back while scales are measured on the others (of fewer than eight none is held
    back, and the reason says so); on 16 of them where it is above 0.6 % there. Where none is that good, the one with
    the smallest error. Percentiles are lowered for all nodes together until the error is small, then raised node by
    node as long as it stays so; where there are more than 32 hidden nodes, in 32 groups. An ANN with ceilings is tried
    with those it has learned. Their `reason` says so.
    """
    held, others = _hold_back(recordings)
    several = "recording" if len(held) == 1 else "recordings"
    which = f"held-back {several}" if held is not others else f"{several}, the same that it was calibrated on"
    latest = max(m.first_response[m.output] * k for m, k in ((folded.network, ticks_per_frame), (network, 1)))
    if latest >= recordings.frames * ticks_per_frame:
        return replace(_candidates(folded, ticks_per_frame)[0][0], reason="not measured: no answer within recordings")
    expected, _ = _answer(folded, held, batch)
    if not _spread(expected):
        return replace(_candidates(folded, ticks_per_frame)[0][0], reason="not measured: the ANN answers all alike")
    everyone, few = np.arange(len(held)), choose_evenly(len(held), FIRST, nearest=False)
    measured = _measure(folded, others, ticks_per_frame, batch)
    trials: list[Trial] = []

    def attempt(options: ConversionOptions) -> Trial:
        snn = build_snn(folded, network, ticks_per_frame, select_scales(options, measured), options)
        snn = round_in_place(snn, input_counts, weight_bits)
        for some in [few, everyone] if len(few) < len(held) else [everyone]:
            found, operations = _answer(snn, held[some], batch)
            trial = Trial(options, _compare(found, expected[:, some]), operations)
            if trial.error > HOPELESS * TOLERANCE:
                break
        trials.append(trial)
        return trial

    families = _candidates(folded, ticks_per_frame)
    with show_progress(sum(map(len, families)), "convert", "option", progress) as bar:
        for family in families:
            tried = len(trials)
            found = next((t for t in map(attempt, bar.track(family)) if t.good), None)  # lower percentiles add spikes
            if found is not None and found.options.percentile is not None:
                skipped = len(family) - (len(trials) - tried)
                _reduce_operations(found, attempt, network.hidden)
                bar.advance(skipped + 1)
    good = [trial for trial in trials if trial.good]
    best = min(good, key=lambda trial: trial.operations) if good else min(trials, key=lambda trial: trial.error)
    return replace(
        best.options,
        reason=f"best of {len(trials)} on {len(held)} {which}: its answers err by "
        f"{100 * best.error:.2g} % of their variance, with {best.operations:,.0f} synaptic operations a recording",
    )


def _reduce_operations(best: Trial, attempt: Callable[[ConversionOptions], Trial], nodes: Sequence[str]) -> None:
    """Raise the percentile of one node after the other, as long as the error stays small and operations are saved.

    Every trial runs the whole network, so that of many nodes some are raised together: those next to each other.
    """
    places = dict.fromkeys(nodes, PERCENTILES.index(best.options.percentile_of(nodes[0]))) if nodes else {}
    count = min(len(nodes), GROUPS)
    for group in (nodes[len(nodes) * n // count : len(nodes) * (n + 1) // count] for n in range(count)):
        while places[group[0]] > 0:
            higher = {**places, **dict.fromkeys(group, places[group[0]] - 1)}
            percentiles = Percentiles({name: PERCENTILES[place] for name, place in higher.items()})
            trial = attempt(replace(best.options, percentile=percentiles))
            if not trial.good or trial.operations >= best.operations:
                break
            best, places = trial, higher


def _candidates(folded: Model, k: int) -> list[list[ConversionOptions]]:
    """Kinds of neurons, each from cheap to dear percentiles: plain ones, and ones that count and spread."""
    percentiles = (None,) if folded.bounded else PERCENTILES
    kinds = [ConversionOptions(), ConversionOptions(emission="spread", cap=folded.levels)]
    return [[replace(kind, percentile=percentile) for percentile in percentiles] for kind in kinds]


def _measure(folded: Model, recordings: Recordings, k: int, batch: int | None) -> dict[float | None, Scales]:
    if folded.bounded:
        return {None: learned_ceilings(folded, k)}
    return measure_scales(folded, recordings, PERCENTILES, batch=batch)


def _hold_back(recordings: Recordings) -> tuple[Recordings, Recordings]:
    """Recordings to measure on, and as many of the others as scales are measured on, both evenly spread.

    The same ones twice where there are fewer than eight.
    """
    if len(recordings) < 8:
        return recordings, recordings
    held = choose_evenly(len(recordings), min(HELD_BACK, len(recordings) // 4), nearest=False)
    others = np.setdiff1d(np.arange(len(recordings)), held)
    return recordings[held], recordings[others[choose_evenly(len(others), CALIBRATION_RECORDINGS, nearest=False)]]


def _answer(model: Model, recordings: Recordings, batch: int | None) -> tuple[Tensor, float]:
    """Answers at the end of every frame, less their mean over the classes, and synaptic operations per recording."""
    k, network = model.ticks_per_frame, model.network
    counts = count_operations(model, recordings, batch)
    answers = average_answers(counts.drive.double(), network.first_response[network.output], k)
    last = answers[(k - 1 - network.first_response[network.output]) % k :: k]
    return last - last.mean(2, keepdim=True), float(counts.synaptic.sum()) / len(recordings)


def _compare(found: Tensor, expected: Tensor) -> float:
    """The error of answers in the frames in which both models answer: the last ones."""
    both = min(len(found), len(expected))
    return _spread(found[-both:] - expected[-both:]) / _spread(expected[-both:])


def _spread(answers: Tensor) -> float:
    return float(answers.square().mean((1, 2)).mean())
