"""The engine's benchmark: who does not agree is found, who is missing is named, the page says what was measured."""

import importlib
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.engine import agreement, comparison, curves, loops, page, peers, pictures, starts, streams
from benchmarks.engine.contenders import BARE, COMPILED_LOOP, CONVOLUTIONS, LOOP, WORKBENCH, Contender, Missing
from benchmarks.engine.extents import QUICK, WHOLE
from benchmarks.engine.networks import (
    GRID,
    LAYERS,
    build_model,
    draw_network,
    draw_ticks,
    lag,
    measure_rates,
    weights_of,
)

STEPS, NARROW = 12, (4, 4, 4, 4)
SOME_CHOICES = pd.DataFrame(
    [("chain", "plain", 0.01, 1, 0.012, 4.0, 2.0, 2.1, 1.05), ("dense", "plain", 0.5, 4, 0.49, 1.0, 3.0, 1.4, 1.4)],
    columns=["network", "neuron", "activity", "batch", "fires", "dense", "events", "auto", "ratio"],
)
OWN = (CONVOLUTIONS, *WORKBENCH, LOOP)
ENGINES = [BARE, *(one.name for one in WORKBENCH)]


@pytest.fixture(scope="module")
def model():
    return build_model(draw_network(NARROW))


@pytest.fixture(scope="module")
def ticks(model):
    return draw_ticks(STEPS + lag(model), 2, seed=1)


@pytest.fixture
def no_peers(monkeypatch):
    """As if none was installed, whether one is or not."""
    import_module = importlib.import_module

    def refuse(name, *others):
        if name.split(".")[0] in peers.PACKAGES:
            raise ModuleNotFoundError(f"No module named {name.split('.')[0]!r}")
        return import_module(name, *others)

    monkeypatch.setattr(importlib, "import_module", refuse)


def spoilt(name, by):
    """A contender that answers what an engine does, spoilt."""
    return Contender(name, lambda model, ticks: lambda: by(WORKBENCH[1].prepare(model, ticks)()))


def one_wrong(drives):
    drives[-1, 0, 0] += 1 / GRID
    return drives


# networks


def test_weights_are_dyadic_and_layers_fire_as_asked(model):
    assert all(torch.equal(weight * GRID, (weight * GRID).round()) for weight in weights_of(model))
    rates = measure_rates(model, draw_ticks(60 + lag(model), 2, seed=1))
    assert list(rates) == list(LAYERS)
    assert all(0.03 < rate < 0.08 for rate in rates.values())


def test_more_edges_and_delays_are_as_asked():
    network = draw_network(more=curves.SKIPS, delay=3)
    assert len(network.edges) == 5 + len(curves.SKIPS)
    assert {edge.delay for edge in network.edges} == {3}
    assert network.output == "out"


# agreement


@torch.no_grad()
def test_those_who_need_no_peers_agree(model, ticks):
    answers = {one.name: one.prepare(model, ticks)() for one in OWN}
    words = agreement.judge(OWN, answers, model, ticks)
    assert words.pop(BARE) == "does not spike"
    assert set(words.values()) == {agreement.SAME}
    assert answers[LOOP.name].shape == (STEPS, 2, 10)
    assert answers[LOOP.name].unique().numel() > 10


@torch.no_grad()
def test_one_wrong_number_is_found(model, ticks):
    with pytest.raises(RuntimeError, match=r"the liar does not give the drives of the workbench: 0\.42% differ"):
        comparison.compare(model, ticks, 1, [*OWN, spoilt("the liar", one_wrong)])


@torch.no_grad()
def test_drives_of_other_ticks_are_found(model, ticks):
    with pytest.raises(RuntimeError, match=r"the lazy gives drives of shape \(11, 2, 10\), not \(12, 2, 10\)"):
        comparison.compare(model, ticks, 1, [*OWN, spoilt("the lazy", lambda drives: drives[1:])])


@torch.no_grad()
def test_another_model_is_held_to_the_workbench_with_its_reset_and_told_so(model, ticks):
    def answer(model, ticks):
        return lambda: agreement.expect(model, ticks, "zero")

    (words,) = agreement.judge(
        [Contender("other", answer, reset="zero")], {"other": answer(model, ticks)()}, model, ticks
    ).values()
    assert words.startswith("another model: ")
    assert words.endswith('% of the drives differ; bit for bit those of the workbench with `reset="zero"`')
    assert "0.0%" not in words.split(";")[0]
    with pytest.raises(RuntimeError, match="pretender does not give"):
        agreement.judge(
            [replace(LOOP, name="pretender", reset="zero")], {"pretender": LOOP.prepare(model, ticks)()}, model, ticks
        )


