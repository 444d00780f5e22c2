"""Values show themselves in a notebook, and only there; their plain text is never lost."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.io as pio
import pytest
from IPython.core.interactiveshell import InteractiveShell

import workbench as wb
from tests.support.random_networks import acquaint
from workbench.display import install_display
from workbench.evaluation.cost_table import CostTable
from workbench.figures import _notebook_display
from workbench.network.architectures import shortcut_network

ROOT = Path(__file__).parents[2]
FIGURE = "application/vnd.plotly.v1+json"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A notebook's shell in which the workbench has just been imported."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setattr(pio.renderers, "default", "plotly_mimetype")  # what plotly finds in a notebook
    shell = InteractiveShell.instance()
    shell.display_formatter.active_types = list(shell.display_formatter.format_types)
    install_display((wb.Network, wb.Rollout, wb.Recordings, wb.Dataset, wb.Model))
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def recordings() -> wb.Recordings:
    counts = np.random.default_rng(0).integers(0, 2, (12, 6, 2, 8, 8))
    return wb.Recordings.from_ticks(counts, labels=[0, 1, 2] * 2, ticks_per_frame=3)


def models() -> dict[str, wb.Model]:
    ann = acquaint(wb.Model(shortcut_network((2, 8, 8), 3), seed=0), recordings())
    return {"ANN": ann, "SNN": wb.convert(ann, recordings(), percentile=99.9)}


def costs() -> pd.DataFrame:
    return wb.compare(models(), recordings())


def values() -> dict[str, tuple[Any, str]]:
    """Every value that shows itself, with words from the title of its figure."""
    network, some = shortcut_network((2, 8, 8), 3), recordings()
    ann, snn = models().values()
    return {
        "network": (network, "5 nodes, 5 edges: first response of class in frame 2"),
        "rollout": (wb.Rollout(network, 4), "Streaming rollout: inference factor 1"),
        "recordings": (some, "6 recordings of 3 classes"),
        "dataset": (wb.Dataset("few", some[:4], some[4:], "by hand"), "4 train + 2 test"),
        "ann": (ann, f"ANN: 5 nodes, 5 edges, {sum(p.numel() for p in ann.parameters()):,} parameters"),
        "snn": (
            snn,
            f"SNN, 3 ticks per frame, ConversionOptions(percentile=99.9): 5 nodes, 5 edges, "
            f"{sum(p.numel() for p in snn.parameters()):,}",
        ),
    }


@pytest.mark.parametrize("name", values())
def test_a_value_shows_its_figure_beside_its_text(name: str, shell: InteractiveShell) -> None:
    value, words = values()[name]
    shown, _ = shell.display_formatter.format(value)
    assert shown["text/plain"] == repr(value)
    assert words in shown[FIGURE]["layout"]["meta"]["title"]
    assert words.split(":")[0] in shown[FIGURE]["layout"]["title"]["text"].replace("<br>", " ")
    assert shown[FIGURE]["data"]


def test_an_snn_tells_its_delays_in_ticks(shell: InteractiveShell) -> None:
    shown, _ = shell.display_formatter.format(models()["SNN"])
    (edges,) = (trace for trace in shown[FIGURE]["data"] if trace["name"] == "edges")
    assert list(edges["text"]) == ["3"] * 5
    assert "delay 3 ticks" in edges["hovertext"][0]


def test_a_comparison_shows_a_row_per_model(shell: InteractiveShell) -> None:
    table = CostTable(costs())
    shown, _ = shell.display_formatter.format(table)
    assert shown["text/plain"] == repr(table)
    wide = rows(shown["text/html"])
    assert [row[0] for row in wide[1:] if row[0] in ("ANN", "SNN")] == ["ANN", "SNN"]
    last = table.groupby("model", sort=False).tail(1).set_index("model")
    for row in wide:
        if row[0] in last.index:
            assert row[1] == "silent"
            assert row[4] == f"{100 * last.loc[row[0], 'accuracy']:.1f} %"
    assert f"{len(table)} rows" in shown["text/html"]
    assert "figures.accuracy(costs)" in shown["text/html"]


def rows(page: str) -> list[list[str]]:
    """The cells of every row of the tables of a page."""

    class Reader(HTMLParser):
        found: list[list[str]]
        inside = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "tr":
                self.found.append([])
            self.inside = tag in ("td", "th")
            if self.inside:
                self.found[-1].append("")

        def handle_endtag(self, tag: str) -> None:
            self.inside = False

        def handle_data(self, data: str) -> None:
            if self.inside:
                self.found[-1][-1] += data

    reader = Reader()
    reader.found = []
    reader.feed(page)
    return reader.found


@pytest.mark.parametrize("case", ["other", "fewer columns", "no rows"])
def test_other_tables_stay_as_pandas_shows_them(case: str, shell: InteractiveShell) -> None:
    table = {
        "other": pd.DataFrame({"model": ["ANN"], "accuracy": [0.5]}),
        "fewer columns": costs().drop(columns="energy_nj"),
        "no rows": costs().iloc[:0],
    }[case]
    shown, _ = shell.display_formatter.format(table)
    assert shown["text/plain"] == repr(table)
    assert shown["text/html"] == table._repr_html_()


def test_values_without_a_figure_stay_as_they_are(shell: InteractiveShell) -> None:
    edge = wb.Edge("a", "b", wb.Dense(2))
    assert shell.display_formatter.format(edge)[0] == {"text/plain": repr(edge)}
    with pytest.raises(TypeError, match="Edge has no picture"):
        _notebook_display.draw_value(edge)


def test_what_cannot_be_drawn_says_why_and_keeps_its_text(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(value: object) -> None:
        raise ValueError("no room for that")

    monkeypatch.setattr(_notebook_display, "draw_value", fail)
    network = shortcut_network((2, 8, 8), 3)
    shown, _ = shell.display_formatter.format(network)
    assert shown == {"text/plain": f"{network!r}\n(no picture: no room for that)"}


def test_showing_changes_nothing(shell: InteractiveShell) -> None:
    table = costs()
    before = table.copy()
    shell.display_formatter.format(table)
    pd.testing.assert_frame_equal(table, before)
    assert table.attrs == before.attrs


def test_large_rollouts_show_their_tableau_and_others_their_arrows(shell: InteractiveShell) -> None:
    network = wb.Network({"n0": (1,)}, [wb.Edge(f"n{i}", f"n{i + 1}", wb.Dense(1)) for i in range(199)])
    for frames, begin in ((3, "Streaming rollout"), (200, "Tableau of the streaming rollout")):
        shown, _ = shell.display_formatter.format(wb.Rollout(network, frames))
        assert shown[FIGURE]["layout"]["meta"]["title"].startswith(begin)
    assert shell.display_formatter.format(network)[0][FIGURE]["data"]


def test_an_snn_says_why_its_options_were_chosen_and_an_ann_does_not():
    ann = acquaint(wb.Model(shortcut_network((2, 8, 8), 3), seed=0), recordings())
    chosen, named = wb.convert(ann, recordings()), wb.convert(ann, recordings(), percentile=99.0)
    subtitle = _notebook_display.draw_value(chosen).layout.meta["subtitle"]
    assert subtitle.endswith(f"Chosen as {chosen.conversion_options.reason}.")
    assert "synaptic operations a recording" in subtitle
    for model in (ann, named):
        assert "Chosen" not in _notebook_display.draw_value(model).layout.meta["subtitle"]
