"""A study as one self-contained page: figures that move, tables to read, no network needed."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import torch
from plotly.offline import get_plotlyjs

from workbench import figures
from workbench.atomic import replacing
from workbench.evaluation import PRESETS, criticise, format_summary, price, price_all, summarise, summarise_bounds
from workbench.network import Rollout
from workbench.study.main_job import MATCHED_SNN, SEQUENTIAL_ANN, STREAMING_ANN, UNMATCHED_SNN, Study

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The main job</title>
<style>
 body {{ font: 16px/1.55 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 980px;
   margin: 2em auto; padding: 0 1em; }}
 h1, h2, h3 {{ line-height: 1.2; }} h2 {{ margin-top: 2.5em; border-top: 1px solid #bbb; padding-top: 1em; }}
 figure {{ margin: 1.2em 0; }} .wide {{ overflow-x: auto; }}
 table {{ border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }}
 th, td {{ padding: .3em .7em; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }}
 th {{ background: #f3f3f3; }}
 th:first-child, td:first-child {{ text-align: left; }}
 .prices th:last-child, .prices td:last-child, .critics th, .critics td {{ text-align: left; white-space: normal; }}
 .prices td:last-child {{ min-width: 17em; }} .critics td {{ vertical-align: top; }}
 .critics th:nth-last-child(n+3):nth-last-child(-n+5), .critics td:nth-last-child(n+3):nth-last-child(-n+5) {{
   text-align: right; white-space: nowrap; }}
 .critics td:nth-last-child(-n+2) {{ min-width: 15em; }}
</style><script>{plotly}</script></head><body>
<h1>Spiking networks that live in time</h1>
<p>Every connection of a spiking network takes time. The <b>streaming ANN</b> was trained with those delays and became
the <b>matched SNN</b>; the <b>sequential ANN</b> was trained as if connections took none, and became the
<b>unmatched SNN</b> when each of them took one frame.</p>
{sections}
</body></html>
"""


def write_report(studies: Iterable[Study], path: str | Path) -> None:
    """Write the studies as one HTML page that needs no network, whole or not at all."""
    sections = "\n".join(_section(number, study) for number, study in enumerate(studies))
    with replacing(path) as aside:
        aside.write_text(PAGE.format(plotly=get_plotlyjs(), sections=sections), encoding="utf-8")


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
        _table(summary[frames].reset_index()),
        "<h3>Operations, and energy in nanojoules (preset fp32), per recording</h3>",
        _table(summary.drop(columns=frames).reset_index()),
        *(_figure(title, figure, f"figure-{number}-{place}") for place, (title, figure) in enumerate(shown)),
        "<h3>Energy per recording, in nanojoules, under every preset</h3>",
        _table(energies, "prices"),
        f"<h3>What critics say</h3><p>{html.escape(summarise_bounds(study.costs))}</p>",
        _table(criticise(study.costs).round(3), "critics"),
    ]
    return "\n".join(parts)


def _figure(title: str, figure: go.Figure, name: str) -> str:
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config={"displaylogo": False})
    alt = html.escape(str((figure.layout.meta or {}).get("alt", title)), quote=True)
    return f'<h3>{html.escape(title)}</h3><figure class="wide" role="img" aria-label="{alt}">{drawn}</figure>'


def _table(table: pd.DataFrame, kind: str = "counts") -> str:
    return f'<div class="wide {kind}">{table.to_html(index=False, border=0, na_rep="no price")}</div>'
