"""Tables as the verbs give them, small and written by hand, for figures."""

from collections.abc import Callable

import numpy as np
import pandas as pd

import workbench as wb
from tests.support import tiny
from workbench.sweeps import NOT_RUN


def confusions(classes: int, steps: int = 12, seed: int = 0) -> pd.DataFrame:
    """Answers that become right: recordings of class c are answered as c + 1 less and less often."""
    names = [f"c{number}" for number in range(classes)]
    tables = []
    for step in range(steps):
        counts = np.random.default_rng([seed, step]).poisson(2 * (1 - step / steps), (classes, classes))
        counts[np.arange(classes), np.arange(classes)] += 3 * step
        counts[0, 1] += 60 - 5 * step
        cells = {"label": np.repeat(names, classes), "answer": np.tile(names, classes), "recordings": counts.ravel()}
        tables.append(pd.DataFrame({"step": step + 4, "frame": (step + 5) / 4, **cells}))
    return pd.concat(tables, ignore_index=True)


def diagnosis(nodes: int = 3, frames: int = 5) -> pd.DataFrame:
    """Nodes that err the more the later they come; the last one is an output, which does not spike."""
    tables = []
    for place in range(nodes):
        rows = pd.DataFrame({"node": f"v{place}", "frame": range(frames)})
        rows["relative_error"] = np.where(rows["frame"] < 1, np.nan, 0.05 * (place + 1) + 0.01 * rows["frame"])
        for column in ("saturated", "silent", "floor_hits"):
            rows[column] = np.nan if place == nodes - 1 else 0.01 * (place + 1)
        rows["advice"] = f"v{place} saturates: raise percentile" if place else ""
        tables.append(rows)
    return pd.concat(tables, ignore_index=True)


def sweep() -> pd.DataFrame:
    """An ANN and an SNN with four thresholds each, the second calibrated."""
    threshold = np.array([0.0, 0.9, 0.99, np.inf])
    frame = np.array([2.0, 4.0, 6.0, 8.0])
    common = {"threshold": threshold, "calibrated": threshold == 0.9, "recordings": 400, "standard_error": 0.01}
    accuracy = {"ANN": [0.5, 0.93, 0.95, 0.95], "SNN": [0.3, 0.9, 0.92, 0.91]}
    tables = []
    for model, weight in (("ANN", 0), ("SNN", 1)):
        table = pd.DataFrame({"model": model, **common, "accuracy": accuracy[model], "lost": 0.0, "early": 0.5})
        table["frame"] = frame - 0.5 * weight
        for column in ("dense_macs", "effective_macs"):
            table[column] = (1 - weight) * 100_000 * frame
        table["synaptic_operations"] = weight * 50_000 * frame
        table["neuron_updates"] = 2000 * frame
        tables.append(table.assign(energy_nj=lambda rows: (rows["dense_macs"] * 4.6 + rows["neuron_updates"]) / 1000))
    return pd.concat(tables, ignore_index=True)


def swept(spell: Callable[[str], str] = str) -> pd.DataFrame:
    """Twelve points of two parameters, one of which failed and one of which nobody ran."""
    k, reset = np.repeat([4, 8, 12], 4), np.tile(["subtract", "zero", "none", "rectify"], 3)
    accuracy = 0.6 + 0.02 * k + 0.03 * (np.arange(12) % 4)
    numbers = {spell("accuracy"): accuracy, spell("operations"): 1000.0 * k + 300 * (np.arange(12) % 4)}
    names = {spell("ticks_per_frame"): k, spell("reset"): [spell(name) for name in reset]}
    table = pd.DataFrame({**names, **numbers, "error": ""})
    table.loc[[3, 7], list(numbers)] = np.nan
    table.loc[[3, 7], "error"] = ["ValueError: no", NOT_RUN]
    table.attrs = {"parameters": list(names), "results": list(numbers)}
    return table


def causes() -> pd.DataFrame:
    return wb.diagnose(tiny.ann(), tiny.snn(), tiny.recordings())


COUNTS = ("dense_macs", "effective_macs", "synaptic_operations", "neuron_updates", "energy_nj", "memory_accesses")


def costs() -> pd.DataFrame:
    """An ANN of 4 frames that answers from step 1 and an SNN of 40 ticks that answers from step 10."""
    ann = pd.DataFrame({"model": "ANN", "step": range(4), "frame": np.arange(1.0, 5)})
    ann["accuracy"] = [np.nan, 0.5, 0.8, 0.9]
    snn = pd.DataFrame({"model": "SNN", "step": range(40), "frame": np.arange(1, 41) / 10})
    snn["accuracy"] = np.where(snn["step"] < 10, np.nan, 0.3 + snn["step"] / 100)
    for column in COUNTS:
        ann[column] = 0.0 if column == "synaptic_operations" else 1_275_000 * ann["frame"]
        snn[column] = 0.0 if column.endswith("macs") else 150_000 * snn["frame"]
    return pd.concat([ann, snn], ignore_index=True).assign(memory_span_words=2e6, synapses=150_000)


def history(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"epoch": [1, 2, 3], "loss": [2.0, 1.0, 0.5], "accuracy": [0.2, 0.6, 0.7], **columns})
