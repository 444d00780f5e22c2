"""What conversion loses and what its options do: `python -m benchmarks.conversion` writes docs/conversion.md."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from benchmarks.pruning import count_remaining, prune
from benchmarks.readme import write_sentences
from benchmarks.swept import add_options, lengthen, sweep_rows, widen
from benchmarks.tables import markdown, spread
from workbench.machine import describe_machine
from workbench.network.architectures import densenet, dsr, shortcut_network

ROOT = Path(__file__).parents[1]
PAGE, KEPT = ROOT / "docs" / "conversion.md", ROOT / "build" / "conversion" / "points"
KEYS = {"network": str, "model": str, "ticks": int}  # what tells the rows of a point apart
SETS = ("motion", "digits")
TICKS = (12, 6, 4)
NETWORKS = ("shortcut", "densenet", "dsr2")
EPOCHS = 12
AWARE, FRUGAL = "levels=4, spike_cost=0.1", "levels=3, spike_cost=0.7"
THRIFT: dict[str, tuple[int, dict[str, Any]]] = {  # ticks a frame, and how the ANN is trained
    "levels=4": (4, {"levels": 4}),
    AWARE: (4, {"levels": 4, "spike_cost": 0.1}),
    FRUGAL: (4, {"levels": 3, "spike_cost": 0.7}),
    "levels=2, spike_cost=0.1": (2, {"levels": 2, "spike_cost": 0.1}),
    "spike_cost=0.1": (4, {"spike_cost": 0.1}),
}
PRUNED = (0.5, 0.75)  # shares of the weights
TUNED_EPOCHS = 2
PLAIN = "plain: percentile 99.9, start 1/2, floor -1"
OPTIONS: dict[str, dict[str, Any]] = {
    PLAIN: {"percentile": 99.9},
    "percentile=100": {"percentile": 100.0},
    "percentile=99": {"percentile": 99.0},
    "percentile=97": {"percentile": 97.0},
    'scale="channel"': {"scale": "channel"},
    "start=0": {"start": 0.0},
    "floor=0": {"floor": 0.0},
    "floor=None": {"floor": None},
    'reset="zero"': {"reset": "zero"},
    'membrane="rectify"': {"membrane": "rectify"},
    'membrane="frame"': {"membrane": "frame"},
    "burst=5": {"burst": 5},
    "signed=True": {"signed": True, "floor": None},
    'signed=True, membrane="frame"': {"signed": True, "floor": None, "membrane": "frame"},
    'bias="frame"': {"bias": "frame"},
    'emission="spread"': {"emission": "spread"},
    'emission="spread", percentile=99': {"emission": "spread", "percentile": 99.0},
    'emission="spread", remainder="keep"': {"emission": "spread", "remainder": "keep"},
    'emission="spread", remainder="keep", floor=0': {"emission": "spread", "remainder": "keep", "floor": 0.0},
    'emission="burst"': {"emission": "burst"},
    'emission="burst", cap=127, percentile=97': {"emission": "burst", "cap": 127, "percentile": 97.0},
    'delays="tick"': {"percentile": 99.9, "delays": "tick"},
    "nothing named: chosen": {},
}


MEANINGS = """\
- `percentile`: the activity that one spike in every tick stands for, a percentile of the node's non-zero activations.
  Lower: more spikes, finer steps, more saturation where a neuron sends at most one a tick. Rueckauer 2017.
- `scale`: one such activity for the whole node, or one for each of its channels. Rueckauer 2017 (channels: Kim 2020).
- `start`: where the membrane begins, in thresholds; 1/2 rounds to the nearest number of spikes. Bu 2022.
- `floor`: how low the membrane may fall, in thresholds. A low one keeps inhibition for what arrives later in the frame,
  but also carries it into the next frame, where it does not belong; a high one forgets it too soon. Ours.
