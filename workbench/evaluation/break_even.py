"""Two models' energy over time: which is the cheaper, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.evaluation.energy import EnergyPreset, find_preset, price
from workbench.evaluation.votes import require_one_per

if TYPE_CHECKING:
    import pandas as pd


def price_over_time(costs: pd.DataFrame, cheap: str, dear: str, preset: str | EnergyPreset = "fp32") -> pd.DataFrame:
    """What two models of a table of `compare` have cost by every step of `cheap`: a row per step, once either has.

    Columns: step, frame (both of `cheap`), energy_nj and dear_energy_nj, cumulative per recording; the latter follows
    a straight line between the steps of `dear`. Steps after the last one of `dear`, and counts that are not finite,
    are left out. ValueError for a model that is not in the table.

    >>> counts = {"dense_macs": [0.0, 1e3], "effective_macs": 0.0, "synaptic_operations": [1e3, 0.0]}
    >>> costs = pd.DataFrame({"model": ["SNN", "ANN"], "step": 0, "frame": [0.5, 1.0], **counts})
    >>> price_over_time(costs, "SNN", "ANN").round(3).to_dict("records")
    [{'step': 0, 'frame': 0.5, 'energy_nj': 0.9, 'dear_energy_nj': 2.3}]
    """
    import numpy as np
    import pandas as pd

    table, other = (_curve(costs, model, preset) for model in (cheap, dear))
    table = table[table["frame"] <= other["frame"].max()]
    frames, energies = (np.concatenate([[0.0], other[column]]) for column in ("frame", "energy_nj"))
    table = table.assign(dear_energy_nj=pd.Series(np.interp(table["frame"], frames, energies), table.index))
    paid: pd.DataFrame = table.loc[(table["energy_nj"] > 0) | (table["dear_energy_nj"] > 0)]
    return paid.reset_index(drop=True)


def _curve(costs: pd.DataFrame, model: str, preset: str | EnergyPreset) -> pd.DataFrame:
    """Step, frame and energy of one model, in order of time."""
    import numpy as np

    rows = costs.loc[costs["model"] == model]
    if rows.empty:
        known = ", ".join(map(repr, costs["model"].unique())) or "none"
        raise ValueError(f"no model {model!r} in the table of costs; it has {known}")
    require_one_per(costs)
    curve = rows[["step", "frame"]].assign(energy_nj=price(rows, preset))
    finite = np.isfinite(curve["frame"]) & np.isfinite(curve["energy_nj"])
    if np.isnan(find_preset(preset).mac_pj) and not finite.any():
        raise ValueError(f"energy={find_preset(preset).name!r} prices no MACs, so it has no energy of {model!r}")
    ordered: pd.DataFrame = curve.loc[finite].sort_values("frame")
    return ordered


def find_break_even(
    costs: pd.DataFrame, cheap: str, dear: str, preset: str | EnergyPreset = "fp32"
) -> pd.DataFrame | None:
    """The step from which on `cheap` is no longer cheaper than `dear`; None if it is cheaper in the end.

    A table of one row, in the columns of `price_over_time` and cheaper_steps, the number of steps before at which it
    was cheaper: 0 if it never was. ValueError for a model that is not in the table.

    >>> counts = {"dense_macs": [0, 0, 1e3, 2e3], "effective_macs": 0, "synaptic_operations": [4e3, 2e4, 0, 0]}
    >>> costs = pd.DataFrame({"model": ["SNN"] * 2 + ["ANN"] * 2, "step": [0, 1] * 2, "frame": [1, 2] * 2, **counts})
    >>> found = find_break_even(costs, "SNN", "ANN")
    >>> found["step"].item(), found["cheaper_steps"].item()
    (1, 1)
    """
    prices = price_over_time(costs, cheap, dear, preset)
    cheaper = (prices["energy_nj"] < prices["dear_energy_nj"]).to_numpy()
    if len(prices) == 0 or cheaper[-1]:
        return None
    last = int(cheaper.nonzero()[0].max(initial=-1))
    return prices.iloc[[last + 1]].assign(cheaper_steps=int(cheaper.sum())).reset_index(drop=True)


def compare_energy(costs: pd.DataFrame, preset: str | EnergyPreset = "fp32") -> pd.DataFrame:
    """Every spiking model held against the cheapest of the others: which costs less, and until when.

    `costs` is the table of `wb.compare`; the other model is the one that costs least at its last step. One row per
    spiking model, none where there is nothing to hold it against. Columns: model, other, cheaper ("throughout",
    "in the end", "at first", "never"), cheaper_steps, and from when on it is no longer the cheaper (NaN where it is in
    the end): step, frame, energy_nj. ValueError for an unknown preset.

    >>> counts = {"dense_macs": [0, 0, 1e3, 2e3], "effective_macs": 0, "synaptic_operations": [4e3, 2e4, 0, 0]}
    >>> costs = pd.DataFrame({"model": ["SNN"] * 2 + ["ANN"] * 2, "step": [0, 1] * 2, "frame": [1, 2] * 2, **counts})
    >>> compare_energy(costs)[["model", "other", "cheaper", "frame"]].values.tolist()
    [['SNN', 'ANN', 'at first', 2]]
    """
    import pandas as pd

    require_one_per(costs)
    models = costs.assign(energy_nj=price(costs, preset)).groupby("model", sort=False)
    spiking = models["synaptic_operations"].max() > 0
    last = models.tail(1).set_index("model")["energy_nj"]
    others = last[spiking.index[~spiking]].dropna()
    rows = [_judge(costs, str(model), str(others.idxmin()), preset) for model in spiking.index[spiking] if len(others)]
    columns = ["model", "other", "cheaper", "cheaper_steps", "step", "frame", "energy_nj"]
    table = pd.DataFrame(rows, columns=columns)
    table.attrs = dict(costs.attrs)
    return table


def _judge(costs: pd.DataFrame, model: str, other: str, preset: str | EnergyPreset) -> dict[str, object]:
    """How one model fares against another."""
    found = find_break_even(costs, model, other, preset)
    if found is None:
        prices = price_over_time(costs, model, other, preset)
        steps = int((prices["energy_nj"] < prices["dear_energy_nj"]).sum())
        cheaper = "throughout" if steps == len(prices) else "in the end"
        return {"model": model, "other": other, "cheaper": cheaper, "cheaper_steps": steps}
    moment = {column: found[column].item() for column in ("cheaper_steps", "step", "frame", "energy_nj")}
    return {"model": model, "other": other, "cheaper": "at first" if moment["cheaper_steps"] else "never", **moment}
