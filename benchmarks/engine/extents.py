"""How much is measured: the whole of it, or a little, to see that it works."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.engine.networks import RATE


@dataclass(frozen=True)
class Extent:
    """Interleaved rounds, and the points at which times are taken; a point of a curve is measured in `turns` rounds.

    Verbs and whole jobs are done with a `share` of their recordings.
    """

    rounds: int = 9
    turns: int = 7
    starts: int = 7
    first_starts: int = 3
    steps: int = 100
    batches: tuple[int, ...] = (16, 1)
    rates: tuple[float, ...] = (RATE, 0.01)
    base_batch: int = 4
    base_steps: int = 48
    lengths: tuple[int, ...] = (25, 50, 100, 200, 400)
    groups: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    activities: tuple[float, ...] = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    channels: tuple[int, ...] = (4, 8, 16, 32, 48)
    skips: tuple[int, ...] = (0, 1, 2, 4, 6)
    stream_ticks: int = 500
    marks: tuple[int, ...] = (10_000, 100_000, 300_000, 1_000_000)
    verb_rounds: int = 5
    job_rounds: int = 3
    share: float = 1.0
    choice_rounds: int = 15
    choice_steps: int = 48
    choice_activities: tuple[float, ...] = (0.002, 0.01, 0.05, 0.2, 0.5)
    choice_batches: tuple[int, ...] = (1, 4, 16)


WHOLE = Extent()
QUICK = Extent(
    rounds=3,
    turns=3,
    starts=1,
    first_starts=1,
    steps=20,
    batches=(2, 1),
    rates=(RATE,),
    base_batch=1,
    base_steps=12,
    lengths=(10, 20, 40),
    groups=(1, 2),
    activities=(0.01, 0.1),
    channels=(4, 8),
    skips=(0, 2),
    stream_ticks=30,
    marks=(2_000, 4_000),
    verb_rounds=1,
    job_rounds=1,
    share=0.05,
    choice_rounds=1,
    choice_steps=24,
    choice_activities=(0.01, 0.2),
    choice_batches=(1,),
)