- `reset`: a spike takes the threshold from the membrane, or all of it. Rueckauer 2017 (subtraction).
- `membrane`: carried from frame to frame; `"rectify"` forgets what is negative; `"frame"` begins anew. Ours.
- `burst`: at most so many spikes in a tick. Li & Zeng 2022. The chip must be able to send them.
- `signed`: spikes too many are taken back within the frame by negative ones. Wang 2022, there over the whole run.
- `emission`: at once, as in the literature; or the neuron counts for a frame, and sends what it counted in the next,
  `"spread"` over its ticks or in one `"burst"`. The order of arrivals no longer matters: at the end of every frame the
  SNN is its ANN with activities in whole steps, at most `cap` of them. Hwang 2021 (to answer only after a delay); that
  the delay of a connection gives the time to count is ours.
- `remainder`: what a count leaves is dropped, or kept for the next frame and then at least the floor. Ours.
- `bias`: a share every tick, or that of the whole frame in its first. Ours.
- `delays`: K times those of training, one tick, or as given. Kugele 2020 (matched).
- read-out: the mean drive so far (`"running"`), or over the last frame (`"frame"`): the `answer` of `wb.compare`."""


@dataclass(frozen=True)
class Row:
    """One model on the test recordings of one set, with one seed; accuracies in per cent, counts per recording."""

    set: str
    seed: int
    network: str
    model: str
    ticks: int
    first: float  # accuracy at the end of the frame in which the ANN first answers
    second: float
    last: float
    dense_macs: float
    effective_macs: float
    synaptic_operations: float
    note: str = ""


def main() -> None:
    """Measure what is not kept already, write the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds (default: 5)")
    parser.add_argument("--anew", action="store_true", help="measure again what is kept already")
    add_options(parser, KEPT)
    options = parser.parse_args()
    if options.anew:
        shutil.rmtree(options.store, ignore_errors=True)
    rows = measure_all(range(options.seeds), {name: wb.load(name) for name in SETS}, options)
    PAGE.write_text(_page(rows, options.seeds), encoding="utf-8")
    write_sentences("conversion", _tell_loss(rows, options.seeds))
    print(PAGE.read_text(encoding="utf-8"))
    print(f"written to {PAGE}")


def measure_all(
    seeds: Iterable[int], datasets: Mapping[str, wb.Dataset], options: argparse.Namespace, epochs: int = EPOCHS
) -> pd.DataFrame:
    """The rows of every seed and set: a point of a sweep each."""
    grid = {"seed": seeds, "set": list(datasets)}
    table = sweep_rows(measure_point, grid, options, {"datasets": datasets, "epochs": epochs})
    rows = lengthen(table, KEYS, ["set", "seed"])
    return rows[[field.name for field in fields(Row)]]


def measure_point(seed: int, set: str, datasets: Mapping[str, wb.Dataset], epochs: int) -> dict[str, Any]:
    """The rows of one seed and set, side by side."""
    rows = pd.DataFrame([asdict(row) for row in measure(seed, datasets[set], epochs)])
    return widen(rows.drop(columns=["set", "seed"]), list(KEYS))


def measure(seed: int, dataset: wb.Dataset, epochs: int) -> list[Row]:
    """Every model of one seed and set."""
    name = dataset.name
    shape, classes = dataset.shape, len(dataset.classes)
    networks = {
        "shortcut": shortcut_network(shape, classes, loop=name == "motion"),
        "densenet": densenet(shape, classes, growth=4, depth=2, channels=8),
        "dsr2": dsr(2, shape, classes, width=8, stride=2),
    }
    rows = []
    for title, network in networks.items():
        ann = _train(network, dataset, seed, epochs)
        rows.append(_row(dataset, seed, title, "ANN", ann, ann))
        for k in TICKS:
            snn = wb.convert(ann, dataset.train, ticks_per_frame=k, progress=False)
            rows.append(_row(dataset, seed, title, "default", snn, ann, note=_tell_choice(snn)))
            tuned, _ = wb.fine_tune(snn, dataset.train, epochs=TUNED_EPOCHS, seed=seed, progress=False)
            rows.append(_row(dataset, seed, title, "fine-tuned", tuned, ann))
        if title == "shortcut":
            rows += _measure_thrift(dataset, network, ann, seed, epochs) + _measure_options(dataset, ann, seed)
    return rows


