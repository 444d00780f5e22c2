"""The price of a synaptic operation at which a spiking model and an ANN cost the same: where a verdict reverses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from workbench.evaluation.energy import PRESETS, price
from workbench.evaluation.votes import require_one_per

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "model", "against", "preset", "energy_nj", "against_nj", "ratio", "cheaper",
    "synaptic_operation_pj", "break_even_pj",
)  # fmt: skip


def tabulate_reversing_prices(costs: pd.DataFrame) -> pd.DataFrame:
    """Energies at the last step under every preset that prices both, and the price that would reverse who is cheaper.

    A row per spiking model of a table of `compare` and preset. Columns: model, against (the ANN that takes least under
    this preset), preset, energy_nj, against_nj, ratio (against_nj / energy_nj), cheaper (whether the model is),
    synaptic_operation_pj (the preset's price of one), and break_even_pj, the price at which both cost the same, all
    other prices as they are:

    break_even = synaptic_operation_pj + 1000 (against_nj - energy_nj) / synaptic_operations

    Where it is below 0, no price of a synaptic operation makes the model the cheaper one. Without an ANN there is no
    row. ValueError for a table without the columns of `compare`.

    >>> counts = {"dense_macs": [900.0, 0.0], "effective_macs": [90.0, 0.0], "synaptic_operations": [0.0, 800.0]}
    >>> counts |= {"neuron_updates": 0.0, "memory_accesses": [1800.0, 900.0], "memory_span_words": 0.0}
    >>> costs = pd.DataFrame({"model": ["ANN", "SNN"], "step": [3, 15], "frame": 4.0, **counts})
    >>> row = tabulate_reversing_prices(costs).set_index("preset").loc["fp32"]
    >>> bool(row["cheaper"]), float(row["ratio"]), float(round(row["break_even_pj"], 2))
    (True, 5.75, 5.18)
    """
    import pandas as pd

    needed = ("model", "step", "dense_macs", "effective_macs", "synaptic_operations", "memory_accesses")
    missing = [column for column in needed if column not in costs.columns]
    if missing:
        raise ValueError(f"the table lacks {', '.join(missing)}; give the table that wb.compare returns")
    require_one_per(costs)
    last = costs.groupby("model", sort=False).tail(1).set_index("model")
    spiking = last["synaptic_operations"] > 0
    rows = []
    for name, preset in PRESETS.items():
        energies = price(last, preset)
        rivals = energies[(last["dense_macs"] > 0) & ~spiking].dropna()
        for model in () if rivals.empty else last.index[spiking]:
            mine, theirs = float(energies[model]), float(rivals.min())
            if math.isnan(mine):
                continue
            turn = preset.addition_pj + 1000 * (theirs - mine) / float(last["synaptic_operations"][model])
            ratio = theirs / mine if mine else math.inf
            found = (model, str(rivals.idxmin()), name, mine, theirs, ratio, mine < theirs, preset.addition_pj, turn)
            rows.append(dict(zip(COLUMNS, found, strict=True)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def describe_reversing_price(row: pd.Series[Any]) -> str:
    """In words what a row says, and the price that would reverse it.

    >>> row = {"cheaper": False, "ratio": 0.5, "synaptic_operation_pj": 0.9, "break_even_pj": 0.4}
    >>> describe_reversing_price(pd.Series(row))
    'dearer, 2 times; cheaper if a synaptic operation cost less than 0.4 pJ (0.9 here)'
    """
    cheaper, turn = bool(row["cheaper"]), float(str(row["break_even_pj"]))
    ratio = float(str(row["ratio"]))
    how = f"{'cheaper' if cheaper else 'dearer'}, {ratio if cheaper else 1 / ratio:.3g} times"
    if not cheaper and turn <= 0:
        return f"{how}; even if synaptic operations cost nothing"
    condition = (
        f"{'dearer' if cheaper else 'cheaper'} if a synaptic operation cost {'more' if cheaper else 'less'} than"
    )
    return f"{how}; {condition} {turn:.3g} pJ ({float(str(row['synaptic_operation_pj'])):g} here)"
