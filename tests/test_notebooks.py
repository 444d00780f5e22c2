"""Notebooks show their pictures wherever they are read: as they are committed, and as a kernel leaves them."""

from __future__ import annotations

import base64
import io
import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter, MarkdownExporter
from PIL import Image

from tests.support.notebook_code import PREPARE

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
PLOTLY, PNG, VIEW = "application/vnd.plotly.v1+json", "image/png", "application/vnd.jupyter.widget-view+json"
MOST_BYTES = {"still": 150_000, "notebook": 2_000_000}
CELLS = {
    "a figure": "figures.network(network)",
    "a figure by display": "display(figures.network(network), 3)",
    "a figure by show": "figures.tableau(wb.Rollout(network, 3)).show()",
    "two figures": "for frames in (2, 3):\n    display(figures.rollout(wb.Rollout(network, frames)))",
    "a network": "network",
    "a rollout": "wb.Rollout(network, 3)",
    "a model": "wb.Model(network)",
    "a panel": "widgets.rollouts(network)",
    "a panel's figure": "panel = widgets.rollouts(network)\npanel.figure",
    "a panel that moves": "panel.frames.value = 3\npanel.frames.value = 4",
}


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def drawn(notebook: Any) -> list[Any]:
    """The outputs that hold a figure."""
    return [output for output in outputs(notebook) if PLOTLY in output.get("data", {})]


def look_at(png: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")


class Pictures(HTMLParser):
    """The pictures of a page: what they show, and how wide."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        source, start = dict(attrs).get("src") or "", f"data:{PNG};base64,"
        if tag == "img" and source.startswith(start):
            self.found.append((source.removeprefix(start), dict(attrs).get("width")))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_of_a_committed_notebook_is_seen_as_a_page(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    page, _ = HTMLExporter().from_notebook_node(notebook)
    pictures = Pictures(page).found
    assert len(pictures) == len(drawn(notebook)) > 0
    for (png, width), output in zip(pictures, drawn(notebook), strict=True):
        assert png == output.data[PNG].replace("\n", "")
        picture = look_at(png)
        assert picture.width == 2 * int(width or 0) == 1800
        assert len(picture.getcolors(1 << 24) or []) > 10, "it is blank"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_committed_notebook_is_no_burden(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for output in drawn(notebook):
        assert len(base64.b64decode(output.data[PNG])) < MOST_BYTES["still"]
        assert output.metadata[PNG]["alt"]
    assert path.stat().st_size < MOST_BYTES["notebook"]
    assert not notebook.metadata.get("widgets")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_committed_notebook_has_run_from_its_first_cell_to_its_last_and_warns_of_nothing(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert [output for output in outputs(notebook) if output.get("name") == "stderr"] == []


def test_a_notebook_is_seen_in_markdown_as_well() -> None:
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    text, resources = MarkdownExporter().from_notebook_node(notebook)
    assert text.count("![png]") == len(resources["outputs"]) == len(drawn(notebook))


def run(cells: list[str], folder: Path, **environment: str) -> Any:
    """A notebook of these cells, run in a kernel of its own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    home = {"IPYTHONDIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])}
    client = NotebookClient(notebook, kernel_name="python3", store_widget_state=False, resources={})
    client.execute(env=os.environ | home | environment)
    return notebook


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run([PREPARE, *CELLS.values()], tmp_path_factory.mktemp("ipython"))


@pytest.mark.parametrize("name", CELLS)
def test_whatever_a_cell_shows_it_leaves_with_its_still(name: str, shown: Any) -> None:
    cell = shown.cells[1 + list(CELLS).index(name)]
    figures = [output for output in cell.outputs if PLOTLY in output.get("data", {})]
    assert len(figures) == {"two figures": 2, "a panel that moves": 0}.get(name, 1)
    for output in figures:
        assert look_at(output.data[PNG]).width == 2 * output.metadata[PNG]["width"]
        assert output.data["text/plain"]
        assert (VIEW in output.data) == ("panel" in name)
    assert not [output for output in cell.outputs if output.output_type == "stream"]


def test_values_keep_their_text(shown: Any) -> None:
    texts = {name: shown.cells[1 + list(CELLS).index(name)].outputs[0].data["text/plain"] for name in CELLS if
             name not in ("a panel that moves",)}  # fmt: skip
    assert texts["a network"].startswith("Network(inputs={'eye': (1,)}")
    assert texts["a model"].startswith("Model(ANN: 3 nodes")
    assert texts["a panel"] == "RolloutsPanel(streaming, 6 frames, nothing chosen)"
    assert "first response of hand" in texts["a figure"]


TRAIN = """import numpy as np
ticks = np.random.default_rng(0).poisson(0.5, (4, 8, 1, 3, 3))
recordings = wb.Recordings.from_ticks(ticks, labels=[0, 1] * 4, ticks_per_frame=1)
learner = wb.Model(wb.Network({"eye": (1, 3, 3)}, [wb.Edge("eye", "hand", wb.Dense(2))]))
panel = widgets.training(learner, recordings, epochs=3)
panel"""


@pytest.mark.parametrize("wait", ["ann, history = await panel", "ann, history = panel.result()"])
def test_a_training_leaves_its_last_curves_where_it_was_shown(wait: str, tmp_path: Path) -> None:
    notebook = run([PREPARE, TRAIN, wait], tmp_path)
    (output,) = notebook.cells[1].outputs
    data = output.data[PLOTLY]
    assert "Ended after 3 of 3 epochs. Run the cell again" in data["layout"]["title"]["text"].replace("<br>", " ")
    assert len(data["data"]) > 0
    assert data["layout"]["meta"]["title"].startswith("Epoch 3")
    assert output.data["text/plain"] == "TrainingPanel(ended after 3 of 3 epochs)"
    assert look_at(output.data[PNG]).width == 1800
    assert VIEW in output.data
    assert notebook.cells[2].outputs == []


def test_without_a_browser_a_notebook_warns_once_and_goes_on(tmp_path: Path) -> None:
    notebook = run([PREPARE, *CELLS.values()], tmp_path, BROWSER_PATH="/nowhere/browser")
    warned = [output.text for output in outputs(notebook) if output.get("name") == "stderr"]
    assert len(warned) == 1
    assert "there is no browser; a picture needs Chrome or Chromium on this machine" in warned[0]
    assert len(drawn(notebook)) == len(CELLS)
    assert not [output for output in drawn(notebook) if PNG in output.data]
