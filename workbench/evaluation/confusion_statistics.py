"""What a table of confusions says: shares of a class, the accuracy, and which classes are confused most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def share_confusions(confusions: pd.DataFrame) -> pd.DataFrame:
    """Each cell of a confusion matrix as a share of its row: how many recordings of a class are answered how.

    `confusions` is the table of `wb.count_confusions`, whose columns are kept. Added: class_recordings (recordings of
    the true class at this step) and share (recordings / class_recordings, 0 to 1; NaN for a class without any).

    >>> cells = {"label": list("aabb"), "answer": list("abab"), "recordings": [3, 1, 0, 4]}
    >>> share_confusions(pd.DataFrame({"step": 0, "frame": 1.0, **cells}))["share"].tolist()
    [0.75, 0.25, 0.0, 1.0]
    """
    totals = confusions.groupby(["frame", "label"], sort=False)["recordings"].transform("sum")
    return confusions.assign(class_recordings=totals, share=confusions["recordings"] / totals.where(totals > 0))


def track_accuracy(confusions: pd.DataFrame) -> pd.DataFrame:
    """The accuracy at every step of a table of `wb.count_confusions`: the share of recordings on the diagonal.

    Columns: step, frame, recordings, accuracy (0 to 1, as in `wb.compare`; NaN where there are no recordings).

    >>> cells = {"label": list("aabb"), "answer": list("abab"), "recordings": [3, 1, 0, 4]}
    >>> track_accuracy(pd.DataFrame({"step": 0, "frame": 1.0, **cells}))["accuracy"].tolist()
    [0.875]
    """
    right = confusions["recordings"].where(confusions["label"] == confusions["answer"], 0)
    table = confusions.assign(right=right).groupby("frame", as_index=False)
    steps = table.agg(step=("step", "first"), recordings=("recordings", "sum"), right=("right", "sum"))
    steps = steps.assign(accuracy=steps["right"] / steps["recordings"])
    return steps[["step", "frame", "recordings", "accuracy"]]


def rank_confusions(confusions: pd.DataFrame) -> pd.DataFrame:
    """Pairs of classes that are taken for each other, most confused first: one row per pair.

    `confusions` is the table of `wb.count_confusions`. Of two classes a and b are counted the recordings of a answered
    as b and those of b answered as a, over all recordings of both. Columns: label, other (the classes); total (confused
    recordings, summed over all steps, by which pairs are ranked); at the step at which they are confused most often
    step, frame, confused, recordings (of both classes), share (confused / recordings, 0 to 1); and at the last step
    end_confused, end_recordings, end_share. Pairs never confused are no rows.

    >>> cells = {"label": list("aabb"), "answer": list("abab"), "recordings": [3, 1, 0, 4]}
    >>> rank_confusions(pd.DataFrame({"step": 0, "frame": 1.0, **cells}))[["label", "other", "share"]].values.tolist()
    [['a', 'b', 0.125]]
    """
    import pandas as pd

    classes = np.asarray(pd.unique(confusions["label"]))
    steps = confusions.groupby("frame")["step"].first()
    counts = _stack_matrices(confusions, classes, steps.index.to_numpy(dtype=float))
    mutual = counts + counts.transpose(0, 2, 1)
    one, other = np.triu_indices(len(classes), 1)
    confused, sizes = mutual[:, one, other], counts.sum(axis=2)
    both = sizes[:, one] + sizes[:, other]
    shares = confused / np.maximum(both, 1)
    order = np.argsort(-confused.sum(axis=0), kind="stable")
    order = order[confused.sum(axis=0)[order] > 0]
    worst = shares.argmax(axis=0)[order]
    return pd.DataFrame(
        {
            "label": classes[one[order]],
            "other": classes[other[order]],
            "total": confused.sum(axis=0)[order],
            "step": steps.to_numpy()[worst],
            "frame": steps.index.to_numpy()[worst],
            "confused": confused[worst, order],
            "recordings": both[worst, order],
            "share": shares[worst, order],
            "end_confused": confused[-1, order],
            "end_recordings": both[-1, order],
            "end_share": shares[-1, order],
        }
    )


def _stack_matrices(confusions: pd.DataFrame, classes: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Recordings as (step, true class, class answered); answers that are no class of any recording are left out."""
    import pandas as pd

    step = np.searchsorted(frames, confusions["frame"].to_numpy(dtype=float))
    label, answer = (pd.Index(classes).get_indexer(confusions[column]) for column in ("label", "answer"))
    known = answer >= 0
    counts = np.zeros((len(frames), len(classes), len(classes)))
    values = confusions["recordings"].to_numpy(dtype=float)
    np.add.at(counts, (step[known], label[known], answer[known]), values[known])
    return counts
