"""The page docs/engine.md: what was measured, as text, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.engine.choice_grid import report_choices
from benchmarks.engine.curves import Curve, compare_to_bare, fit_lines, tell_break_even
from benchmarks.engine.end_to_end import BATCH, EPOCHS
from benchmarks.engine.extents import Extent
from benchmarks.engine.networks import GRID, LAYERS, RATE, WIDTHS, K
from benchmarks.engine.pictures import CHOICES, TITLES, draw, draw_choices
from benchmarks.engine.streams import BLOCK
from benchmarks.engine.surrogates import BETA
from benchmarks.engine.verbs import EPOCHS as VERB_EPOCHS
from benchmarks.tables import markdown
from workbench import figures

TEXT = Path(__file__).with_name("page.md")


@dataclass(frozen=True)
class Comparison:
    """All contenders at one batch and activity."""

    batch: int
    rates: Mapping[str, float]
    table: pd.DataFrame


@dataclass(frozen=True)
class Measured:
    """Everything that the page tells; `lag` is that of the network compared."""

    machine: str
    versions: str
    lag: int
    comparisons: tuple[Comparison, ...]
    curves: tuple[Curve, ...]
    choices: pd.DataFrame
    imports: pd.DataFrame
    first_runs: pd.DataFrame
    latency: pd.DataFrame
    memory: pd.DataFrame
    loops: pd.DataFrame
    verbs: pd.DataFrame
    jobs: pd.DataFrame
    gpu: str


def write(measured: Measured, extent: Extent, path: Path) -> None:
    """The page, and beside it its pictures in images/; where they cannot be drawn the page says why."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = draw_all(measured, path.parent / "images")
    path.write_text(render(measured, extent, pictures), encoding="utf-8")


def draw_all(measured: Measured, folder: Path) -> dict[str, str]:
    """What the page shows for each curve and the choices: a picture in this folder, or why there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    shown = {}
    drawn = {curve.axis: draw(curve) for curve in measured.curves} | {CHOICES: draw_choices(measured.choices)}
    for name, figure in drawn.items():
        path = folder / f"engine-{name}.png"
        path.unlink(missing_ok=True)  # a page without pictures leaves no old ones behind
        try:
            figures.save(figure, path)
        except RuntimeError as error:  # there is no browser to draw with
            shown[name] = f"No picture in this run: {error}."
        else:
            shown[name] = f"![{figure.layout.meta['alt']}](images/{path.name})"
    return shown


def render(measured: Measured, extent: Extent, pictures: Mapping[str, str]) -> str:
    """The page as text."""
    return TEXT.read_text(encoding="utf-8").format(
        rounds=extent.rounds,
        turns=extent.turns,
        first_starts=extent.first_starts,
        steps=extent.steps,
        stream_ticks=extent.stream_ticks,
        machine=measured.machine,
        versions=measured.versions,
        lag=measured.lag,
        widths=", ".join(map(str, WIDTHS)),
        grid=GRID,
        rate=RATE,
        block=BLOCK,
        k=K,
        comparisons="\n\n".join(map(_tell_comparison, measured.comparisons)),
        curves="\n\n".join(_tell_curve(curve, pictures[curve.axis]) for curve in measured.curves),
        imports=markdown(measured.imports),
        first_runs=markdown(measured.first_runs),
        latency=markdown(measured.latency),
        memory=markdown(measured.memory),
        loops=markdown(measured.loops),
        choices=report_choices(measured.choices),
        choice_picture=pictures[CHOICES],
        choice_rounds=extent.choice_rounds,
        choice_steps=extent.choice_steps,
        verbs=markdown(measured.verbs),
        verb_rounds=extent.verb_rounds,
        verb_epochs=VERB_EPOCHS,
        jobs=markdown(measured.jobs),
        job_rounds=extent.job_rounds,
        job_epochs=EPOCHS,
        job_batch=BATCH,
        share=extent.share,
        beta=BETA,
        gpu=measured.gpu,
    )


def _tell_comparison(comparison: Comparison) -> str:
    mean = sum(comparison.rates.values()) / len(LAYERS)
    rates = ", ".join(f"{node} {rate:.1%}" for node, rate in comparison.rates.items())
    title = f"### Batch {comparison.batch}, {mean:.0%} activity"
    return f"{title}\n\nFiring, of units and ticks: {rates}.\n\n{markdown(comparison.table)}"


def _tell_curve(curve: Curve, picture: str) -> str:
    table = compare_to_bare(curve.table)
    if curve.axis == "activity":
        table.index = table.index.map("{:.1%}".format).rename(curve.axis)
    words = f"In milliseconds, by {curve.axis}; {curve.words}."
    parts = [f"### {TITLES[curve.axis]}", words, markdown(table), picture]
    if curve.axis == "ticks":
        fitted = fit_lines(curve.table)
        shown = fitted.assign(**{"R^2": fitted["R^2"].map("{:.5f}".format)}).round(3)
        parts.insert(3, f"Straight lines through these, by least squares:\n\n{markdown(shown)}")
    if curve.axis == "activity":
        parts.insert(3, tell_break_even(curve.table))
    return "\n\n".join(parts)
