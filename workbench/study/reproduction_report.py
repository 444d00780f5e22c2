"""What a reproduction found, beside what was published: in tables to print, and as a page."""

from __future__ import annotations

import html
from pathlib import Path

import pandas as pd
import torch

from workbench import figures
from workbench.evaluation import format_summary, price_all, summarise, summarise_bounds
from workbench.network import Rollout
from workbench.study.cost_verdicts import judge_costs
from workbench.study.page import describe_making, figure_to_html, table_to_html, write_page
from workbench.study.recipes import OURS, SOURCE
from workbench.study.reproduction import Reproduction


def tabulate_published(found: Reproduction) -> pd.DataFrame:
    """Accuracies at the last frame in per cent, ours beside those of the paper, for ANN and SNN.

    Columns: model, one for slices and, where recordings were cut into slices, one for votes of recordings; paper. What
    was not found published is left empty.
    """
    recipe = found.recipe
    ours = {"slices" if found.votes is not None else "recordings": found.costs}
    ours |= {} if found.votes is None else {"recordings, by vote": found.votes}
    last = {
        f"ours, {what} (%)": (100 * table.groupby("model", sort=False)["accuracy"].last()).round(2)
        for what, table in ours.items()
    }
    paper = pd.Series({"ANN": recipe.published_ann, "SNN": recipe.published_snn}, dtype=float)
    return pd.DataFrame({**last, "Kugele et al. 2020 (%)": paper}).rename_axis("model").reset_index()


def tell_reproduction(found: Reproduction) -> str:
    """All tables as text: accuracy at every frame, operations, energies, and what was published."""
    parts = []
    for what, table in _tables(found).items():
        summary = format_summary(summarise(table))
        frames = [column for column in summary.columns if column.startswith("frame")]
        parts += [f"Accuracy at every frame, {what} (the running answer)", summary[frames].to_string()]
    summary = format_summary(summarise(found.costs))
    counts = [column for column in summary.columns if not column.startswith("frame")]
    parts += [f"Operations, and energy in nanojoules (preset fp32), per {_unit(found)}", summary[counts].to_string()]
    parts += [
        f"Energy per {_unit(found)} in nanojoules under every preset",
        _energies(found).to_string(na_rep="no price"),
    ]
    published = tabulate_published(found).to_string(index=False, na_rep="-")
    parts += [
        "At the last frame, beside what was published",
        published,
        f"Best published: {found.recipe.best_published}",
    ]
    parts += [f"{OURS} The paper's numbers: {SOURCE}.", f"What critics say: {summarise_bounds(found.costs)}"]
    return "\n\n".join(parts)


def write_reproduction(found: Reproduction, path: str | Path) -> None:
    """One HTML page that needs no network, whole or not at all."""
    recipe, dataset, snn = found.recipe, found.dataset, found.snn
    with torch.no_grad():
        spikes = snn.run(torch.from_numpy(dataset.test.as_ticks([0], snn.ticks_per_frame)))
    shown = [
        ("The network, unrolled", figures.rollouts(Rollout(found.ann.network, frames=dataset.frames))),
        ("One recording as frames", figures.frames(dataset.test.as_frames([0])[:, 0], dataset.window_us)),
        ("Training the ANN", figures.learning(found.history)),
        *((f"Accuracy over time, {what}", figures.accuracy(table)) for what, table in _tables(found).items()),
        ("Operations over time", figures.operations(found.costs)),
        ("The same recording as spikes", figures.raster(spikes, ticks_per_frame=snn.ticks_per_frame)),
    ]
    words = pd.DataFrame(recipe.describe(len(found.history)).items(), columns=["what", "how"])
    summary = format_summary(summarise(found.costs))
    counts = [column for column in summary.columns if not column.startswith("frame")]
    parts = [
        f"<p>Split: {html.escape(dataset.split)}.</p>",
        "<h2>Beside what was published</h2>",
        table_to_html(tabulate_published(found), absent="-"),
        f"<p>Best published: {html.escape(recipe.best_published)}. The paper's numbers: {html.escape(SOURCE)}.</p>",
        f"<h2>How</h2><p>{html.escape(OURS)}</p>",
        describe_making({"seed": str(found.ann.provenance.seed)}),
        table_to_html(words, "words"),
        f"<p>{html.escape(repr(found.ann))}</p><p>{html.escape(repr(snn))}</p>",
        "<h2>What was found</h2>",
        *(figure_to_html(title, figure, f"figure-{place}") for place, (title, figure) in enumerate(shown)),
        f"<h3>Operations, and energy in nanojoules (preset fp32), per {_unit(found)}</h3>",
        table_to_html(summary[counts].reset_index()),
        f"<h3>Energy per {_unit(found)} in nanojoules under every preset</h3>",
        table_to_html(_energies(found).reset_index()),
        *judge_costs(found.costs),
    ]
    write_page(path, recipe.title, f"{recipe.title}, done again", "\n".join(parts))


def _unit(found: Reproduction) -> str:
    """What the tables of costs count by."""
    return "recording" if found.votes is None else "slice"


def _tables(found: Reproduction) -> dict[str, pd.DataFrame]:
    """The tables of accuracies, by what they are of."""
    slices = {f"of every {_unit(found)}": found.costs}
    return slices if found.votes is None else slices | {"of recordings, by a vote of their slices": found.votes}


def _energies(found: Reproduction) -> pd.DataFrame:
    prices = price_all(found.costs).pivot_table(index="preset", columns="model", values="energy_nj", sort=False)
    return prices.round(0).rename_axis(columns=None)