def test_curves_and_loops_stop_where_engines_disagree(model, ticks, monkeypatch):
    monkeypatch.setattr(curves, "RUNNERS", (*curves.RUNNERS, spoilt("the liar", one_wrong)))
    with pytest.raises(RuntimeError, match="the liar does not give"):
        curves.trace("ticks", "", [curves.Point(STEPS, model, ticks)], 1)
    monkeypatch.setattr(loops, "WORKBENCH", (spoilt("the blank", torch.zeros_like),))
    with pytest.raises(RuntimeError, match="the blank"):
        loops.measure_loops([1], 14, 1, NARROW)


# peers


@pytest.mark.usefixtures("no_peers")
def test_missing_peers_are_named_with_the_cure(model, ticks):
    contenders = [*OWN, *peers.PEERS]
    table = comparison.compare(model, ticks, 3, contenders)
    assert list(table.columns) == list(comparison.COLUMNS)
    assert list(table.index) == [one.name for one in contenders]
    for peer in peers.PEERS:
        words = table.loc[peer.name, "drives at the output"]
        assert words.startswith("missing: ")
        assert "is not installed here" in words
        assert "`make engine`" in words
        assert table.loc[peer.name, "ms"] == ""
    assert set(table["to fastest exact peer"]) == {""}
    assert table.loc[BARE, "to bare"] == "1.00"
    assert all(float(ms) > 0 for ms in table.loc[[one.name for one in OWN], "ms"])


@pytest.mark.usefixtures("no_peers")
def test_only_what_is_missing_is_called_so(model, ticks):
    with pytest.raises(Missing, match="norse is not installed here"):
        peers.load("norse.torch")
    with pytest.raises(ZeroDivisionError):
        comparison.prepare([Contender("broken", lambda model, ticks: 1 / 0)], model, ticks)


@torch.no_grad()
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_layers_of_peers_are_those_of_the_model(model, ticks, layout):
    x = ticks[0]
    for layer, edge, weight in zip(peers.layers_of(model, layout), model.network.edges, weights_of(model), strict=True):
        assert not layer.weight.requires_grad
        expected = edge.operation(x, [weight])
        x = layer(x if x.ndim == 4 and edge.target != "out" else x.flatten(1))
        assert torch.allclose(x, expected, atol=1e-5)


def test_without_a_compiler_the_cure_is_told(model, ticks, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(Missing, match=r"torch\.compile finds no no-such-compiler; install it"):
        COMPILED_LOOP.prepare(model, ticks)


# curves


@torch.no_grad()
def test_a_curve_has_a_row_per_point_and_a_column_per_engine(model):
    points = [curves.Point(n, model, draw_ticks(n + lag(model), 1)) for n in (3, 6)]
    curve = curves.trace("ticks", "batch 1", points, 3)
    assert list(curve.table.columns) == ENGINES
    assert list(curve.table.index) == [3, 6]
    assert (curve.table > 0).all(axis=None)
    shown = curves.compare_to_bare(curve.table)
    assert shown.loc[3, BARE].endswith(" (1.00)")


def some_table(index, dense, events):
    rising = np.array(index) + 1.0
    values = {BARE: rising, "workbench, auto": 2 * rising, curves.DENSE: dense, curves.EVENTS: events}
    return pd.DataFrame(values, index=index, dtype=float)


def test_lines_are_fitted_to_what_they_are():
    x = np.array([10, 20, 40])
    fitted = curves.fit_lines(some_table(x, dense=3.0 * x + 2, events=[1, 9, 2])).loc[[curves.DENSE, curves.EVENTS]]
    assert fitted.loc[curves.DENSE].tolist() == pytest.approx([3, 2, 1])
    assert fitted.loc[curves.EVENTS, "R^2"] < 0.5


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([1, 4, 4], "below 1.0% activity: that is the break-even"),
        ([1, 1, 1], "at every activity measured, up to 40%"),
        ([3, 3, 3], "no less time than densely at any activity measured, from 0.1% on"),
        ([3, 1, 1], "change places"),
    ],
)
def test_the_break_even_is_told(events, words):
    table = some_table([0.001, 0.1, 0.4], dense=[2, 2, 2], events=events)
    assert words in curves.tell_break_even(table)


def test_ticks_at_even_activities_break_even_in_the_middle():
    table = some_table([0.001, 0.1], dense=[2, 2], events=[1, 4])
    assert curves.find_break_even(table) == pytest.approx(0.01)


# starts, streams and loops


