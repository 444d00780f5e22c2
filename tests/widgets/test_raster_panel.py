"""The raster panel without a browser: whichever way one zooms, it shows and counts what is in view."""

import numpy as np
import pytest
import torch

import workbench as wb
from tests.support.messages import as_json
from tests.support.tiny import assert_saved, assert_shows, labels, said, zoom
from workbench import figures, widgets
from workbench.figures._raster import EXACT
from workbench.figures._raster_bands import BAND

STEPS, TICKS = 24, 4
RNG = np.random.default_rng(0)
COUNTS = {"eye": RNG.poisson(0.4, (STEPS, 2, 3, 4)), "v1": RNG.integers(0, 2, (STEPS, 2, 5))}
ACTIVITY = COUNTS | {"hand": RNG.normal(size=(STEPS, 2, 3))}


@pytest.fixture
def panel() -> widgets.RasterPanel:
    return widgets.raster(ACTIVITY, recording=1, ticks_per_frame=TICKS)


def assert_in_view(panel: widgets.RasterPanel) -> None:
    """Figure and table show the view; the spikes in view are counted one by one."""
    assert_shows(panel, figures.raster(ACTIVITY, 1, TICKS, panel.selection))
    begin, end, low, high = panel.selection or (0, STEPS / TICKS, -9, 9)
    for band, (node, counts) in enumerate(COUNTS.items()):
        flat = counts[:, 1].reshape(STEPS, -1)
        seen = 0
        for step, unit in zip(*np.nonzero(flat), strict=True):
            bottom, top = band + BAND * unit / flat.shape[1], band + BAND * (unit + 1) / flat.shape[1]
            inside = begin <= (step + 1) / TICKS < end + 1 / TICKS and bottom < high - 1e-6 and top > low + 1e-6
            seen += flat[step, unit] * inside
        row = panel.table.set_index("node").loc[node]
        assert row.tolist() == [flat.shape[1], flat.sum(), seen]


def test_all_is_in_view_at_first(panel: widgets.RasterPanel) -> None:
    assert panel.selection is None
    assert panel.table["in_view"].tolist() == panel.table["spikes"].tolist()
    assert_in_view(panel)
    assert "each one a mark" in panel.note.value


@pytest.mark.parametrize(
    "part", [(1.0, 3.0), (0.0, 0.25), (2.0, 6.0, 0.2, 0.5), (1.5, 4.0, 1.1, 1.9), (5.9, 6.0), (0, 6, 0.9, 0.95)]
)
def test_looking_at_a_part(panel: widgets.RasterPanel, part: tuple[float, ...]) -> None:
    panel.look(*part)
    assert_in_view(panel)
    assert panel.span.value == panel.selection[:2]
    panel.look()
    assert panel.selection is None
    assert panel.span.value == (0, STEPS / TICKS)
    assert_in_view(panel)


def test_the_controls_zoom(panel: widgets.RasterPanel) -> None:
    panel.span.value = (1, 2.5)
    assert panel.selection[:2] == (1, 2.5)
    assert_in_view(panel)
    panel.node.value = "v1"
    assert panel.selection == (1, 2.5, 0.98, 1 + BAND + 0.02)
    assert_in_view(panel)
    assert panel.table["in_view"][0] == 0
    panel.span.value = (0, 3)
    assert panel.selection == (0, 3, 0.98, 1 + BAND + 0.02), "the node stays in view"
    panel.node.value = "all nodes"
    assert_in_view(panel)
    assert panel.table["in_view"][0] > 0
    panel.span.value = (2, 2)
    assert panel.selection[:2] == (2, 2.25), "there is no less than one step to see"
    assert_in_view(panel)


