"""How long a reproduction will take here: tried on a few batches and recordings, before anything long begins."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass
from typing import Any

from workbench.conversion import convert
from workbench.evaluation import compare
from workbench.events import Dataset
from workbench.model import Model
from workbench.training import Update, train

TRIED_BATCHES = 4  # the first of which is not counted
TRIED_RECORDINGS = 16
SEARCH = 12  # times 400 recordings, about, that a conversion runs the SNN to choose its settings
HELD_BACK = 400


@dataclass(frozen=True)
class TimeEstimate:
    """Seconds for training, and for conversion and comparison, which are a rougher guess: a network that is hardly
    trained spikes otherwise.
    """

    training_s: float
    rest_s: float

    def __str__(self) -> str:
        whole, training, rest = map(say_duration, (self.training_s + self.rest_s, self.training_s, self.rest_s))
        return (
            f"about {whole} on this machine: training {training} (measured on {TRIED_BATCHES - 1} batches), conversion "
            f"and comparison {rest} (roughly)"
        )


def estimate_time(model: Model, dataset: Dataset, batch: int = 32, **options: Any) -> TimeEstimate:
    """What training with these options and comparing on the test part will take, tried for some seconds."""
    times: list[float] = []

    def tried(update: Update) -> bool:
        times.append(time.perf_counter())
        return len(times) == TRIED_BATCHES

    options_of_trial = options | {"epochs": TRIED_BATCHES}
    ann, _ = train(model, dataset, batch=batch, progress=False, callback=tried, **options_of_trial)
    rounds = math.ceil(len(dataset.train) / batch)
    per_batch = (times[-1] - times[0]) / max(1, len(times) - 1)
    few = dataset.train[: min(TRIED_RECORDINGS, len(dataset.train))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is only tried
        snn = convert(ann, few, percentile=99.9, emission="spread", progress=False)
        begin = time.perf_counter()
        compare({"ANN": ann, "SNN": snn}, few, progress=False)
    per_recording = (time.perf_counter() - begin) / len(few)
    runs = len(dataset.test) + SEARCH * min(HELD_BACK, len(dataset.train))
    return TimeEstimate(per_batch * rounds * options["epochs"], per_recording * runs)


def say_duration(seconds: float) -> str:
    """A duration in the unit that people would choose.

    >>> say_duration(40), say_duration(600), say_duration(20_000), say_duration(400_000)
    ('40 s', '10 min', '5.6 h', '4.6 days')
    """
    for most, unit, size in ((90, "s", 1), (90 * 60, "min", 60)):
        if seconds < most:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"
