"""How fast and how heavy panels are, in a real browser: `python -m benchmarks.panels` writes docs/panels.md."""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Locator, Page

from benchmarks.lab import callback, open_page, run_all, serve_lab, until, write_notebook

PAGE = Path(__file__).parents[1] / "docs" / "panels.md"
DATA = Path(__file__).parents[1] / "data"
MOVES = 20
PAUSE_MS = 150
DRAWN = "gd => (gd._fullData || []).length > 0"


@dataclass(frozen=True)
class Move:
    """A slider of a panel to move: the cell that makes the panel, the slider's label, and what answers."""

    panel: str
    code: str
    slider: str
    answer: str = "plot"  # "plot": the last canvas is drawn anew; "cursor": the time cursor has moved
    pause_ms: int = PAUSE_MS


PREPARE = f"""import numpy as np
import torch
import workbench as wb
from workbench import figures, widgets
from workbench.network.architectures import shortcut_network
torch.set_num_threads(1)
motion = wb.load("motion", root={str(DATA)!r})
network = shortcut_network(motion.shape, len(motion.classes), loop=True)
ann, history = wb.train(wb.Model(network, seed=0), motion.train[:320], epochs=1, progress=False)
snn = wb.convert(ann, motion.train[:320])
activity = snn.run(torch.from_numpy(motion.test.as_ticks([0])))
models = {{"ANN": ann, "SNN": snn}}"""
BY_EDGE = 'panel = widgets.operations(models, motion.test[:16]); panel.view.value = "by edge"; panel'
MOVED = (
    Move("rollouts", "widgets.rollouts(network)", "frames"),
    Move("player", "widgets.player(motion)", "frame"),
    Move("raster", "widgets.raster(activity, ticks_per_frame=12)", "frames"),
    Move("operations", BY_EDGE, "up to frame"),
    Move("convert", "widgets.convert(ann, motion.train[:64], motion.test, limit=8)", "percentile", pause_ms=4000),
    Move("explore: time", "widgets.explore(snn, motion)", "tick", answer="cursor"),
    Move("explore: recording", "widgets.explore(snn, motion)", "recording"),
    Move("compare: time", "widgets.compare(models, motion)", "tick", answer="cursor"),
    Move("compare: recording", "widgets.compare(models, motion)", "recording"),
)
LISTEN = """([canvas, handle, answer]) => {
    const gd = canvas.querySelector(".js-plotly-plot"), times = (canvas.times = []);
    let begun = 0;
    const end = () => { if (begun) { times.push(performance.now() - begun); begun = 0; } };
    const ended = () => requestAnimationFrame(end);
    handle.addEventListener("keydown", () => { begun = performance.now(); }, true);
    if (answer === "plot") gd.on("plotly_afterplot", ended);
    else {
        const cursor = canvas.querySelector(".workbench-cursor");
        new MutationObserver(ended).observe(cursor, { attributes: true, subtree: true });
    }
}"""


def main() -> None:
    """Measure all of it; with --loads N, open a notebook of 12 panels N times under load and look for blank figures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--loads", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serve_lab(Path(folder)) as address:
        latencies = measure_latencies(Path(folder), address)
        facts = {**measure_weight(Path(folder), address), **measure_large(Path(folder), address)}
        facts |= measure_training(Path(folder), address)
        if options.loads:
            facts |= count_blanks(Path(folder), address, options.loads)
    table = pd.DataFrame([{"measured": name, "value": value} for name, value in facts.items()])
    text = PAGE_TEXT.format(latencies=_markdown(latencies), facts=_markdown(table), moves=MOVES)
    print(text)
    PAGE.write_text(text, encoding="utf-8")


def measure_latencies(folder: Path, address) -> pd.DataFrame:
    """From a key that moves a slider to the figure redrawn, in milliseconds of the browser's own clock."""
    rows = []
    with open_page(1300, 2200) as page:
        for number, move in enumerate(MOVED):
            name = f"move{number}.ipynb"
            write_notebook(folder / name, [PREPARE, move.code])
            page.goto(address(name))
            run_all(page)
            times = _move(page, move)
            rows.append({"panel": move.panel, "slider": move.slider, "median_ms": np.median(times),
                         "p95_ms": np.percentile(times, 95), "slowest_ms": max(times)})  # fmt: skip
            print(f"{move.panel}: {np.median(times):.0f} ms", flush=True)
    return pd.DataFrame(rows).round(0).astype({"median_ms": int, "p95_ms": int, "slowest_ms": int})


