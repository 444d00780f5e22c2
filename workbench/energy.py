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