def _measure_thrift(dataset: wb.Dataset, network: wb.Network, ann: wb.Model, seed: int, epochs: int) -> list[Row]:
    """SNNs that are to spend less: of ANNs trained for their conversion, of pruned ones, and with fewer ticks."""
    rows = []
    for label, (k, options) in THRIFT.items():
        trained = _train(network, dataset, seed, epochs, **options)
        if label == AWARE:
            rows.append(_measure_pruned(dataset, trained, f"{AWARE} and ", PRUNED[0], seed))
        snn = wb.convert(trained, dataset.train, ticks_per_frame=k, progress=False)
        rows += [
            _row(dataset, seed, "thrift", f"{label}, the ANN", trained, trained),
            _row(dataset, seed, "thrift", label, snn, ann),
        ]
    balanced = wb.convert(ann, dataset.train, percentile=100.0, emission="spread", ticks_per_frame=4)
    rows.append(_row(dataset, seed, "thrift", "thresholds at the largest activity", balanced, ann))
    return [*rows, *(_measure_pruned(dataset, ann, "", share, seed) for share in PRUNED)]


def _measure_pruned(dataset: wb.Dataset, ann: wb.Model, label: str, share: float, seed: int) -> Row:
    sparse = prune(ann, dataset.train, share, seed)
    snn = wb.convert(sparse, dataset.train, ticks_per_frame=4, progress=False)
    row = _row(dataset, seed, "thrift", f"{label}{share:.0%} of the weights pruned", snn, ann)
    return replace(row, synaptic_operations=count_remaining(snn, dataset.test))


def _measure_options(dataset: wb.Dataset, ann: wb.Model, seed: int) -> list[Row]:
    """One option after the other at twelve ticks."""
    snns = {label: wb.convert(ann, dataset.train, **options, progress=False) for label, options in OPTIONS.items()}
    rows = [_row(dataset, seed, "options", label, snn, ann, note=_name_kind(snn)) for label, snn in snns.items()]
    plain = wb.convert(ann, dataset.train, percentile=99.9, progress=False)
    return [*rows, _row(dataset, seed, "options", 'read-out "frame"', plain, ann, "frame", note="plain")]


def _tell_choice(snn: wb.Model) -> str:
    """What was chosen: emission, scale and percentiles."""
    options = snn.conversion_options
    each = [f"{node} {options.percentile_of(node)}" for node in snn.network.hidden]
    return f"{options.emission}, by {options.scale}: {', '.join(each)}"


def _name_kind(snn: wb.Model) -> str:
    """What its neurons send: one spike a tick at once or spread, several, or some that are taken back."""
    options = snn.conversion_options
    if options.emission != "at_once":
        return str(options.emission)
    return "signed" if options.signed else "several a tick" if options.burst > 1 else "plain"


def _train(network: wb.Network, dataset: wb.Dataset, seed: int, epochs: int, **options: Any) -> wb.Model:
    model = wb.Model(network.streaming(), seed=seed)
    return wb.train(model, dataset.train, epochs=epochs, seed=seed, progress=False, **options)[0]


def _row(
    dataset: wb.Dataset,
    seed: int,
    network: str,
    label: str,
    model: wb.Model,
    ann: wb.Model,
    answer: str = "running",
    note: str = "",
) -> Row:
    costs = wb.compare({"it": model}, dataset.test, answer=answer)
    whole = costs[np.isclose(costs["frame"] % 1, 0)]
    accuracy = 100 * whole.set_index(whole["frame"].round().astype(int))["accuracy"]
    first = ann.network.first_response[ann.network.output] + 1
    last = costs.iloc[-1]
    return Row(
        dataset.name, seed, network, label, model.ticks_per_frame,
        float(accuracy[first]), float(accuracy[first + 1]), float(accuracy.iloc[-1]),
        float(last["dense_macs"]), float(last["effective_macs"]), float(last["synaptic_operations"]), note,
    )  # fmt: skip