def _move(page: Page, move: Move) -> list[float]:
    canvas = page.locator(".workbench-canvas").last
    plot = canvas.locator(".js-plotly-plot")
    plot.wait_for()
    until(plot, DRAWN)
    page.wait_for_timeout(max(1500, move.pause_ms))
    handle = _slider(page, move.slider)
    page.evaluate(LISTEN, [canvas.element_handle(), handle.element_handle(), move.answer])
    handle.focus()
    keys = ["ArrowRight", "ArrowLeft"] if move.panel == "convert" else ["ArrowRight"] * 3 + ["ArrowLeft"] * 3
    for number in range(MOVES):
        before = handle.get_attribute("aria-valuenow")
        key = keys[number % len(keys)]
        handle.press(key)
        if handle.get_attribute("aria-valuenow") == before:  # at the end of the slider
            handle.press({"ArrowRight": "ArrowLeft", "ArrowLeft": "ArrowRight"}[key])
        page.wait_for_function("([canvas, n]) => canvas.times.length >= n", arg=[canvas.element_handle(), number + 1])
        page.wait_for_timeout(move.pause_ms)
    times: list[float] = canvas.evaluate("canvas => canvas.times")
    return times


def _slider(page: Page, label: str) -> Locator:
    """The handle of the slider with this label."""
    row = page.locator(".widget-hslider", has=page.locator("label", has_text=label)).last
    return row.locator(".noUi-handle").first


TWELVE = [
    "widgets.rollouts(network)",
    "widgets.player(motion)",
    "widgets.raster(activity, ticks_per_frame=12)",
    "widgets.operations(models, motion.test[:16])",
    "widgets.explore(snn, motion)",
    "widgets.compare(models, motion)",
] * 2


def measure_weight(folder: Path, address) -> dict[str, str]:
    """A notebook of 12 panels: what comes over the wire, what is saved."""
    path = write_notebook(folder / "twelve.ipynb", [PREPARE, *TWELVE])
    with open_page(1300, 2200) as page:
        seen = callback(page)
        page.goto(address(path.name))
        run_all(page)
        await_drawn(page, len(TWELVE))
        page.wait_for_timeout(2000)
        page.keyboard.press("Control+s")
        page.wait_for_timeout(4000)
        assert not seen.errors, seen.errors
        assert not seen.elsewhere, seen.elsewhere
    return {
        "12 panels, over the wire (MB)": f"{seen.socket_bytes / 1e6:.1f}",
        "12 panels, saved notebook with the state of its widgets (MB)": f"{path.stat().st_size / 1e6:.1f}",
    }


def await_drawn(page: Page, panels: int) -> None:
    """Wait until every panel's canvases are drawn."""
    page.wait_for_function(
        f"""() => {{
            const panels = [...document.querySelectorAll(".workbench-panel")];
            const drawn = (canvas) => (canvas.querySelector(".js-plotly-plot")?._fullData || []).length > 0;
            const whole = (panel) => [...panel.querySelectorAll(".workbench-canvas")].every(drawn);
            return panels.length >= {panels} && panels.every(whole);
        }}""",
        timeout=120_000,
    )


LARGE = """rng = np.random.default_rng(0)
spikes = (rng.random((10_000, 1, 1_000), dtype=np.float32) < 0.99).astype(np.uint8)
many = {"v1": spikes, "v2": spikes[:, :, :110] & spikes[:, :, 5:115]}"""


