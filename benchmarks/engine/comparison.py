"""All contenders on the same weights and recordings, in turns."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor

import workbench as wb
from benchmarks.engine.agreement import SAME, judge
from benchmarks.engine.contenders import BARE, COMPILED_LOOP, CONVOLUTIONS, LOOP, WORKBENCH, Contender, Missing, Run
from benchmarks.engine.peers import PEERS
from benchmarks.engine.timing import interleave

ALL = (CONVOLUTIONS, *WORKBENCH, LOOP, COMPILED_LOOP, *PEERS)
COLUMNS = ("ms", "to bare", "to fastest exact peer", "drives at the output")


@torch.no_grad()
def compare(model: wb.Model, ticks: Tensor, rounds: int, contenders: Sequence[Contender] = ALL) -> pd.DataFrame:
    """A row per contender: median ms, its ratios, and how its drives agree; who is missing is told so in words.

    RuntimeError where somebody does not give the drives that it should.
    """
    torch.compiler.reset()  # what it has compiled for other shapes counts against a limit
    runs, words = prepare(contenders, model, ticks)
    answers = {name: run() for name, run in runs.items()}
    present = [contender for contender in contenders if contender.name in runs]
    words |= judge(present, answers, model, ticks)
    times = interleave(runs, rounds)
    exact = [times[peer.name] for peer in PEERS if words.get(peer.name) == SAME]
    fastest = min(exact) if exact else None
    rows = [
        (name, *_row(times.get(name), times[BARE], fastest), words[name])
        for name in (contender.name for contender in contenders)
    ]
    return pd.DataFrame(rows, columns=["contender", *COLUMNS]).set_index("contender")


def prepare(contenders: Sequence[Contender], model: wb.Model, ticks: Tensor) -> tuple[dict[str, Run], dict[str, str]]:
    """The runs of those who are installed, and what to tell of those who are not."""
    runs, missing = {}, {}
    for contender in contenders:
        try:
            runs[contender.name] = contender.prepare(model, ticks)
        except Missing as error:
            missing[contender.name] = f"missing: {error}"
    return runs, missing


def _row(ms: float | None, bare: float, fastest: float | None) -> tuple[str, str, str]:
    if ms is None:
        return "", "", ""
    return f"{ms:.1f}", f"{ms / bare:.2f}", "" if fastest is None else f"{ms / fastest:.2f}"
