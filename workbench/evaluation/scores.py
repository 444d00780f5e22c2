"""How well a model answers: loss and accuracy in two numbers, or what became of every recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

import numpy as np
import torch
from torch import Tensor

from workbench.evaluation.anytime.trajectories import run_trajectories
from workbench.evaluation.operation_counts import OPERATION_COUNTS
from workbench.evaluation.runs import collect_answers, find_loss, take_frame_ends
from workbench.evaluation.votes import Grouping, group_slices, measure_margin, rate_accuracy, rate_confidence, vote
from workbench.events import Dataset, Recordings
from workbench.model import Device, Model, require_model, take_test
from workbench.progress import show_progress

if TYPE_CHECKING:
    import pandas as pd


@overload
def evaluate(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    per: str = "slice",
    rows: Literal[False] = False,
    answer: str = "running",
    engine: str | None = None,
    device: Device | None = None,
    batch: int | None = None,
    progress: bool = True,
) -> dict[str, float]: ...
@overload
def evaluate(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    per: str = "slice",
    rows: Literal[True],
    answer: str = "running",
    engine: str | None = None,
    device: Device | None = None,
    batch: int | None = None,
    progress: bool = True,
) -> pd.DataFrame: ...
def evaluate(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    per: str = "slice",
    rows: bool = False,
    answer: str = "running",
    engine: str | None = None,
    device: Device | None = None,
    batch: int | None = None,
    progress: bool = True,
) -> dict[str, float] | pd.DataFrame:
    """Loss over the answers at the end of every frame, and accuracy of the last one, in eval mode.

    Of a `Dataset` its test part is run, `batch` recordings side by side: 32, or fewer where memory is short. An SNN
    runs on the faster `engine`, unless one is named (see `Model.stream`). `device="cuda"` computes there, on a copy of
    the model; without it all is computed where the model lies. A call that takes long shows its `progress`.
    With `per="recording"` the slices of a recording vote, as in `compare`; the loss is a mean over slices all the same.

    With `rows` it is a table with a row per recording: recording (0, 1, ...; of slices their index), origin (the
    stream that it was cut from), label, answer, confidence and margin in the end, correct; for every frame f, from 0
    on, "answer in frame f" and "confidence in frame f", as they stand at its end, "" and NaN before the first response;
    dense_macs, effective_macs, synaptic_operations of this recording alone, whose means are those of `compare`; and
    per, what a row is. Label and answers are names of classes, a confidence is the softmax probability of the answer, a
    margin that of the true class less the largest of the others (-1 is surely wrong, near 0 a close call, 1 surely
    right), of several slices that voted their means.

    >>> ticks = np.ones((4, 3, 1, 2, 2), dtype=int)
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 0, 0], classes=("left", "right"), ticks_per_frame=2)
    >>> model = Model(Network({"eye": (1, 2, 2)}, [Edge("eye", "hand", Dense(2))]), seed=0)
    >>> sorted(wb.evaluate(model, recordings))
    ['accuracy', 'loss']
    >>> wb.evaluate(model, recordings, rows=True)[["label", "answer in frame 0", "dense_macs"]].values[0].tolist()
    ['left', '', 8.0]
    """
    model, recordings = require_model(model, "wb.evaluate", device), take_test(recordings, "wb.evaluate")
    grouping = group_slices(recordings, per)
    with show_progress(len(recordings), "evaluate", "recording", progress) as bar:
        if rows:
            found = run_trajectories(model, recordings, answer, batch, engine, bar)
            spent = {kind: found.counts[kind][-1] for kind in OPERATION_COUNTS}
            return _tabulate(recordings, grouping, take_frame_ends(model, found.answers), spent)
        answers = take_frame_ends(model, collect_answers(model, recordings, answer, batch, engine, bar))
    right = rate_accuracy(vote(answers[-1:], grouping), grouping)
    return {"loss": float(find_loss(answers, torch.tensor(recordings.labels))), "accuracy": float(right)}


def _tabulate(
    recordings: Recordings, grouping: Grouping, answers: Tensor, spent: dict[str, np.ndarray]
) -> pd.DataFrame:
    """A row per group, of answers (answered frames, slices, classes) and what each slice has cost."""
    import pandas as pd

    names = np.array(recordings.classes, dtype=object)
    answered = vote(answers, grouping)
    confidence = rate_confidence(answers, answered, grouping).numpy()
    margin = measure_margin(answers, grouping).numpy()
    silent = recordings.frames - len(answers)
    table = {
        "recording": np.arange(len(grouping)),
        "origin": grouping.origins,
        "label": names[grouping.labels],
        "answer": names[answered[-1].numpy()],
        "confidence": confidence[-1],
        "margin": margin[-1],
        "correct": answered[-1].numpy() == grouping.labels,
    }
    for frame in range(recordings.frames):
        seen = frame >= silent
        table[f"answer in frame {frame}"] = names[answered[frame - silent].numpy()] if seen else ""
        table[f"confidence in frame {frame}"] = confidence[frame - silent] if seen else np.nan
    table |= {kind: grouping.add(values) for kind, values in spent.items()}
    return pd.DataFrame(table | {"per": grouping.per})