def measure_large(folder: Path, address) -> dict[str, str]:
    """Ten million spikes, and the first view of explore: from the cell's start to the figure drawn."""
    write_notebook(folder / "large.ipynb", [PREPARE, LARGE, "figures.moment(motion.test.as_frames([0])[:, 0], 0, 1)",
                                            "widgets.rollouts(network)", "widgets.raster(many, ticks_per_frame=12)",
                                            "widgets.explore(snn, motion)"])  # fmt: skip
    with open_page(1300, 2200) as page:
        page.goto(address("large.ipynb"))
        page.locator(".jp-NotebookPanel .jp-Notebook").wait_for()
        page.locator("#jp-bottom-panel, #jp-main-statusbar").get_by_text("| Idle").wait_for()
        page.locator(".jp-Cell").first.click()
        views = []
        for cell in range(6):
            page.keyboard.press("Shift+Enter")
            begun = time.monotonic()
            if cell >= 3:
                await_drawn(page, cell - 2)
                views.append(time.monotonic() - begun)
            page.locator(".jp-Cell").nth(cell).get_by_text(f"[{cell + 1}]:").first.wait_for(timeout=120_000)
        zooms = _zoom(page)
    return {
        "raster of 10^7 spikes, first view (s)": f"{views[1]:.1f}",
        "raster of 10^7 spikes, zoom, median (ms)": f"{np.median(zooms):.0f}",
        "raster of 10^7 spikes, zoom, slowest (ms)": f"{max(zooms):.0f}",
        "explore, 5 nodes and 96 ticks, first view (s)": f"{views[2]:.1f}",
    }


def _zoom(page: Page) -> list[float]:
    """Zoom the raster to parts of several sizes, as a drag in the page does."""
    canvas = page.locator(".workbench-panel").nth(1).locator(".workbench-canvas")
    zooms = []
    for begin, end in [(0, 400), (100, 300), (120, 140), (130, 130.5), (0, 833), (200, 210), (10, 800)]:
        zooms.append(page.evaluate(
            """([canvas, begin, end]) => new Promise((resolve) => {
                const gd = canvas.querySelector(".js-plotly-plot"), begun = performance.now();
                let drawn = 0;
                gd.on("plotly_afterplot", () => { if (++drawn === 2) resolve(performance.now() - begun); });
                gd.emit("plotly_relayout", { "xaxis.range[0]": begin, "xaxis.range[1]": end });
                drawn = 1;
            })""",
            [canvas.element_handle(), begin, end],
        ))  # fmt: skip
        page.wait_for_timeout(300)
    return zooms


TRAINING = """import time
def timed(run):
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun
part = motion.train
plain = lambda: wb.train(wb.Model(network), part, epochs=10, progress=False)
def watched():
    panel = widgets.training(wb.Model(network), part, epochs=10)
    display(panel)
    panel.result()
plain()
times = [(timed(plain), timed(watched)) for _ in range(3)]
print("ratio", np.median([b / a for a, b in times]).round(4))"""


def measure_training(folder: Path, address) -> dict[str, str]:
    """What the live panel costs a training: ratio of times, interleaved."""
    write_notebook(folder / "training.ipynb", [PREPARE, TRAINING])
    with open_page(1300, 2200) as page:
        page.goto(address("training.ipynb"))
        run_all(page)
        printed = page.locator(".jp-OutputArea-output", has_text="ratio")
        printed.wait_for(timeout=600_000)
        ratio = float(printed.inner_text().split()[1])
    return {"training with the live panel / without, time": f"{ratio:.3f}"}


@contextmanager
def load_processor() -> Iterator[None]:
    """Keep every core busy."""
    burners = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(multiprocessing.cpu_count())]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()


def _burn() -> None:
    while True:
        pass


def count_blanks(folder: Path, address, loads: int) -> dict[str, str]:
    """Open the notebook of 12 panels again and again while the processor is busy; figures that stay blank."""
    blank = 0
    with open_page(1300, 2200) as page:
        page.goto(address("twelve.ipynb"))
        run_all(page)
        await_drawn(page, len(TWELVE))
        page.keyboard.press("Control+s")
        page.wait_for_timeout(4000)
        with load_processor():
            for number in range(loads):
                page.reload()
                try:
                    await_drawn(page, len(TWELVE))
                except Exception as error:
                    blank += 1
                    print(f"load {number + 1}: {error}", flush=True)
    return {f"blank figures in {loads} loads of 12 panels under load": str(blank)}


def _markdown(table: pd.DataFrame) -> str:
    rows = [table.columns, ["---"] * len(table.columns), *table.astype(str).to_numpy()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


PAGE_TEXT = """# How fast and how heavy the panels are

Written by `make panels` in headless Chromium against JupyterLab on the embedded set `motion`; the figures move with the
machine they are measured on.

From a key that moves a slider to the figure redrawn, {moves} moves each, by the browser's own clock. *convert* answers
at once where it has computed ahead, as it does for the neighbours of what is in view.

{latencies}

{facts}
"""


if __name__ == "__main__":
    main()
