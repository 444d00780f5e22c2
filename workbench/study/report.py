"""A study as one self-contained page: how it was made, figures that move, tables to read, no network needed."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import torch

from workbench import figures
from workbench.analysis import diagnose
from workbench.evaluation import (
    choose_evenly,
    count_confusions,
    evaluate,
    find_per,
    format_summary,
    price_all,
    summarise,
    tabulate_recall,
    tabulate_reversing_prices,
)
from workbench.network import Rollout
from workbench.study.cost_verdicts import judge_costs
from workbench.study.main_job import MATCHED_SNN, SEQUENTIAL_ANN, STREAMING_ANN, UNMATCHED_SNN, Study
from workbench.study.page import describe_making, figure_to_html, table_to_html, write_page

INTRODUCTION = """<p>Every connection of a spiking network takes time. The <b>streaming ANN</b> was trained with those
delays and became the <b>matched SNN</b>; the <b>sequential ANN</b> was trained as if connections took none, and became
the <b>unmatched SNN</b> when each of them took one frame. Frames are counted from 0, and what is said of a frame stands
at its end.</p>"""
DIAGNOSED = 64  # recordings that the causes of errors are looked for in


def write_report(studies: Iterable[Study], path: str | Path) -> None:
    """Write the studies as one HTML page that needs no network, whole or not at all."""
    done = list(studies)
    sections = "\n".join(_section(number, study) for number, study in enumerate(done))
    sets = "; ".join(f"{study.dataset.name} ({study.dataset.split})" for study in done)
    made = f"<h2>How this was made</h2>{describe_making({'recordings': sets, 'seed': _name_seeds(done)})}"
    write_page(
        path,
        "The main job",
        "Spiking networks that live in time",
        f"{INTRODUCTION}\n<div class='first'>{made}</div>\n{sections}",
    )


def summarise_study(study: Study) -> str:
    """What the study found, in one paragraph of plain words."""
    last = study.costs.groupby("model", sort=False).tail(1).set_index("model")
    accuracy = (100 * last["accuracy"]).round(1)
    ann, snn = last.loc[STREAMING_ANN], last.loc[MATCHED_SNN]
    return (
        f"On {study.dataset.name}, the streaming ANN answers {accuracy[STREAMING_ANN]} % of the test recordings "
        f"correctly at the last frame and its matched SNN {accuracy[MATCHED_SNN]} %; the sequential ANN "
        f"{accuracy[SEQUENTIAL_ANN]} % and its unmatched SNN {accuracy[UNMATCHED_SNN]} %; both SNNs have neurons that "
        f"spike at once. Per recording the matched "
        f"SNN takes {snn['synaptic_operations'] / 1e6:.1f} million synaptic operations (additions), the streaming ANN "
        f"{ann['dense_macs'] / 1e6:.1f} million dense MACs, "
        f"{ann['effective_macs'] / 1e6:.1f} million of them effective (not with zero). {_compare_energies(study)}"
    )


def _compare_energies(study: Study) -> str:
    """How many times the energy of the matched SNN its ANN takes, by arithmetic alone and with memory."""
    two = study.costs[study.costs["model"].isin([STREAMING_ANN, MATCHED_SNN])]
    ratios = tabulate_reversing_prices(two).set_index("preset")["ratio"]
    memory = ratios[[str(name).endswith("with memory") for name in ratios.index]]
    alone = ratios.drop(memory.index)
    return (
        f"The streaming ANN takes {alone.min():.2g} to {alone.max():.2g} times the energy of the matched SNN by "
        f"arithmetic alone, depending on the preset, and {memory.min():.2g} to {memory.max():.2g} times with every "
        "access of memory priced (below 1 the SNN takes more)."
    )


def _name_seeds(studies: Sequence[Study]) -> str:
    """The seeds of the weights, which are those of the trainings."""
    seeds = {model.provenance.seed for study in studies for model in study.models.values()}
    return ", ".join("not known" if seed is None else str(seed) for seed in seeds)


def _section(number: int, study: Study) -> str:
    """A data set: what was found, how, in tables and figures."""
    summary = format_summary(summarise(study.costs))
    frames = [column for column in summary.columns if column.startswith("frame")]
    per = find_per(study.costs)
    parts = [
        f"<h2>{html.escape(study.dataset.name)}</h2><p>{html.escape(summarise_study(study))}</p>",
        "<h3>Accuracy in every frame</h3>",
        table_to_html(summary[frames].reset_index()),
        f"<h3>Operations, and energy in nanojoules (preset fp32), per {per}</h3>",
        table_to_html(summary.drop(columns=frames).reset_index()),
        *(
            figure_to_html(title, figure, f"figure-{number}-{place}")
            for place, (title, figure) in enumerate(_draw(study))
        ),
        f"<h3>Energy per {per}, in nanojoules, under every preset</h3>",
        table_to_html(_tabulate_energies(study), "words"),
        *judge_costs(study.costs),
        f"<h3>Recipe and settings</h3>{table_to_html(_describe_settings(study), 'words')}",
        f"<pre>{html.escape(repr(study.network))}</pre>",
    ]
    return "\n".join(parts)


def _draw(study: Study) -> list[tuple[str, go.Figure]]:
    network, test, snn, ann = study.network, study.dataset.test, study.models[MATCHED_SNN], study.models[STREAMING_ANN]
    rollouts = figures.rollouts(Rollout(network.streaming(), frames=6), Rollout(network.sequential(), frames=6))
    some = test[choose_evenly(len(test), DIAGNOSED)]
    causes = diagnose(ann, snn, some, progress=False)
    confusions = count_confusions(snn, test, progress=False)
    with torch.no_grad():
        spikes = snn.run(torch.from_numpy(test.as_ticks([0], snn.ticks_per_frame)))
    return [
        ("The network, unrolled", rollouts),
        ("One recording as frames", figures.frames(test.as_frames([0])[:, 0], study.dataset.window_us)),
        *((f"Training the {name}", figures.learning(history)) for name, history in study.histories.items()),
        ("Accuracy over time", figures.accuracy(study.costs)),
        ("Operations over time", figures.operations(study.costs)),
        ("The same recording as spikes", figures.raster(spikes, ticks_per_frame=snn.ticks_per_frame)),
        (f"Where the conversion loses, on {len(some)} recordings", figures.causes(causes)),
        ("Which class the matched SNN takes for which", figures.confusion_over_time(confusions)),
        ("How much of every class it recognises",
         figures.recall(tabulate_recall(evaluate(snn, test, rows=True, progress=False)))),
    ]  # fmt: skip


def _tabulate_energies(study: Study) -> pd.DataFrame:
    """A row for every preset, a column for every model, and the source of the prices."""
    energies = price_all(study.costs).pivot_table(
        index=["preset", "source"], columns="model", values="energy_nj", sort=False
    )
    energies = energies.reset_index().round(1)
    energies = energies[["preset", *[c for c in energies.columns if c not in ("preset", "source")], "source"]]
    energies.columns.name = None
    return energies


def _describe_settings(study: Study) -> pd.DataFrame:
    """How every model came about: its trainings, its recordings by their fingerprint, the options of its conversion."""
    rows = []
    for name, model in study.models.items():
        rows.append((name, "model", repr(model)))
        for training in model.provenance.trainings if name in study.histories else ():
            options = "" if training.recipe is None else f", recipe {training.recipe}"
            rows.append((name, "training", f"{training.verb}, {training.epochs} epochs of {training.recordings}, seed "
                         f"{training.seed}{options}; recordings {training.version[:16]}"))  # fmt: skip
        if model.conversion_options is not None:
            rows.append((name, "conversion", f"{model.conversion_options}, {model.conversion_options.reason}"))
    return pd.DataFrame(rows, columns=["model", "what", "how"])
