"""A study as one self-contained page: figures that move, tables to read, no network needed."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path

import torch

from workbench import figures
from workbench.evaluation import (
    PRESETS,
    criticise,
    find_per,
    format_summary,
    price,
    price_all,
    summarise,
    summarise_bounds,
)
from workbench.network import Rollout
from workbench.study.main_job import MATCHED_SNN, SEQUENTIAL_ANN, STREAMING_ANN, UNMATCHED_SNN, Study
from workbench.study.page import figure_to_html, table_to_html, write_page

INTRODUCTION = """<p>Every connection of a spiking network takes time. The <b>streaming ANN</b> was trained with those
delays and became the <b>matched SNN</b>; the <b>sequential ANN</b> was trained as if connections took none, and became
the <b>unmatched SNN</b> when each of them took one frame.</p>"""


def write_report(studies: Iterable[Study], path: str | Path) -> None:
    """Write the studies as one HTML page that needs no network, whole or not at all."""
    sections = "\n".join(_section(number, study) for number, study in enumerate(studies))
    write_page(path, "The main job", "Spiking networks that live in time", f"{INTRODUCTION}\n{sections}")


def summarise_study(study: Study) -> str:
    """What the study found, in one paragraph of plain words."""
    last = study.costs.groupby("model", sort=False).tail(1).set_index("model")
    accuracy = (100 * last["accuracy"]).round(1)
    ann, snn = last.loc[STREAMING_ANN], last.loc[MATCHED_SNN]
    alone = [preset for preset in PRESETS.values() if preset.mac_pj == preset.mac_pj and not preset.counts_memory]
    ratios = [price(last, preset)[STREAMING_ANN] / price(last, preset)[MATCHED_SNN] for preset in alone]
    return (
        f"On {study.dataset.name}, the streaming ANN answers {accuracy[STREAMING_ANN]} % of the test recordings "
        f"correctly at the last frame and its matched SNN {accuracy[MATCHED_SNN]} %; the sequential ANN "
        f"{accuracy[SEQUENTIAL_ANN]} % and its unmatched SNN {accuracy[UNMATCHED_SNN]} %; both SNNs have neurons that "
        f"spike at once. Per recording the matched "
        f"SNN takes {snn['synaptic_operations'] / 1e6:.1f} million synaptic operations (additions), the streaming ANN "
        f"{ann['dense_macs'] / 1e6:.1f} million dense MACs, "
        f"{ann['effective_macs'] / 1e6:.1f} million of them effective (not with zero). By arithmetic alone the "
        f"ANN then takes {min(ratios):.1f} to {max(ratios):.1f} times the "
        "energy of the SNN, depending on the preset; memory access is not in these prices."
    )


def _section(number: int, study: Study) -> str:
    network = study.network
    rollouts = figures.rollouts(Rollout(network.streaming(), frames=6), Rollout(network.sequential(), frames=6))
    snn = study.models[MATCHED_SNN]
    with torch.no_grad():
        spikes = snn.run(torch.from_numpy(study.dataset.test.as_ticks([0], snn.ticks_per_frame)))
    shown = [
        ("The network, unrolled", rollouts),
        ("One recording as frames", figures.frames(study.dataset.test.as_frames([0])[:, 0], study.dataset.window_us)),
        ("Training the streaming ANN", figures.learning(study.histories[STREAMING_ANN])),
        ("Accuracy over time", figures.accuracy(study.costs)),
        ("Operations over time", figures.operations(study.costs)),
        ("The same recording as spikes", figures.raster(spikes, ticks_per_frame=snn.ticks_per_frame)),
    ]
    energies = price_all(study.costs).pivot_table(
        index=["preset", "source"], columns="model", values="energy_nj", sort=False
    )
    energies = energies.reset_index().round(1)
    energies = energies[["preset", *[c for c in energies.columns if c not in ("preset", "source")], "source"]]
    energies.columns.name = None
    summary = format_summary(summarise(study.costs))
    frames = [column for column in summary.columns if column.startswith("frame")]
    parts = [
        f"<h2>{html.escape(study.dataset.name)}</h2><p>{html.escape(summarise_study(study))}</p>",
        f"<p>{html.escape(study.dataset.split)}.</p>",
        "<h3>Accuracy at every frame</h3>",
        table_to_html(summary[frames].reset_index()),
        f"<h3>Operations, and energy in nanojoules (preset fp32), per {find_per(study.costs)}</h3>",
        table_to_html(summary.drop(columns=frames).reset_index()),
        *(figure_to_html(title, figure, f"figure-{number}-{place}") for place, (title, figure) in enumerate(shown)),
        f"<h3>Energy per {find_per(study.costs)}, in nanojoules, under every preset</h3>",
        table_to_html(energies, "prices"),
        f"<h3>What critics say</h3><p>{html.escape(summarise_bounds(study.costs))}</p>",
        table_to_html(criticise(study.costs).round(3), "critics"),
    ]
    return "\n".join(parts)
