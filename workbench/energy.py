"""Prices of operations, as data with their source: counts times picojoules, and nothing hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_HOROWITZ = "Horowitz 2014, ISSCC, 45 nm: arithmetic alone, without memory access"


@dataclass(frozen=True)
class EnergyPreset:
    """What each kind of operation costs, in picojoules.

    energy = macs mac_pj + synaptic_operations addition_pj + neuron_updates addition_pj, where macs are the dense ones,
    or with `skips_zeros` the effective ones.
    """

    name: str
    mac_pj: float
    addition_pj: float
    skips_zeros: bool
    source: str


PRESETS: dict[str, EnergyPreset] = {
    preset.name: preset
    for preset in (
        EnergyPreset("fp32", 4.6, 0.9, False, f"{_HOROWITZ}; fp32 add 0.9, multiply 3.7"),
        EnergyPreset("fp32, zeros skipped", 4.6, 0.9, True, f"{_HOROWITZ}; an ANN that computes no product with zero"),
        EnergyPreset("fp16", 1.5, 0.4, False, f"{_HOROWITZ}; fp16 add 0.4, multiply 1.1"),
        EnergyPreset("int8", 0.23, 0.03, False, f"{_HOROWITZ}; int8 add 0.03, multiply 0.2"),
        EnergyPreset(
            "int8, zeros skipped", 0.23, 0.03, True, f"{_HOROWITZ}; an ANN that computes no product with zero"
        ),
    )
}


def find_preset(preset: str | EnergyPreset) -> EnergyPreset:
    """The preset of this name; your own passes through.

    >>> find_preset("fp32").mac_pj
    4.6
    """
    if isinstance(preset, EnergyPreset):
        return preset
    if preset not in PRESETS:
        names = ", ".join(repr(name) for name in PRESETS)
        raise ValueError(f"energy={preset!r} is unknown; choose {names}, or give an EnergyPreset of your own")
    return PRESETS[preset]


def price(counts: pd.DataFrame, preset: str | EnergyPreset) -> pd.Series[float]:
    """Energy in nanojoules of every row of a table of counts.

    >>> import pandas as pd
    >>> counts = pd.DataFrame({"dense_macs": [1000], "effective_macs": [100], "synaptic_operations": [0]})
    >>> float(price(counts, "fp32")[0])
    4.6
    """
    costs = find_preset(preset)
    macs = counts["effective_macs" if costs.skips_zeros else "dense_macs"]
    additions = counts["synaptic_operations"] + counts.get("neuron_updates", 0)
    return (macs * costs.mac_pj + additions * costs.addition_pj) / 1000


def price_all(costs: pd.DataFrame) -> pd.DataFrame:
    """Energy per recording at the last step of every model under every preset, with its source: a tidy table."""
    import pandas as pd

    last = costs.groupby("model", sort=False).tail(1)
    tables = [
        pd.DataFrame({"preset": name, "model": last["model"], "energy_nj": price(last, name), "source": preset.source})
        for name, preset in PRESETS.items()
    ]
    return pd.concat(tables, ignore_index=True)


def follow_prices(costs: pd.DataFrame, cheap: str, dear: str, preset: str | EnergyPreset = "fp32") -> pd.DataFrame:
    """What two models of a table of `compare` have cost by every step of `cheap`: a row per step, once either has.

    Columns: step, frame (both of `cheap`), energy_nj and dear_energy_nj, cumulative per recording; the latter follows
    a straight line between the steps of `dear`. Steps after the last one of `dear`, and counts that are not finite,
    are left out. ValueError for a model that is not in the table.

    >>> counts = {"dense_macs": [0.0, 1e3], "effective_macs": 0.0, "synaptic_operations": [1e3, 0.0]}
    >>> costs = pd.DataFrame({"model": ["SNN", "ANN"], "step": 0, "frame": [0.5, 1.0], **counts})
    >>> follow_prices(costs, "SNN", "ANN").round(3).to_dict("records")
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
    curve = rows[["step", "frame"]].assign(energy_nj=price(rows, preset))
    finite = np.isfinite(curve["frame"]) & np.isfinite(curve["energy_nj"])
    ordered: pd.DataFrame = curve.loc[finite].sort_values("frame")
    return ordered


def find_break_even(
    costs: pd.DataFrame, cheap: str, dear: str, preset: str | EnergyPreset = "fp32"
) -> pd.DataFrame | None:
    """The step from which on `cheap` is no longer cheaper than `dear`; None if it is cheaper in the end.

    A table of one row, in the columns of `follow_prices` and cheaper_steps, the number of steps before at which it was
    cheaper: 0 if it never was. ValueError for a model that is not in the table.

    >>> counts = {"dense_macs": [0, 0, 1e3, 2e3], "effective_macs": 0, "synaptic_operations": [4e3, 2e4, 0, 0]}
    >>> costs = pd.DataFrame({"model": ["SNN"] * 2 + ["ANN"] * 2, "step": [0, 1] * 2, "frame": [1, 2] * 2, **counts})
    >>> found = find_break_even(costs, "SNN", "ANN")
    >>> found["step"].item(), found["cheaper_steps"].item()
    (1, 1)
    """
    prices = follow_prices(costs, cheap, dear, preset)
    cheaper = (prices["energy_nj"] < prices["dear_energy_nj"]).to_numpy()
    if len(prices) == 0 or cheaper[-1]:
        return None
    last = int(cheaper.nonzero()[0].max(initial=-1))
    return prices.iloc[[last + 1]].assign(cheaper_steps=int(cheaper.sum())).reset_index(drop=True)
