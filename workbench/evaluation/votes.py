"""Answers per slice or per recording: the slices that were cut from one recording vote at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from workbench.events import Recordings

if TYPE_CHECKING:
    import pandas as pd

SLICE, RECORDING = "slice", "recording"


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which slices answer together: `place` (slices,) numbers the group of each, from 0 on.

    `origins` and `labels` (groups,) are those of each group; `per` says in tables what a group is: "recording", also
    where nothing was cut and slices are whole recordings, else "slice".
    """

    per: str
    place: NDArray[np.int64]
    origins: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def alone(self) -> bool:
        """Whether every slice answers for itself."""
        return len(self) == len(self.place)

    def add(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the slices of every group, (groups,) of values (slices,)."""
        return np.bincount(self.place, values, len(self)).astype(np.float64)


def group_slices(recordings: Recordings, per: str = SLICE) -> Grouping:
    """Every slice by itself, or with `per="recording"` those of one origin together, in the order in which they begin.

    ValueError for any other `per`, and for slices of one origin that have different labels.

    >>> import dataclasses
    >>> recordings = Recordings.from_ticks(np.ones((1, 3, 2), dtype=int), labels=[1, 0, 1])
    >>> cut = dataclasses.replace(recordings, origins=np.array([7, 4, 7]))
    >>> group_slices(cut, per="recording").place.tolist(), group_slices(cut).per, group_slices(recordings).per
    ([0, 1, 0], 'slice', 'recording')
    """
    if per not in (SLICE, RECORDING):
        raise ValueError(f"per={per!r} is unknown; choose 'slice' or 'recording'")
    origins, labels = np.asarray(recordings.origins), np.asarray(recordings.labels)
    _, first, place = np.unique(origins, return_index=True, return_inverse=True)
    if per == SLICE or len(first) == len(origins):
        return Grouping(RECORDING if len(first) == len(origins) else SLICE, np.arange(len(labels)), origins, labels)
    order = np.argsort(first)
    place, first = np.argsort(order)[place], first[order]
    odd = np.flatnonzero(labels != labels[first][place])
    if len(odd):
        one, other = (recordings.classes[labels[i]] for i in (first[place[odd[0]]], odd[0]))
        raise ValueError(
            f"{recordings.name}: slices of origin {origins[odd[0]]} are labelled {one!r} and {other!r}, so they cannot "
            "answer together; give each label an origin of its own, or use per='slice'"
        )
    return Grouping(RECORDING, place, origins[first], labels[first])


def vote(answers: Tensor, grouping: Grouping) -> Tensor:
    """The class that most slices of each group answer, (steps, groups) of answers (steps, slices, classes).

    Of classes with equally many votes it is the one whose softmax probabilities have the larger sum over the slices of
    the group, then the first.

    >>> answers = torch.tensor([[[9.0, 0.0], [0.0, 1.0], [0.0, 1.0], [2.0, 0.0], [0.0, 1.0]]])
    >>> zeros = np.zeros(2, dtype=int)
    >>> vote(answers, Grouping("recording", np.array([0, 0, 0, 1, 1]), zeros, zeros)).tolist()
    [[1, 0]]
    """
    chosen, classes = answers.argmax(2), answers.shape[2]
    if grouping.alone:
        return chosen
    votes = _add(F.one_hot(chosen, classes), grouping)
    sums = _add(answers.double().softmax(2), grouping)
    return sums.masked_fill(votes < votes.amax(2, keepdim=True), -torch.inf).argmax(2)


def rate_confidence(answers: Tensor, answered: Tensor, grouping: Grouping) -> Tensor:
    """Softmax probability of the class answered, (steps, groups), its mean over the slices of a group."""
    sums = _add(answers.double().softmax(2), grouping)
    chosen = sums.gather(2, answered[:, :, None])[:, :, 0]
    return chosen / torch.bincount(torch.as_tensor(grouping.place), minlength=len(grouping))


def measure_margin(answers: Tensor, grouping: Grouping) -> Tensor:
    """Softmax probability of the true class less the largest of the others, (steps, groups), means over slices.

    From -1, surely wrong, to 1, surely right; near 0 it is a close call. Of one class alone it is 1.
    """
    shares = _add(answers.double().softmax(2), grouping) / torch.bincount(
        torch.as_tensor(grouping.place), minlength=len(grouping)
    )[:, None]  # fmt: skip
    true = torch.tensor(grouping.labels)[None, :, None].expand(len(shares), -1, 1)
    others = shares.scatter(2, true, 0.0).amax(2)
    return shares.gather(2, true)[:, :, 0] - others


def rate_accuracy(answered: Tensor, grouping: Grouping) -> Tensor:
    """Share of the groups that are answered correctly at every step, (steps,)."""
    return (answered == torch.tensor(grouping.labels)).double().mean(1)


def find_per(table: pd.DataFrame) -> str:
    """What the counts of a table of `compare` are means over, as its column `per` says: "recording" without one.

    >>> find_per(pd.DataFrame({"model": ["ANN"]})), find_per(pd.DataFrame({"per": ["slice", "recording"]}))
    ('recording', 'slice or recording')
    """
    found = [per for per in (SLICE, RECORDING) if "per" in table.columns and table["per"].eq(per).any()]
    return " or ".join(found) or RECORDING


def require_one_per(table: pd.DataFrame) -> None:
    """ValueError where some rows count per slice and others per recording: their costs have no ratio."""
    if find_per(table) not in (SLICE, RECORDING):
        raise ValueError(
            "the table counts per slice in some rows and per recording in others, so that their costs cannot be held "
            "against each other; give the table that one call of wb.compare returns"
        )


def _add(values: Tensor, grouping: Grouping) -> Tensor:
    sums = values.new_zeros(len(values), len(grouping), values.shape[2])
    return sums.index_add_(1, torch.as_tensor(grouping.place), values)