def _page(rows: pd.DataFrame, seeds: int) -> str:
    parts = [
        "# What conversion loses, and what its options do",
        f"Mean ± standard error of {seeds} seeds (weights and training; the recordings are those of seed 0), "
        f"written by `make conversion` on {describe_machine(1)}. Accuracies in per cent on "
        f"the {' and '.join(f'{len(wb.load(name).test)} test recordings of {name}' for name in SETS)}, running "
        "answer, at the end of a frame; *first* and *second* are the first two frames in which the ANN answers. "
        "Operations are per recording, in thousands.",
        "## The default conversion",
        "`wb.convert(ann, recordings, ticks_per_frame=K)`: the settings are chosen on held-back training recordings. "
        "Differences are SNN less ANN, in points.",
        *(f"### {name}\n\n{markdown(_default_table(rows[rows['set'] == name]))}" for name in SETS),
        "## Few spikes",
        "What is said to save spikes, tried with four ticks a frame (two where there are two levels), network "
        "*shortcut*: options of `wb.train`, thresholds at the largest activity (Diehl 2015), and magnitude pruning "
        "with two more epochs (Han 2015), whose operations leave out the weights that are gone. The ANN to compare "
        "with is the plain one of the first line.",
        *(f"### {name}\n\n{markdown(_thrift_table(rows[rows['set'] == name]))}" for name in SETS),
        _tell_operations(rows),
        "## Fine-tuning the SNN",
        f"The default conversion after {TUNED_EPOCHS} epochs of `wb.fine_tune`. Differences to the ANN, in points.",
        *(f"### {name}\n\n{markdown(_default_table(rows[rows['set'] == name], 'fine-tuned'))}" for name in SETS),
        "## Every option",
        MEANINGS,
        "One at a time, against the plain neuron, at twelve ticks a frame (network *shortcut*).",
        *(f"### {name}\n\n{markdown(_option_table(rows[rows['set'] == name]))}" for name in SETS),
    ]
    return "\n\n".join(parts) + "\n"


def _tell_loss(rows: pd.DataFrame, seeds: int) -> str:
    """What the default conversion loses and costs, for the README."""
    words = []
    for networks, name in (((*NETWORKS[:2],), "shortcuts, a loop or dense blocks"), ((NETWORKS[2],), "DSR")):
        parts = []
        for k in TICKS:
            losses, costs = zip(
                *(_lose(rows, which, network, k) for which in SETS for network in networks), strict=True
            )
            parts.append(f"{min(losses):+.1f} to {max(losses):+.1f} points with {k} ({max(costs):.1f} times)")
        words.append(f"{name}: {', '.join(parts)}")
    return (
        "What the default conversion loses at the last frame, against its ANN, with one spike a tick and so many ticks "
        "a frame (and its synaptic operations, at most so many times the ANN's effective MACs): "
        f"{'; with '.join(words)}. Means of {seeds} seeds, the range over two data sets."
    )


def _lose(rows: pd.DataFrame, name: str, network: str, k: int) -> tuple[float, float]:
    own = rows[(rows["set"] == name) & (rows["network"] == network)]
    ann, snn = own[own["model"] == "ANN"], own[(own["model"] == "default") & (own["ticks"] == k)]
    times = snn["synaptic_operations"].to_numpy() / ann["effective_macs"].to_numpy()
    return float((snn["last"].to_numpy() - ann["last"].to_numpy()).mean()), float(times.mean())


def _differ(rows: pd.DataFrame, ann: pd.DataFrame) -> dict[str, str]:
    """SNN less ANN, seed by seed."""
    ours, theirs = rows.set_index("seed"), ann.set_index("seed")
    return {f"{name} frame": spread(ours[name] - theirs[name], 2) for name in ("first", "second", "last")}


def _thousands(values: pd.Series) -> str:
    return spread(values / 1000, 0)


