"""Published bounds on when a spiking network is cheaper, evaluated for models at hand, and a verdict in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from workbench.evaluation.energy import PRESETS, EnergyPreset, find_preset, price
from workbench.evaluation.votes import find_per, require_one_per

if TYPE_CHECKING:
    import pandas as pd

COMPETITIVE = (0.15, 1.38)  # Dampfhoffer: spikes per synapse and inference
RATE, RATE_TICKS = 0.057, 5  # Yan: spikes per synapse and tick, and the ticks for which the bound is stated
MEMORY = "int32 with memory"  # the preset with the numbers of Lemaire
PRICES = "Davidson & Furber 2021"  # whose verdict is the sentence about energies
COLUMNS = ("model", "critic", "quantity", "value", "low", "high", "verdict", "source")
SOURCES = {
    "Dampfhoffer 2023": "Are SNNs really more energy-efficient than ANNs? An in-depth hardware-aware study, IEEE "
    "TETCI: an IF-SNN competes only at 0.15 to 1.38 spikes per synapse and inference; that an inference is a frame "
    "here is ours: an ANN computes a synapse at most once in every frame from its target's first response on, and not "
    "at all before, so earlier frames are left out",
    "Yan 2024": "arXiv 2409.08290v4, abstract: at T = 5 an average spike rate below 5.7 % outperforms an equally "
    "precise quantised ANN (versions 2 and 3: below 6.4 % at T = 5 to 10); stated for these T, not extended to others",
    PRICES: "doi 10.3389/fnins.2021.651141: on the same silicon most rate-coded SNNs do not beat the "
    "ANN; evaluated here as the energies of both under every preset that prices both and counts arithmetic alone",
    "Lemaire 2022": "arXiv 2210.13107: energy is to be estimated with the accesses of memory; evaluated here under the "
    f"preset {MEMORY!r}",
}


def criticise(costs: pd.DataFrame) -> pd.DataFrame:
    """What four critics say of every spiking model of a table of `compare`: one row per model and critic.

    Columns: model, critic, quantity (what is held against a bound), value, low and high (the bound: competitive below
    low, not above high; the same number where there is one bound), verdict (in words), source. Counts are those of the
    last step, without padding. With S synaptic operations, frames of K ticks, and U synapse_frames, the sum over all
    synapses of the frames from the first response of their target on (before it, neither an ANN nor an SNN can use
    them; of an SNN it is its own, in ticks / K):

    spikes per synapse and frame = S / U; spike rate = S / (U K)

    S holds every spike already, so nothing is multiplied by a rate once more. An energy is held against that of the ANN
    that takes least under the same preset; NaN where the table has no ANN. ValueError for a table without the columns.

    >>> counts = {"dense_macs": [900.0, 0.0], "effective_macs": [90.0, 0.0], "synaptic_operations": [0.0, 300.0]}
    >>> counts |= {"neuron_updates": 0.0, "memory_accesses": [1800.0, 900.0], "memory_span_words": 0.0, "synapses": 300}
    >>> costs = pd.DataFrame({"model": ["ANN", "SNN"], "step": [3, 15], "frame": 4.0, "synapse_frames": 900, **counts})
    >>> criticise(costs).set_index("critic")["value"].round(3).head(2).to_dict()
    {'Dampfhoffer 2023': 0.333, 'Yan 2024': 0.083}
    """
    import pandas as pd

    last = _last(costs)
    rows: list[dict[str, object]] = []
    for model in last.index[last["synaptic_operations"] > 0]:
        for found in (_dampfhoffer, _yan, _davidson, _lemaire):
            rows.append({"model": model} | found(last, model))
    for row in rows:
        row["source"] = SOURCES[str(row["critic"])]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table.attrs = dict(costs.attrs)
    return table


def summarise_bounds(costs: pd.DataFrame) -> str:
    """What the critics say of every spiking model of a table of `compare`, in words: "" where there is none.

    >>> counts = {"dense_macs": [900.0, 0.0], "effective_macs": [90.0, 0.0], "synaptic_operations": [0.0, 800.0]}
    >>> counts |= {"neuron_updates": 0.0, "memory_accesses": [1800.0, 900.0], "memory_span_words": 0.0, "synapses": 300}
    >>> costs = pd.DataFrame({"model": ["ANN", "SNN"], "step": [3, 15], "frame": 4.0, "synapse_frames": 900, **counts})
    >>> summarise_bounds(costs).split(". ")[0]
    'SNN, with 0.889 spikes per synapse and frame, is cheaper than ANN in fp32, fp16 and int8, but not in fp32 that \
skips zeros (above 0.511) and int8 that skips zeros (above 0.767)'
    """
    table, sentences = criticise(costs), []
    for _, rows in table.groupby("model", sort=False):
        verdicts = rows.set_index("critic")["verdict"]
        others = [f"{critic}: {verdict}" for critic, verdict in verdicts.items() if critic != PRICES]
        sentences.append(". ".join([str(verdicts[PRICES]), *others]) + ".")
    return " ".join(sentences)


def find_break_even_spikes(costs: pd.DataFrame, model: str, preset: str | EnergyPreset) -> float:
    """Spikes per synapse and frame up to which a spiking model would be cheaper than the cheapest ANN of the table.

    (E_ann - E_rest) / (addition_pj U), where E_rest is what the model spends on anything but synaptic operations and U
    its synapse_frames, as `criticise` takes them; below 0 where that alone is more. NaN where there is no ANN, or the
    preset prices memory, no MACs or no additions. ValueError for an unknown preset or a table without the columns.

    >>> counts = {"dense_macs": [900.0, 0.0], "effective_macs": [90.0, 0.0], "synaptic_operations": [0.0, 300.0]}
    >>> counts |= {"memory_accesses": 0.0, "synapses": 300, "synapse_frames": 900}
    >>> costs = pd.DataFrame({"model": ["ANN", "SNN"], "step": [3, 15], "frame": 4.0, **counts})
    >>> round(find_break_even_spikes(costs, "SNN", "fp32"), 2)
    5.11
    """
    last, prices = _last(costs), find_preset(preset)
    other = _cheapest(last, prices)
    if other is None or prices.counts_memory or prices.addition_pj == 0:
        return math.nan
    rest_nj = float(price(last.loc[[model]].assign(synaptic_operations=0.0), prices).iloc[0])
    saved_pj = 1000 * (float(price(last.loc[[other]], prices).iloc[0]) - rest_nj)
    return saved_pj / (prices.addition_pj * float(_of(last, model)["synapse_frames"]))


def _last(costs: pd.DataFrame) -> pd.DataFrame:
    """The last step of every model, by its name."""
    counted = ("dense_macs", "synaptic_operations", "memory_accesses", "synapses", "synapse_frames")
    needed = ("model", "step", "frame", *counted)
    missing = [column for column in needed if column not in costs.columns]
    if missing:
        raise ValueError(f"the critics: the table lacks {', '.join(missing)}; give the table that wb.compare returns")
    require_one_per(costs)
    return costs.groupby("model", sort=False).tail(1).set_index("model")


def _of(last: pd.DataFrame, model: str) -> pd.Series[float]:
    """The last step of a model."""
    row: pd.Series[float] = last.loc[[model]].iloc[0]
    return row


def _cheapest(last: pd.DataFrame, preset: EnergyPreset) -> str | None:
    """The ANN that takes least under a preset."""
    energies = price(last[(last["dense_macs"] > 0) & (last["synaptic_operations"] == 0)], preset).dropna()
    return None if energies.empty else str(energies.idxmin())


def _ratio(last: pd.DataFrame, model: str, preset: EnergyPreset) -> float:
    """Energy of a model over that of the cheapest ANN under the same preset; NaN without one."""
    other = _cheapest(last, preset)
    if other is None:
        return math.nan
    return float(price(last.loc[[model]], preset).iloc[0] / price(last.loc[[other]], preset).iloc[0])


def _dampfhoffer(last: pd.DataFrame, model: str) -> dict[str, object]:
    row, (low, high) = _of(last, model), COMPETITIVE
    value = float(row["synaptic_operations"] / row["synapse_frames"])
    where = "within" if low <= value <= high else "below" if value < low else "above"
    judged = {
        "below": "competitive",
        "within": "in doubt",
        "above": "not competitive with an ANN",
    }
    verdict = (
        f"{judged[where]}, with {value:.3g} spikes per synapse and frame "
        f"({row['synaptic_operations'] / row['synapses']:.3g} per {find_per(last)}), {where} the range 0.15 to 1.38"
    )
    return _row("Dampfhoffer 2023", "spikes per synapse and frame", value, low, high, verdict)


def _yan(last: pd.DataFrame, model: str) -> dict[str, object]:
    row = _of(last, model)
    ticks = round((row["step"] + 1) / row["frame"])
    value = float(row["synaptic_operations"] / (row["synapse_frames"] * ticks))
    cheaper = "may be cheaper" if value < RATE else "not cheaper"
    stated = "" if ticks == RATE_TICKS else f", a bound stated for {RATE_TICKS} ticks per frame, not for these {ticks}"
    verdict = (
        f"{cheaper} than an equally precise quantised ANN, with a spike rate of {100 * value:.3g} % per tick, "
        f"{'below' if value < RATE else 'not below'} {100 * RATE:g} %{stated}"
    )
    return _row("Yan 2024", "spikes per synapse and tick", value, RATE, RATE, verdict)


def _davidson(last: pd.DataFrame, model: str) -> dict[str, object]:
    ratios = [_ratio(last, model, preset) for preset in _arithmetic()]
    value = max(ratios)
    verdict = _price_words(last, model)
    return _row(PRICES, "energy over that of the ANN, at its worst", value, 1.0, 1.0, verdict)


def _lemaire(last: pd.DataFrame, model: str) -> dict[str, object]:
    value = _ratio(last, model, PRESETS[MEMORY])
    verdict = "no ANN in the table to hold it against"
    if value == value:
        word = "cheaper" if value < 1 else "not cheaper"
        verdict = f"{word} with accesses of memory, {value:.3g} times the energy of {_cheapest(last, PRESETS[MEMORY])}"
    return _row("Lemaire 2022", "energy over that of the ANN, with memory", value, 1.0, 1.0, verdict)


def _row(critic: str, quantity: str, value: float, low: float, high: float, verdict: str) -> dict[str, object]:
    return {"critic": critic, "quantity": quantity, "value": value, "low": low, "high": high, "verdict": verdict}


def _arithmetic() -> list[EnergyPreset]:
    """The presets under which an ANN and an SNN can be held against each other by their arithmetic alone."""
    return [preset for preset in PRESETS.values() if not preset.counts_memory and not math.isnan(preset.mac_pj)]


def _price_words(last: pd.DataFrame, model: str) -> str:
    """Under which presets a spiking model is cheaper than the cheapest ANN, and above how many spikes it is not."""
    row, cheaper, dearer, others = _of(last, model), [], [], []
    for preset in _arithmetic():
        other = _cheapest(last, preset)
        if other is None:
            return f"{model} has no ANN in the table to be held against"
        others.append(other)
        name = preset.name.replace(", zeros skipped", " that skips zeros")
        if _ratio(last, model, preset) < 1:
            cheaper.append(name)
        else:
            bound = find_break_even_spikes(last.reset_index(), model, preset)
            dearer.append(f"{name} ({f'above {bound:.3g}' if bound > 0 else 'with any number of them'})")
    names = _list(list(dict.fromkeys(others)))
    begin = f"{model}, with {row['synaptic_operations'] / row['synapse_frames']:.3g} spikes per synapse and frame, is"
    if not cheaper:
        return f"{begin} not cheaper than {names} in {_list(dearer)}"
    return f"{begin} cheaper than {names} in {_list(cheaper)}{f', but not in {_list(dearer)}' if dearer else ''}"


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
