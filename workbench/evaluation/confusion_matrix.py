"""Which class is taken for which, at every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.evaluation.runs import collect_answers
from workbench.events import Dataset, Recordings
from workbench.model import Device, Model, require_model, take_test
from workbench.progress import show_progress

if TYPE_CHECKING:
    import pandas as pd


def count_confusions(
    model: Model,
    recordings: Recordings | Dataset,
    *,
    answer: str = "running",
    engine: str | None = None,
    device: Device | None = None,
    batch: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """How many recordings of each class are answered as each class, from the first response on: a tidy table.

    Columns: step, frame (when the step ends, in frames), label (true class), answer (class answered), recordings.
    Every step has classes x classes rows, zeros included. `answer` is "running" or "frame", as in `compare`, whose
    accuracy is the share on the diagonal, and which runs in the same batches, on the same engine and with the same
    progress. Of a `Dataset` its test part is counted.
    ValueError for recordings that do not fit the model.

    >>> network = Network({"in": (1, 1, 2)}, [Edge("in", "class", Dense(2), delay=0)])
    >>> ticks = np.array([[[[[3, 0]]], [[[0, 5]]]]])
    >>> recordings = Recordings.from_ticks(ticks, labels=[0, 1], classes=("left", "right"))
    >>> int(wb.count_confusions(Model(network, seed=0), recordings)["recordings"].sum())
    2
    """
    import pandas as pd

    model, recordings = (
        require_model(model, "wb.count_confusions", device),
        take_test(recordings, "wb.count_confusions"),
    )
    with show_progress(len(recordings), "count_confusions", "recording", progress) as bar:
        answers = collect_answers(model, recordings, answer, batch, engine, bar)
    answered = answers.argmax(2).numpy()  # (steps, recordings)
    classes, first = len(recordings.classes), model.network.first_response[model.network.output]
    cells = (np.arange(len(answered))[:, None] * classes + recordings.labels) * classes + answered
    counts = np.bincount(cells.ravel(), minlength=len(answered) * classes**2)
    names = np.array(recordings.classes, dtype=object)
    step = np.repeat(np.arange(first, first + len(answered)), classes**2)
    return pd.DataFrame(
        {
            "step": step,
            "frame": (step + 1) / model.ticks_per_frame,
            "label": np.tile(np.repeat(names, classes), len(answered)),
            "answer": np.tile(names, len(answered) * classes),
            "recordings": counts,
        }
    )
