"""How much every node fires in one recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from workbench.analysis.spike_trains import SpikeTrain, are_counts, choose_recording, gather_spikes
from workbench.validation import require_whole

if TYPE_CHECKING:
    import pandas as pd

Activity = Mapping[str, Tensor | ArrayLike | SpikeTrain]
Units = SpikeTrain | NDArray[Any]  # spikes, or analog values (step, unit)


def gather_units(activity: Activity, recording: int = 0) -> dict[str, Units]:
    """One recording by node: a train of spikes, or (step, unit) where the values cannot be counts.

    `activity` is what `model.run` returns, (step, batch, *shape) by node, dense or sparse; trains pass through.
    ValueError for a recording that is not there and for values that are not finite.

    >>> gather_units({"v1": np.ones((2, 1, 3)), "hand": np.full((2, 1, 3), 0.5)})["hand"].shape
    (2, 3)
    """
    return {node: _gather(node, values, recording) for node, values in activity.items()}


def measure_size(units: Units) -> tuple[int, int]:
    """Number of steps and of units.

    >>> measure_size(np.zeros((4, 10)))
    (4, 10)
    """
    return (units.length, units.width) if isinstance(units, SpikeTrain) else (units.shape[0], units.shape[1])


def measure_rates(units: Mapping[str, Units], ticks_per_frame: int = 1) -> pd.DataFrame:
    """Spikes and firing rates of every node in one recording: one row per node, in the order given.

    `units` is what `gather_units` returns. Columns: node, units, spikes, rate (spikes per
    unit and frame), active (share of units that spike at all), busiest (the unit with the largest sum, counted through
    the node's shape). A node whose values are no counts, as the output's drive, has spikes <NA>, rate and active NaN.
    ValueError for a number of ticks that is not whole and positive.

    >>> units = gather_units({"eye": np.ones((4, 1, 2)), "v1": np.array([[[0, 0]], [[0, 1]], [[0, 0]], [[0, 1]]])})
    >>> measure_rates(units, ticks_per_frame=2)[["spikes", "rate", "active", "busiest"]].values.tolist()
    [[8, 2.0, 1.0, 0], [2, 0.5, 0.5, 1]]
    """
    import pandas as pd

    ticks_per_frame = require_whole("measure_rates: ticks_per_frame", ticks_per_frame)
    rows = []
    for node, values in units.items():
        steps, width = measure_size(values)
        row: dict[str, Any] = {"node": node, "units": width, "busiest": find_busiest(values)}
        if isinstance(values, SpikeTrain):
            row["spikes"], row["active"] = values.total, len(np.unique(values.units)) / width
            row["rate"] = values.total / (width * steps / ticks_per_frame)
        rows.append(row)
    table = pd.DataFrame(rows, columns=["node", "units", "spikes", "rate", "active", "busiest"])
    return table.astype({"spikes": "Int64", "rate": float, "active": float})


def find_busiest(units: Units) -> int:
    """The unit with the largest sum over all steps, the first of several.

    >>> find_busiest(np.array([[0.5, 1.0], [0.5, 0.25]]))
    1
    """
    if isinstance(units, SpikeTrain):
        return int(np.bincount(units.units, weights=units.counts, minlength=max(units.width, 1)).argmax())
    return int(units.mean(axis=0).argmax())


def _gather(node: str, values: Tensor | ArrayLike | SpikeTrain, recording: int) -> Units:
    if isinstance(values, SpikeTrain):
        return values
    if isinstance(values, Tensor) and values.layout != torch.strided:
        return gather_spikes(values, recording, node)
    array = choose_recording(values, recording, node)
    if not np.isfinite(array).all():
        step = int(np.argwhere(~np.isfinite(array))[0, 0])
        raise ValueError(f"{node!r} holds values that are no finite numbers, first in step {step}; repair the model")
    return gather_spikes(values, recording, node) if are_counts(array) else array.reshape(len(array), -1)
