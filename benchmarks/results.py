"""The main job, measured again: `python -m benchmarks.results` writes its part of docs/results.md."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import workbench as wb
from benchmarks.matching import measure_matching, slopes
from benchmarks.readme import write_block, write_sentences
from benchmarks.swept import add_options, lengthen, sweep_rows, widen
from benchmarks.tables import markdown
from workbench.evaluation import summarise
from workbench.evaluation.energy import PRESETS, price_all
from workbench.machine import describe_machine
from workbench.study.main_job import MATCHED_SNN, SEQUENTIAL_ANN, STREAMING_ANN, UNMATCHED_SNN, run_main_job

PAGE = Path(__file__).parents[1] / "docs" / "results.md"
SETS, ORDER = ("motion", "digits"), "motion"  # the last one is that of which the order of events is the class


def main() -> None:
    """Measure, write the page, print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds (default: 5)")
    add_options(parser)
    options = parser.parse_args()
    seeds = range(options.seeds)
    parts = [
        f"Mean of {len(seeds)} seeds (weights and training; the recordings are those of seed 0), written by "
        f"`make results` on {describe_machine(1)}. "
        "The answer is the running one; a frame is 37.5 ms, a tick 3.125 ms (8 frames of 12 ticks).",
    ]
    summaries, prices = measure_all(seeds, {name: wb.load(name) for name in SETS}, options)
    for name in SETS:
        summary = summaries[summaries["set"] == name].drop(columns="set").set_index(["seed", "model"])
        parts += _set_section(name, summary, prices[prices["set"] == name])
        if name == ORDER:
            write_sentences("delays", _tell_delays(name, summary))
    parts += _matching_section()
    write_block("main job", "\n\n".join(parts), PAGE)
    print(PAGE.read_text(encoding="utf-8"))
    print(f"written to {PAGE}")


def measure_all(
    seeds: Iterable[int], datasets: Mapping[str, wb.Dataset], options: argparse.Namespace
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Summaries and prices of the main job with every seed and set, each a point of a sweep."""
    table = sweep_rows(measure_point, {"seed": seeds, "set": list(datasets)}, options, {"datasets": datasets})
    point = ["set", "seed"]
    return lengthen(table, {"model": str}, point), lengthen(table, {"preset": str, "model": str}, point)


def measure_point(seed: int, set: str, datasets: Mapping[str, wb.Dataset]) -> dict[str, Any]:
    """What the main job gives with one seed and set, side by side."""
    costs = run_main_job(datasets[set], seed=seed, progress=False).costs
    prices = price_all(costs).drop(columns="source")
    return widen(summarise(costs).reset_index(), ["model"]) | widen(prices, ["preset", "model"])


def _falls(summary: pd.DataFrame, ann: str, snn: str) -> pd.Series:
    """By how many points each seed's SNN answers less at the last frame than its ANN."""
    last = summary[[column for column in summary.columns if column.startswith("frame")][-1]].unstack("model")
    return 100 * (last[ann] - last[snn])


def _tell_delays(name: str, summary: pd.DataFrame) -> str:
    """What trained delays are worth, for the README."""
    kept, lost = _falls(summary, STREAMING_ANN, MATCHED_SNN), _falls(summary, SEQUENTIAL_ANN, UNMATCHED_SNN)
    return (
        f"A network trained *streaming* ends {kept.mean():.1f} points below itself as an SNN with matching delays, on "
        f"{name}. The same network trained *sequentially* answers sooner as an ANN, and ends {lost.mean():.0f} points "
        f"below itself as an SNN whose connections take one frame each, at least {int(lost.min())} with every of "
        f"{len(lost)} seeds (both with neurons that spike at once, [docs/results.md](docs/results.md)):"
    )


def _set_section(name: str, summaries: pd.DataFrame, prices: pd.DataFrame) -> list[str]:
    mean = summaries.groupby(level="model", sort=False).mean()
    spread = summaries.groupby(level="model", sort=False).std(ddof=0)
    frames = [column for column in mean.columns if column.startswith("frame")]
    accuracy = (100 * mean[frames]).round(1).astype(object).fillna("silent")
    accuracy["spread of the last"] = (100 * spread[frames[-1]]).round(1)
    last = 100 * mean[frames[-1]]
    counts = (mean.drop(columns=frames) / 1000).round(1)
    counts.columns = ["energy (uJ, fp32)" if column == "energy_nj" else f"{column} (k)" for column in counts.columns]
    energies = prices.pivot_table(index="preset", columns="model", values="energy_nj", sort=False).div(1000).round(2)
    energies = energies.astype(object).fillna("no price")
    return [
        f"## {name}",
        f"At the last frame the matched SNN differs from its ANN by "
        f"{last[MATCHED_SNN] - last[STREAMING_ANN]:+.1f} points, "
        f"the unmatched SNN from its own by {last[UNMATCHED_SNN] - last[SEQUENTIAL_ANN]:+.1f} points; by seed "
        + ", ".join(f"{-fall:+.1f}" for fall in _falls(summaries, SEQUENTIAL_ANN, UNMATCHED_SNN))
        + ". Both SNNs have neurons that spike at once (`percentile=99.9`): they differ in delays alone.",
        "Accuracy (%) on the test recordings at every frame:",
        markdown(accuracy),
        "Per recording, over all frames:",
        markdown(counts),
        "Energy per recording in microjoules, under every preset:",
        markdown(energies),
        "\n".join(f"- {preset.name}: {preset.source}" for preset in PRESETS.values()),
    ]


def _matching_section() -> list[str]:
    table = measure_matching()
    errors = table.pivot_table(index="setting", columns="K", values="error", sort=False).round(4)
    errors["slope"] = slopes(table).round(2)
    return [
        "## The matching law",
        "Mean |rate - ANN| per unit and frame, in units of each node's scale, against K, the ticks per frame: five "
        "layers with shortcuts and one loop, random weights, 40 frames, constant current within a frame "
        "(`benchmarks/matching.py`). It falls like 1/K (slope -1) where delays match and negative membrane potential "
        "is not carried without bound; it stays on a plateau where either is missing.",
        markdown(errors),
    ]


if __name__ == "__main__":
    main()
