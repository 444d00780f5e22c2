"""Groups of recordings to look at: by class, by which model answers correctly, by margin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workbench.events import Recordings
from workbench.figures._for_panels import cut

AS_RECORDED, CLOSE_FIRST, WRONG_FIRST = "as recorded", "closest call first", "most surely wrong first"


@dataclass(frozen=True)
class Group:
    """A group of recordings in words, and which rows of the table of `tabulate_answers` belong to it."""

    words: str
    keep: Callable[[pd.DataFrame], pd.Series[bool]]
    needs_answers: bool = True


def list_groups(classes: Sequence[str], models: Sequence[str]) -> tuple[Group, ...]:
    """All recordings, those that one or two models answer correctly or wrongly, and those of every class.

    >>> [group.words for group in list_groups(["left"], ["ANN", "SNN"])]
    ['all', 'SNN wrong, ANN correct', 'ANN wrong, SNN correct', 'both wrong', 'different answers', 'class left']
    """
    groups = [Group("all", lambda table: pd.Series(True, table.index), needs_answers=False)]
    if len(models) == 1:
        groups += [Group("answered wrongly", lambda table: ~_is_correct(table, models[0])),
                   Group("answered correctly", lambda table: _is_correct(table, models[0]))]  # fmt: skip
    elif models:
        one, two = models
        groups += [
            Group(f"{two} wrong, {one} correct", lambda table: _is_correct(table, one) & ~_is_correct(table, two)),
            Group(f"{one} wrong, {two} correct", lambda table: _is_correct(table, two) & ~_is_correct(table, one)),
            Group("both wrong", lambda table: ~_is_correct(table, one) & ~_is_correct(table, two)),
            Group("different answers", lambda table: table[f"answer of {one}"] != table[f"answer of {two}"]),
        ]
    return (*groups, *map(_of_class, classes))


def _of_class(name: str) -> Group:
    return Group(f"class {name}", lambda table: table["label"] == name, needs_answers=False)


def taken_for(label: str, answer: str, model: str) -> Group:
    """The recordings of one class that a model answers as another, or as the same."""
    return Group(
        f"{label} answered as {answer}",
        lambda table: (table["label"] == label) & (table[f"answer of {model}"] == answer),
    )


def tabulate_answers(recordings: Recordings, answers: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row per recording: recording, label, and "answer of" and "margin of" every model that has answered.

    `answers` are tables of `wb.evaluate(..., rows=True)`, by the names of the models.
    """
    table = pd.DataFrame(
        {"recording": np.arange(len(recordings)), "label": np.asarray(recordings.classes, object)[recordings.labels]}
    )
    for name, rows in answers.items():
        table[f"answer of {name}"] = rows["answer"].to_numpy()
        table[f"margin of {name}"] = rows["margin"].to_numpy()
    return table


def sort_recordings(table: pd.DataFrame, order: str, model: str | None) -> pd.DataFrame:
    """The rows in the order that one of the three asks for, by the margin of a model."""
    if order == AS_RECORDED or model is None:
        return table
    margin = table[f"margin of {model}"]
    return table.loc[(margin.abs() if order == CLOSE_FIRST else margin).sort_values(kind="stable").index]


def describe_recording(row: Mapping[Any, Any], models: Sequence[str]) -> str:
    """One row in words, for a list.

    >>> row = {"recording": 3, "label": "left", "answer of SNN": "right", "margin of SNN": -0.25}
    >>> describe_recording(row, ["SNN"])
    '3: left, SNN right, margin -0.25'
    """
    answers = [f"{model} {cut(str(row[f'answer of {model}']))}" for model in models if f"answer of {model}" in row]
    margin = [f"margin {row[f'margin of {models[-1]}']:.2f}"] if answers else []
    return ", ".join([f"{row['recording']}: {cut(str(row['label']))}", *answers, *margin])


def _is_correct(table: pd.DataFrame, model: str) -> pd.Series[bool]:
    return table[f"answer of {model}"] == table["label"]