def test_runs_are_timed_in_a_process_of_its_own():
    first, second = starts.run_python(starts.FIRST_RUN.format(engine="dense")).split()
    assert float(first) > float(second) > 0
    code = "import os; print(os.environ['NUMBA_CACHE_DIR'])"
    assert starts.run_python(code, NUMBA_CACHE_DIR="elsewhere") == "elsewhere\n"
    with pytest.raises(subprocess.CalledProcessError):
        starts.run_python("1 / 0")


@torch.no_grad()
def test_streams_are_timed_and_hold_little(model):
    latency = streams.measure_latency(model, 20, 0.05)
    assert list(latency.index) == ["auto", "dense", "events"]
    assert list(latency.columns) == ["median (ms)", "99th percentile (ms)"]
    held, seconds = streams.hold_stream("auto", (1000, 2000))
    assert list(held) == [1000, 2000]
    assert min(held.values()) > 1e6
    assert seconds > 0


def test_loops_have_a_row_per_batch_and_engine():
    table = loops.measure_loops([1], 14, 1, NARROW)
    assert list(table.columns) == ["", "with loops (ms)", "without (ms)", "loops' convolutions (ms)", "ratio"]
    assert list(table[""]) == [one.name for one in WORKBENCH]
    assert (table["ratio"] > 0).all()


# the page


@pytest.fixture
def measured():
    def curve(axis):
        index = [0.01, 0.1] if axis == "activity" else [10, 20, 40]
        return curves.Curve(
            axis, "batch 4", some_table(index, dense=3.0 * np.array(index), events=100.0 * np.array(index) ** 2)
        )

    table = pd.DataFrame(
        [("bare convolutions", "1.0", "1.00", "", "does not spike")], columns=["contender", *comparison.COLUMNS]
    ).set_index("contender")
    plain = pd.DataFrame({"s": [1.5]}, index=pd.Index(["dense"], name="engine"))
    return page.Measured(
        machine="a machine",
        versions="sinabs 0.0",
        lag=5,
        comparisons=(page.Comparison(16, dict.fromkeys(LAYERS, 0.05), table),),
        curves=tuple(curve(axis) for axis in pictures.TITLES),
        imports=plain,
        first_runs=plain,
        latency=plain,
        memory=plain,
        loops=plain,
        choices=SOME_CHOICES,
        verbs=plain,
        jobs=plain,
        gpu="No GPU was at hand",
    )


def test_the_page_tells_what_was_measured(measured):
    shown = [*pictures.TITLES, pictures.CHOICES]
    text = page.render(measured, WHOLE, {name: f"picture of {name}" for name in shown})
    assert "Measured on a machine." in text
    assert "### Batch 16, 5% activity" in text
    assert "| bare convolutions | 1.0 | 1.00 |  | does not spike |" in text
    assert "| workbench, dense | 3.0 | " in text  # ms per tick
    assert "1.00000 |" in text  # R^2 of the line
    assert "that is the break-even" in text
    assert "| activity | bare convolutions |" in text
    assert "| 10.0% | " in text
    assert all(f"picture of {name}" in text for name in shown)
    assert "At 1 of 2 points (50.0%) `auto` took at most 1.1 times" in text
    assert "No GPU was at hand" in text
    assert "{" not in text


def test_a_page_without_a_browser_says_so(measured, tmp_path, monkeypatch):
    def save(figure, path):
        raise RuntimeError("needs Chromium")

    monkeypatch.setattr(page.figures, "save", save)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "engine-ticks.png").write_bytes(b"old")
    page.write(measured, QUICK, tmp_path / "engine.md")
    assert "No picture in this run: needs Chromium." in (tmp_path / "engine.md").read_text(encoding="utf-8")
    assert list((tmp_path / "images").iterdir()) == []


def test_a_page_with_one_shows_every_curve(measured, tmp_path, monkeypatch):
    monkeypatch.setattr(page.figures, "save", lambda figure, path: path.write_bytes(b"new"))
    page.write(measured, QUICK, tmp_path / "engine.md")
    text = (tmp_path / "engine.md").read_text(encoding="utf-8")
    for axis in (*pictures.TITLES, pictures.CHOICES):
        assert f"](images/engine-{axis}.png)" in text
        assert (tmp_path / "images" / f"engine-{axis}.png").read_bytes() == b"new"


def test_figures_draw_every_engine(measured):
    for curve in measured.curves:
        figure = pictures.draw(curve)
        assert [trace.name for trace in figure.data] == ENGINES
        assert figure.layout.meta["alt"]
    choices = pictures.draw_choices(measured.choices)
    assert [trace.y[0] for trace in choices.data] == list(SOME_CHOICES["ratio"])
    assert choices.layout.meta["alt"]
