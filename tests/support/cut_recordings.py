"""Recordings that were cut into slices, models for them, and a plain count of what their slices answer."""

import dataclasses
from collections import Counter

import numpy as np

import workbench as wb
from tests.support.random_networks import random_model, random_network


def cut(seed: int, streams: int = 5, longest: int = 5) -> wb.Recordings:
    """Recordings cut into unequal numbers of slices that lie in any order, each stream with one label."""
    rng = np.random.default_rng(seed)
    slices = np.repeat(np.arange(streams), rng.integers(1, longest + 1, streams))
    numbers = rng.choice(1000, streams, replace=False)
    counts = rng.poisson(0.8, (6, len(slices), 2, 6, 5))
    order = rng.permutation(len(slices))
    recordings = wb.Recordings.from_ticks(counts, (slices % 3)[order], ("a", "b", "c"), frames=6, name="cut")
    return dataclasses.replace(recordings, origins=numbers[slices][order])


def models(seed: int, recordings: wb.Recordings) -> dict[str, wb.Model]:
    ann = random_model(random_network(seed, longest=1), seed).float()
    return {"ANN": ann, "SNN": wb.convert(ann, recordings, ticks_per_frame=3)}


def count_ballots(answers: np.ndarray, recordings: wb.Recordings) -> np.ndarray:
    """Answers (steps, origins) by a plain count, origins in the order in which they come."""
    origins = list(dict.fromkeys(np.asarray(recordings.origins).tolist()))
    chosen = []
    for step in answers:
        row = []
        for origin in origins:
            mine = [step[i] for i in range(len(recordings)) if recordings.origins[i] == origin]
            ballots = Counter(int(one.argmax()) for one in mine)
            sums = sum(np.exp(one - one.max()) / np.exp(one - one.max()).sum() for one in mine)
            row.append(max(ballots, key=lambda label: (ballots[label], sums[label])))
        chosen.append(row)
    return np.array(chosen)