def _default_table(rows: pd.DataFrame, model: str = "default") -> pd.DataFrame:
    table = []
    for network in NETWORKS:
        own = rows[rows["network"] == network]
        ann = own[own["model"] == "ANN"]
        for k in TICKS:
            snn = own[(own["model"] == model) & (own["ticks"] == k)]
            times = snn["synaptic_operations"].to_numpy() / ann["effective_macs"].to_numpy()
            row = {"network": network, "K": k, "ANN, last frame": spread(ann["last"]), **_differ(snn, ann)}
            row |= {"synaptic operations": _thousands(snn["synaptic_operations"])}
            row |= {"times the ANN's effective MACs": f"{times.mean():.2f}"}
            if model == "default":
                row["chosen with seed 0"] = snn.loc[snn["seed"] == 0, "note"].iloc[0]
            table.append(row)
    return pd.DataFrame(table).set_index("network")


def _thrift_table(rows: pd.DataFrame) -> pd.DataFrame:
    plain = rows[(rows["network"] == "shortcut") & ((rows["model"] == "ANN") | (rows["ticks"] == 4))]
    own = pd.concat([plain[plain["model"] != "fine-tuned"], rows[rows["network"] == "thrift"]])
    table = []
    for model, each in own.groupby("model", sort=False):
        shown = {f"{name} frame": spread(each[name]) for name in ("first", "second", "last")}
        counts = {
            column.replace("_", " ").replace("macs", "MACs"): _thousands(each[column])
            for column in ("dense_macs", "effective_macs", "synaptic_operations")
        }
        name = f"`{model.removesuffix(', the ANN')}`, the ANN" if model.endswith(", the ANN") else model
        if "=" in model and name == model:
            options, _, more = model.partition(" and ")
            name = f"`{options}`" + (f" and {more}" if more else "")
        kind = "" if "ANN" in model else f", SNN, K = {each['ticks'].iloc[0]}"
        table.append({"model": name + kind, **shown, **counts})
    return pd.DataFrame(table).set_index("model")


def _tell_operations(rows: pd.DataFrame) -> str:
    """Synaptic operations against the MACs of the plain ANN, at what accuracy, in words."""
    lines = []
    pruned = f"{AWARE} and {PRUNED[0]:.0%} of the weights pruned"
    for name, (label, k) in product(SETS, (("default", 12), ("default", 4), (AWARE, 4), (FRUGAL, 4), (pruned, 4))):
        own = rows[(rows["set"] == name) & (rows["network"].isin(["shortcut", "thrift"]))]
        spiking = own[(own["model"] == label) & (own["ticks"] == k)]
        ann, snn = (each.mean(numeric_only=True) for each in (own[own["model"] == "ANN"], spiking))
        spent, lost = snn["synaptic_operations"], ann["last"] - snn["last"]
        dense, effective = ann["dense_macs"] / spent, spent / ann["effective_macs"]
        lines.append(
            f"- {name}, {label}, SNN, K = {k}: {-lost:+.2f} points against the plain ANN ({_is(lost <= 0.5)} within "
            f"0.5), its dense MACs divided by {dense:.1f} ({_is(dense >= 10)} at most a tenth), {effective:.2f} times "
            f"its effective MACs ({_is(effective < 1)} fewer)."
        )
    return "### At what accuracy, how many synaptic operations\n\n" + "\n".join(lines)


def _is(true: bool) -> str:
    return "this is" if true else "this is NOT"


def _option_table(rows: pd.DataFrame) -> pd.DataFrame:
    own = rows[rows["network"] == "options"]
    table = []
    for label, each in own.groupby("model", sort=False):
        shown = {f"{name} frame": spread(each[name]) for name in ("first", "second", "last")}
        table.append({"option": f"`{label}`" if "=" in label else label, "neuron": each["note"].iloc[0], **shown}
                     | {"synaptic operations": _thousands(each["synaptic_operations"])})  # fmt: skip
    return pd.DataFrame(table).set_index("option")


if __name__ == "__main__":
    main()
