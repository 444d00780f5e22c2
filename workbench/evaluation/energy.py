"""Prices of operations, as data with their source: counts times picojoules, and nothing hidden."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_HOROWITZ = "Horowitz 2014, ISSCC, 45 nm"
_ALONE = f"{_HOROWITZ}: arithmetic alone, without memory access"
_SKIPS = "an ANN that computes no product with zero"
_MEMORY = (
    "every access one of SRAM as in Lemaire et al. 2022, arXiv 2210.13107: a least-squares line through Horowitz's 10, "
    "20 and 100 pJ for 8 KB, 32 KB and 1 MB; addressing is left out"
)
_LOIHI = (
    "Loihi, 14 nm: 23.6 pJ per synaptic operation (Davies et al. 2018, IEEE Micro 38:82, as quoted in table 3 of "
    "PMC10326429) and 81 pJ per neuron update (as quoted by KerasSpiking);"
    " neither idle power nor traffic between cores; it computes no MACs"
)


@dataclass(frozen=True)
class EnergyPreset:
    """What each kind of operation costs, in picojoules.

    energy = macs mac_pj + synaptic_operations addition_pj + neuron_updates update_pj + memory_accesses access_pj
    + memory_span_words span_pj, where macs are the dense ones, or with `skips_zeros` the effective ones; a neuron
    update is an addition unless said otherwise, and memory costs nothing. `mac_pj=math.nan` prices no MACs at all.

    >>> EnergyPreset("mine", mac_pj=2.0, addition_pj=0.5, skips_zeros=False, source="measured by me").neuron_pj
    0.5
    """

    name: str
    mac_pj: float
    addition_pj: float
    skips_zeros: bool
    source: str
    update_pj: float | None = None
    access_pj: float = 0.0
    span_pj: float = 0.0

    def __post_init__(self) -> None:
        if self.skips_zeros and self.counts_memory:
            raise ValueError(
                f"EnergyPreset {self.name!r}: accesses of memory are counted for every product, also with zero; "
                "use skips_zeros=False, or leave access_pj and span_pj at 0"
            )

    @property
    def neuron_pj(self) -> float:
        """What a neuron update costs."""
        return self.addition_pj if self.update_pj is None else self.update_pj

    @property
    def counts_memory(self) -> bool:
        """Whether accesses of memory cost anything."""
        return self.access_pj > 0 or self.span_pj > 0


SRAM: Mapping[int, float] = MappingProxyType({8 * 1024: 10.0, 32 * 1024: 20.0, 1024 * 1024: 100.0})  # bytes: pJ


def _line() -> tuple[float, float]:
    """Picojoules of an access of an empty SRAM, and those that each byte of its size adds: least squares."""
    size, energy = (sum(values) / len(SRAM) for values in (SRAM.keys(), SRAM.values()))
    slope = sum((x - size) * (y - energy) for x, y in SRAM.items()) / sum((x - size) ** 2 for x in SRAM)
    return energy - slope * size, slope


def add_memory(preset: EnergyPreset, word_bytes: int) -> EnergyPreset:
    """The preset with every access of memory priced as one of an SRAM whose words have so many bytes.

    >>> priced = add_memory(PRESETS["int8"], word_bytes=1)
    >>> priced.name, round(priced.access_pj + 8 * 1024 * priced.span_pj, 1)  # of 8 KB
    ('int8 with memory', 13.9)
    """
    access, byte = _line()
    source = f"{preset.source.replace(_ALONE, _HOROWITZ)}; {_MEMORY}"
    return replace(
        preset, name=f"{preset.name} with memory", source=source, access_pj=access, span_pj=byte * word_bytes
    )


_FP32 = EnergyPreset("fp32", 4.6, 0.9, False, f"{_ALONE}; fp32 add 0.9, multiply 3.7")
_FP16 = EnergyPreset("fp16", 1.5, 0.4, False, f"{_ALONE}; fp16 add 0.4, multiply 1.1")
_INT8 = EnergyPreset("int8", 0.23, 0.03, False, f"{_ALONE}; int8 add 0.03, multiply 0.2")
_INT32 = EnergyPreset("int32", 3.2, 0.1, False, f"{_ALONE}; int32 add 0.1, multiply 3.1")

PRESETS: dict[str, EnergyPreset] = {
    preset.name: preset
    for preset in (
        _FP32,
        replace(_FP32, name="fp32, zeros skipped", skips_zeros=True, source=f"{_ALONE}; {_SKIPS}"),
        _FP16,
        _INT8,
        replace(_INT8, name="int8, zeros skipped", skips_zeros=True, source=f"{_ALONE}; {_SKIPS}"),
        add_memory(_FP32, word_bytes=4),
        add_memory(_FP16, word_bytes=2),
        add_memory(_INT8, word_bytes=1),
        add_memory(_INT32, word_bytes=4),
        EnergyPreset("Loihi", math.nan, 23.6, False, _LOIHI, update_pj=81.0),
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
    """Energy in nanojoules of every row of a table of counts; NaN where it has MACs and the preset prices none.

    ValueError where the preset counts memory and the table does not.

    >>> import pandas as pd
    >>> counts = pd.DataFrame({"dense_macs": [1000], "effective_macs": [100], "synaptic_operations": [0]})
    >>> float(price(counts, "fp32")[0])
    4.6
    """
    costs = find_preset(preset)
    missing = [column for column in ("memory_accesses", "memory_span_words") if column not in counts.columns]
    if costs.counts_memory and missing:
        raise ValueError(
            f"energy={costs.name!r} prices memory, but the table lacks {', '.join(missing)}; count anew with "
            "wb.compare, or choose a preset without memory"
        )
    macs = counts["effective_macs" if costs.skips_zeros else "dense_macs"]
    energy = (macs * costs.mac_pj).where(macs != 0, 0.0) + counts["synaptic_operations"] * costs.addition_pj
    energy = energy + counts.get("neuron_updates", 0) * costs.neuron_pj
    if costs.counts_memory:
        energy = energy + counts["memory_accesses"] * costs.access_pj + counts["memory_span_words"] * costs.span_pj
    return energy / 1000


def price_all(costs: pd.DataFrame) -> pd.DataFrame:
    """Energy per recording at the last step of every model under every preset, with its source; NaN without a price."""
    import pandas as pd

    last = costs.groupby("model", sort=False).tail(1)
    tables = [
        pd.DataFrame({"preset": name, "model": last["model"], "energy_nj": price(last, name), "source": preset.source})
        for name, preset in PRESETS.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    table.attrs = dict(costs.attrs)
    return table
