"""Every figure and every panel as a picture: `python -m benchmarks.gallery` writes docs/gallery.md."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import torch

import workbench as wb
from benchmarks.lab import callback, open_page, run_all, serve_lab, write_notebook
from benchmarks.panels import DATA, await_drawn
from workbench import figures
from workbench.analysis.membrane_trace import trace_membrane
from workbench.analysis.recording_trace import trace_recording
from workbench.evaluation.energy import PRESETS
from workbench.study.main_job import MATCHED_SNN, SEQUENTIAL_ANN, STREAMING_ANN, UNMATCHED_SNN, run_main_job

DOCS = Path(__file__).parents[1] / "docs"
IMAGES = DOCS / "images" / "gallery"
WIDTH_PX = 900
DRIVE = [0.6, 0.7, 0.5, 0.3, -0.2, -0.4, -0.5, -0.4, 0.0, 0.1, 0.4, 0.5, 0.5, 0.3, 0.3, 0.0]  # two frames


@dataclass(frozen=True)
class Panel:
    """A panel to photograph: the call that makes it, and what to do with it first."""

    name: str
    call: str
    then: str = ""


PANELS = (
    Panel("rollouts", "widgets.rollouts(network)", "panel.choose(('v3', 3))"),
    Panel("player", "widgets.player(motion)", "panel.clock.step.value = 3"),
    Panel("raster", "widgets.raster(activity, ticks_per_frame=12)", "panel.look(2, 4)"),
    Panel("training", "widgets.training(wb.Model(network), motion.train[:400], motion.train[400:500], epochs=6)",
          "await panel"),
    Panel("sweep", "widgets.sweep(lambda k, scale: {'accuracy': scale - 1 / k, 'operations': k * scale}, "
          "{'k': [2, 4, 8, 12], 'scale': [1.0, 0.9]}, 'here')", "await panel"),
    Panel("convert", "widgets.convert(ann, motion, limit=48)", "panel.view.value = 'diagnosis'"),
    Panel("operations", "widgets.operations({'ANN': ann, 'SNN': snn}, motion.test[:48])",
          "panel.view.value = 'energy over time'"),
    Panel("explore", "widgets.explore(snn, motion, recording=3)",
          "panel.node.value = 'v2'; panel.clock.step.value = 50"),
    Panel("compare", "widgets.compare({'ANN': ann, 'SNN': snn}, motion, recording=3)", "panel.clock.step.value = 60"),
)  # fmt: skip
PREPARE = """import torch
import workbench as wb
from workbench import figures, widgets
motion = wb.load("motion", root={data!r})
ann, snn = wb.load_model("ann.safetensors"), wb.load_model("snn.safetensors")
network = ann.network
activity = snn.run(torch.from_numpy(motion.test.as_ticks([3])))"""


def main() -> None:
    """Do the main job on `motion`, draw every figure, open every panel, and photograph them all."""
    found = run_main_job(wb.load("motion", root=str(DATA)), seed=0)
    shutil.rmtree(IMAGES, ignore_errors=True)
    IMAGES.mkdir(parents=True)
    lines = [HEAD, "## Figures\n"]
    for name, figure in draw_all(found).items():
        (IMAGES / f"{name}.png").write_bytes(figure.to_image(format="png", width=WIDTH_PX, scale=1))
        alt = figure.layout.meta["alt"].split(". ")[0]
        lines.append(f"### `figures.{name.split('-')[0]}`\n\n![{alt}](images/gallery/{name}.png)\n")
    lines.append("## Panels\n")
    with tempfile.TemporaryDirectory() as folder:
        wb.save_model(found.models[STREAMING_ANN], Path(folder) / "ann.safetensors")
        wb.save_model(found.models[MATCHED_SNN], Path(folder) / "snn.safetensors")
        photograph(Path(folder))
    for panel in PANELS:
        lines.append(f"### `{panel.call}`\n\n![Panel {panel.name}](images/gallery/panel-{panel.name}.png)\n")
    (DOCS / "gallery.md").write_text("\n".join(lines), encoding="utf-8")
    print(f"written: {DOCS / 'gallery.md'} with {len(list(IMAGES.glob('*.png')))} pictures")


def draw_all(found) -> dict[str, go.Figure]:
    """Every figure, by name; a name with a dash is a variant."""
    dataset, costs, network = found.dataset, found.costs, found.network
    ann, snn = found.models[STREAMING_ANN], found.models[MATCHED_SNN]
    streaming, sequential = (wb.Rollout(n, frames=6) for n in (network.streaming(), network.sequential()))
    two = costs[costs["model"].isin([STREAMING_ANN, MATCHED_SNN])]
    recording_trace = trace_recording(snn, dataset.test, recording=3)
    unit = int(recording_trace.activity["v2"][:, 0].flatten(1).sum(0).argsort()[-200])  # a lively one
    trace = trace_membrane(snn, recording_trace.activity, "v2", unit)
    counts = dataset.test.as_frames([3])[:, 0]
    with torch.no_grad():
        activity = snn.run(torch.from_numpy(dataset.test.as_ticks([3], snn.ticks_per_frame)))
    drawn = {
        "network": figures.network(network),
        "rollout": figures.rollout(streaming, place=("v3", 3)),
        "rollouts": figures.rollouts(streaming, sequential),
        "tableau": figures.tableau(sequential),
        "recordings": figures.recordings(dataset),
        "events": figures.events(dataset.test[3], dataset.shape, dataset.window_us),
        "frames": figures.frames(counts, dataset.window_us),
        "frame": figures.frame(counts, 3, dataset.window_us, "frame"),
        "learning": figures.learning(found.histories[STREAMING_ANN]),
        "accuracy": figures.accuracy(costs),
        "accuracy_per_operation": figures.accuracy_per_operation(costs),
        "accuracy-energy": figures.accuracy(two, against="energy_nj"),
        "early_exit": figures.early_exit(sweep_exits(found)),
        "operations": figures.operations(two),
        "operations_by_edge": figures.operations_by_edge(wb.operations(snn, dataset.test[:64])),
        "energy": figures.energy(two),
        "energy-int8": figures.energy(two, PRESETS["int8, zeros skipped"]),
        "raster": figures.raster(activity, ticks_per_frame=snn.ticks_per_frame),
        "membrane": figures.membrane(trace),
        "emission": figures.emission(DRIVE, ticks_per_frame=8),
        "recording_trace": figures.recording_trace(recording_trace, trace, f"v2 {unit}"),
        "recording_traces": figures.recording_traces(
            {"ANN": trace_recording(ann, dataset.test, recording=3), "SNN": recording_trace}
        ),
        "diagnosis": figures.diagnosis(wb.diagnose(ann, snn, dataset.test[:64])),
        "causes": figures.causes(wb.diagnose(ann, snn, dataset.test[:64])),
        "diagnosis-unmatched": figures.diagnosis(
            wb.diagnose(found.models[SEQUENTIAL_ANN], found.models[UNMATCHED_SNN], dataset.test[:64])
        ),
        "confusion_over_time": figures.confusion_over_time(wb.count_confusions(snn, dataset.test)),
    }
    rows = wb.evaluate(snn, dataset.test, rows=True)
    drawn |= {"answers": figures.answers(rows), "recall": figures.recall(wb.tabulate_recall(rows))}
    swept = sweep_conversions(found)
    drawn |= {
        "sweep": figures.sweep(swept),
        "sweep-map": figures.sweep(swept, "heat map", x="ticks_per_frame", y="percentile"),
        "sweep-trade-off": figures.sweep(swept, "trade-off"),
    }
    return drawn | {"darken": figures.darken(drawn["accuracy"])}


def sweep_conversions(found) -> pd.DataFrame:
    """What conversions with other settings answer, and what they cost."""
    shared = {"ann": found.models[STREAMING_ANN], "dataset": found.dataset}
    grid = {"percentile": [97.0, 99.0, 99.9], "ticks_per_frame": [4, 6, 12], "emission": ["at_once", "spread"]}
    return wb.sweep(convert_and_compare, grid, shared=shared)


def convert_and_compare(percentile, ticks_per_frame, emission, ann, dataset) -> pd.Series:
    """Accuracy and cost of one conversion at the last step."""
    options = {"percentile": percentile, "ticks_per_frame": ticks_per_frame, "emission": emission}
    snn = wb.convert(ann, dataset.train, **options, progress=False)
    costs = wb.compare({"SNN": snn}, dataset.test, progress=False)
    return costs.iloc[-1][["accuracy", "synaptic_operations", "energy_nj"]]


def sweep_exits(found) -> pd.DataFrame:
    """Early exits of the streaming ANN and its SNN, both on test recordings: training has seen all others."""
    held_back, others = found.dataset.test.split(0.5, seed=0)
    models = {name: found.models[name] for name in (STREAMING_ANN, MATCHED_SNN)}
    exits = [wb.calibrate_exit(model, held_back, loss=0.03, name=name) for name, model in models.items()]
    return pd.concat([early.sweep(others) for early in exits])


def photograph(folder: Path) -> None:
    """Open every panel in JupyterLab and keep a picture of it."""
    with serve_lab(folder) as address, open_page(1240, 2400) as page:
        seen = callback(page)
        for number, panel in enumerate(PANELS):
            cells = [PREPARE.format(data=str(DATA)), f"panel = {panel.call}\npanel", panel.then]
            write_notebook(folder / f"panel{number}.ipynb", cells)
            page.goto(address(f"panel{number}.ipynb"))
            run_all(page)
            await_drawn(page, 1)
            page.locator(".jp-Cell").nth(2).get_by_text("[3]:").first.wait_for(timeout=180_000)
            page.wait_for_timeout(2500)
            page.locator(".workbench-panel").screenshot(path=IMAGES / f"panel-{panel.name}.png")
        assert not seen.errors, seen.errors


HEAD = """# Gallery

Every figure and every panel, drawn from the main job on the embedded set `motion`; `make gallery` draws them anew.
Figures are plain plotly figures; panels are widgets that return `figure`, `table` and `selection` to the next cell.
"""

if __name__ == "__main__":
    main()
