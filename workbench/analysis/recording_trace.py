"""Recording traces: everything that one recording does in one model, its answers and its cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.analysis.address_events import list_events
from workbench.engine import Segment
from workbench.evaluation import bin_batch, choose_batch, count_blocks, make_counter, require_fit, tabulate_run
from workbench.events import Dataset, Events, Recordings
from workbench.exchange import write_events
from workbench.model import Device, Model, average_answers, evaluation_mode, place, require_model, take_test
from workbench.validation import whole

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class RecordingTrace:
    """What happened: `activity` by node (step, 1, *shape), `answers` (step, class; NaN before the first response).

    `costs` has a row per step with the columns of `wb.compare`; its accuracy is 1 where this recording's answer is
    right. `label` is the index of the true class among `classes`.
    """

    model: Model
    activity: dict[str, Tensor]
    answers: np.ndarray
    costs: pd.DataFrame
    label: int
    classes: tuple[str, ...]

    @property
    def ticks_per_frame(self) -> int:
        """Steps of the model in a frame: 1 for an ANN."""
        return self.model.ticks_per_frame

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.answers)

    @property
    def chosen(self) -> list[str | None]:
        """The class answered at every step, None before the first response."""
        silent = np.isnan(self.answers).any(axis=1)
        best = np.nan_to_num(self.answers, nan=-np.inf).argmax(axis=1)
        return [None if s else self.classes[b] for s, b in zip(silent, best, strict=True)]

    def to_events(self, node: str, path: str | PathLike[str] | None = None, *, tick_us: int = 1000) -> Events:
        """The spikes of a node as events (x, y, t, p), as `list_events` has them; a file too, where a path is given.

        Channels lie side by side, t = tick x `tick_us`. The ending of the path, .csv, .npy, .h5 or .hdf5, says how it
        is written. ValueError for a node that is not there or does not spike.

        >>> ticks = np.ones((2, 1, 1, 1, 2), dtype=int)
        >>> recordings = Recordings.from_ticks(ticks, labels=[0], classes=("left", "right"), ticks_per_frame=1)
        >>> network = Network({"eye": (1, 1, 2)}, [Edge("eye", "v1", Identity()), Edge("v1", "hand", Dense(2))])
        >>> snn = Model(network, neuron=IntegrateAndFire(), norm=None)
        >>> trace_recording(snn, recordings).to_events("v1").tolist()
        [(0, 0, 1000, True), (1, 0, 1000, True)]
        """
        if node not in self.activity or node == self.model.network.output:
            spiking = [one for one in self.activity if one != self.model.network.output]
            raise ValueError(f"{node!r} sends no events; choose one of {', '.join(map(repr, spiking))}")
        events = list_events(self.activity[node], tick_us=tick_us, name=node)
        if path is not None:
            write_events(events, path)
        return events

    @property
    def lateness(self) -> str:
        """In words that the model does not answer within the recording; "" if it does."""
        first = self.model.network.first_response[self.model.network.output]
        if first < self.steps:
            return ""
        return (
            f"{self.model.network.output} answers first at step {first}, but the recording has {self.steps} "
            f"{'step' if self.steps == 1 else 'steps'}; take more frames, or smaller delays"
        )


@torch.no_grad()
def trace_recording(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    recording: int = 0,
    answer: str = "running",
    engine: str | None = None,
    device: Device | None = None,
) -> RecordingTrace:
    """Run one recording through a model and keep everything; ValueError if it is not there or does not fit.

    Of a `Dataset` it is one of the test part. An SNN runs on the faster `engine`, unless one is named, and all on
    the `device` that is named, or where the model lies. The answers of a
    model whose first response comes after the recording are all NaN.

    >>> ticks = np.ones((4, 3, 1, 2, 2), dtype=int)
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 1, 1], ticks_per_frame=2)
    >>> model = Model(Network({"eye": (1, 2, 2)}, [Edge("eye", "hand", Dense(2))]))
    >>> trace = trace_recording(model, recordings, recording=1)
    >>> trace.steps, np.isnan(trace.answers[:, 0]).tolist()
    (2, [True, False])
    """
    own, recordings = require_model(model, "wb.trace_recording"), take_test(recordings, "wb.trace_recording")
    model = place(own, device)
    require_fit(model, recordings)
    if whole(recording) not in range(len(recordings)):
        raise ValueError(f"recording={recording!r} is not among the {len(recordings)} of {recordings.name}; from 0 on")
    one = recordings[[recording]]
    choose_batch(model, 1, model.network.nodes, steps=one.frames * model.ticks_per_frame)
    with evaluation_mode(model):
        activity = model.run(bin_batch(model, one, np.zeros(1, dtype=int)), engine=engine)
    drive = activity[model.network.output]
    counter = make_counter(model)
    for node, values in activity.items():
        counter.add(node, Segment(0, values))
    counts = count_blocks(model, counter, [(np.zeros(1, dtype=int), 0, activity)], len(drive), 1)
    costs = tabulate_run("model", model, counts, one, answer, "fp32")
    first = model.network.first_response[model.network.output]
    answers = np.full((len(drive), drive.shape[2]), np.nan)
    if first < len(drive):
        answers[first:] = average_answers(counts.drive.double(), first, model.ticks_per_frame, answer)[:, 0].numpy()
    kept = {node: values.cpu() for node, values in activity.items()}
    return RecordingTrace(own, kept, answers, costs, int(one.labels[0]), recordings.classes)


def tabulate_trace(trace: RecordingTrace) -> pd.DataFrame:
    """What was answered and what it had cost at every step: one row per step.

    Columns: step, frame, answer (the class answered, None before the first response), right, and the counts so far of
    `wb.compare`.

    >>> ticks = np.ones((4, 1, 1, 2, 2), dtype=int)
    >>> recordings = Recordings.from_ticks(ticks, labels=[0], classes=("left", "right"), ticks_per_frame=2)
    >>> model = Model(Network({"eye": (1, 2, 2)}, [Edge("eye", "hand", Dense(2))]))
    >>> tabulate_trace(trace_recording(model, recordings))[["step", "frame"]].values.tolist()
    [[0.0, 1.0], [1.0, 2.0]]
    """
    import pandas as pd

    table = trace.costs.drop(columns=["model", "accuracy", "per"])
    table.insert(2, "answer", pd.Series(trace.chosen, dtype=object))
    table.insert(3, "right", trace.costs["accuracy"] == 1)
    return table


def compare_traces(traces: Mapping[str, RecordingTrace], frame: float) -> pd.DataFrame:
    """What each model has answered and what it has cost at one time: one row per model.

    `traces` are those of one recording, by the names of the models; `frame` is the time in frames. Columns: model,
    frame (when the last of its steps that have ended by then ends), answer (None before the first response), right,
    and the counts of `wb.compare` so far: 0 before the first step has ended.

    >>> ticks = np.ones((4, 1, 1, 2, 2), dtype=int)
    >>> recordings = Recordings.from_ticks(ticks, labels=[0], ticks_per_frame=2)
    >>> model = Model(Network({"eye": (1, 2, 2)}, [Edge("eye", "hand", Dense(1))]))
    >>> traces = {"ANN": trace_recording(model, recordings)}
    >>> compare_traces(traces, 1.5)[["frame", "answer"]].values.tolist()
    [[1.0, None]]
    """
    import pandas as pd

    rows = []
    for name, trace in traces.items():
        ended = int(np.floor(frame * trace.ticks_per_frame + 1e-9))
        counts = trace.costs.drop(columns=["model", "step", "frame", "accuracy", "per"])
        answer = trace.chosen[ended - 1] if ended else None
        row = {"model": name, "frame": ended / trace.ticks_per_frame, "answer": answer}
        row["right"] = answer == trace.classes[trace.label]
        rows.append(row | {str(each): float(counts[each].iloc[ended - 1]) if ended else 0.0 for each in counts})
    answers = pd.Series([row["answer"] for row in rows], dtype=object)  # else pandas makes a NaN of None
    return pd.DataFrame(rows).assign(answer=answers)