def test_the_page_zooms(panel: widgets.RasterPanel) -> None:
    zoom(panel, xaxis2_0=0.8, xaxis2_1=3.1, yaxis2_0=0.1, yaxis2_1=1.2)
    assert panel.selection == (0.8, 3.1, 0.1, 1.2)
    assert_in_view(panel)
    zoom(panel, xaxis_0=1.0, xaxis_1=2.0)
    assert panel.selection == (1, 2, 0.1, 1.2)
    zoom(panel, yaxis_0=-1.0, yaxis_1=1.0)  # of the drive
    assert panel.selection == (1, 2, 0.1, 1.2)
    zoom(panel, xaxis2_0=-3.0, xaxis2_1=99.0)
    assert panel.selection[:2] == (0, 6)
    zoom(panel, xaxis2_0=50.0, xaxis2_1=60.0)
    assert panel.selection[:2] == (5.75, 6)
    assert_in_view(panel)
    zoom(panel, xaxis2_0=2.0)  # half a range is none
    assert panel.selection[:2] == (5.75, 6)
    zoom(panel, xaxis2_auto=True, yaxis2_auto=True)
    assert panel.selection is None
    assert_in_view(panel)


def test_a_million_spikes_are_counted_and_zooming_finds_each() -> None:
    generator = torch.Generator().manual_seed(0)
    spikes = (torch.rand((1000, 1, 5000), generator=generator) < 0.2).to(torch.uint8)
    panel = widgets.raster({"v1": spikes}, ticks_per_frame=100)
    assert panel.table["spikes"].item() == int(spikes.sum()) > 990_000
    (image,) = panel.figure.data
    assert image.type == "heatmap"
    assert int(image.z.astype(np.int64).sum()) == int(spikes.sum())
    assert len(as_json(panel.figure.get_state())) < 2_000_000
    assert "counts per pixel" in panel.note.value
    panel.look(2.0, 2.1)
    assert panel.figure.data[0].type == "scattergl"
    assert len(panel.figure.data[0].x) == int(spikes[199:210].sum()) <= EXACT


def test_the_controls_have_labels_and_the_panel_is_saved(notebook_renderer: None) -> None:
    panel, again = (widgets.raster(ACTIVITY, ticks_per_frame=TICKS) for _ in range(2))
    assert labels(panel) == ["time (frames)", "nodes"]
    assert_saved(panel, again)
    assert repr(panel) == "RasterPanel(3 nodes, all in view)"
    panel.look(1, 2)
    assert repr(panel) == "RasterPanel(3 nodes, time 1 to 2 frames in view)"


def test_nothing_to_show_is_said() -> None:
    assert said(widgets.raster({})) == "no node was recorded"
    silent = widgets.raster({"eye": np.zeros((4, 1, 3)), "hand": np.zeros((4, 1, 2))})
    assert said(silent) == "no spikes in this recording"
    silent.look(1, 2)
    silent.node.value = "eye"
    assert said(silent) == "no spikes in this recording"


def test_what_is_no_number_is_said() -> None:
    broken = np.ones((4, 1, 3))
    broken[2, 0, 1] = np.nan
    for activity in ({"eye": np.ones((4, 1, 3)), "v1": broken}, {"eye": broken, "hand": np.ones((4, 1, 2))}):
        with pytest.raises(ValueError, match="holds values that are no finite numbers, first in step 2"):
            widgets.raster(activity)


@pytest.mark.parametrize("nodes", [1, 200])
def test_one_node_and_two_hundred(nodes: int) -> None:
    panel = widgets.raster({f"v{i}": np.ones((1, 1, 2)) for i in range(nodes)})
    assert len(panel.figure.data) == nodes
    assert panel.table["in_view"].tolist() == [2] * nodes
    assert panel.figure.layout.height < 6000
    panel.node.value = f"v{nodes - 1}"
    assert panel.table["in_view"].sum() == 2


def test_mistakes_are_refused_with_a_cure() -> None:
    with pytest.raises(ValueError, match="recording=2 is not among the 2 of 'eye'; count from 0"):
        widgets.raster(ACTIVITY, recording=2)
    with pytest.raises(ValueError, match="ticks_per_frame=0 must be a whole number from 1 on"):
        widgets.raster(ACTIVITY, ticks_per_frame=0)


def test_a_run_of_a_model_fits() -> None:
    model = wb.Model(wb.Network({"eye": (3,)}, [wb.Edge("eye", "hand", wb.Dense(2))]))
    panel = widgets.raster(model.run(torch.ones(3, 1, 3)))
    assert panel.table["node"].tolist() == ["eye"]
