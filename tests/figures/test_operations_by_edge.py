"""Operations by edge: the bars are what was counted, the words say which edge and which delays."""

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.support import tiny
from workbench import figures
from workbench.figures._style import amount

RECORDINGS = tiny.recordings()
MODELS = {"ANN": tiny.ann(), "SNN": tiny.snn(), "fast SNN": wb.convert(tiny.ann(), RECORDINGS, delays="tick")}
COLUMNS = {"synaptic operations": "synaptic_operations", "effective MACs": "effective_macs", "dense MACs": "dense_macs"}


@pytest.mark.parametrize("frame", [2, 4, 5])
@pytest.mark.parametrize("name", MODELS)
def test_the_bars_are_what_was_counted(name: str, frame: int) -> None:
    counts = wb.operations(MODELS[name], RECORDINGS)
    rows = counts[counts["frame"] == frame].set_index("edge")
    step = frame * MODELS[name].ticks_per_frame - 1
    figure = figures.operations_by_edge(counts, step)
    drawn = {trace.name: trace for trace in figure.data}
    assert set(drawn) == {words for words, column in COLUMNS.items() if (rows[column] > 0).any()}
    for words, trace in drawn.items():
        assert trace.y.tolist() == ["v1 → hand", "v0 → v1", "eye → v0"]
        np.testing.assert_allclose(trace.x[::-1], rows[COLUMNS[words]], rtol=1e-6)
    total = rows["synaptic_operations"] + rows["dense_macs"]
    assert figure.layout.meta["title"].startswith("eye → v0 takes most: ") == (total.idxmax() == 0)
    when = f"frame {frame - 1}" + ("" if name == "ANN" else f", tick {step}")
    assert figure.layout.xaxis.title.text == f"operations per recording up to {when}"
    wrong = (rows["delay_mismatch"] != 0).sum()
    assert ("Every delay is that of the training" in figure.layout.meta["subtitle"]) == (wrong == 0)
    assert wrong == (3 if name == "fast SNN" else 0)
    assert len({trace.marker.pattern.shape for trace in figure.data}) == len(figure.data), "not by colour alone"


def test_the_last_step_is_meant_unless_said() -> None:
    counts = wb.operations(tiny.snn(), RECORDINGS)
    assert figures.operations_by_edge(counts) == figures.operations_by_edge(counts, 19)


def test_hovering_says_what_memory_it_takes() -> None:
    counts = wb.operations(tiny.snn(), RECORDINGS)
    bars, last = figures.operations_by_edge(counts).data[0], counts[counts["step"] == 19]
    assert bars.hovertemplate.count("accesses of memory") == 1
    columns = bars.hovertemplate.split("<br>")
    for words, column in (("accesses of memory", "memory_accesses"), ("bytes of delay buffer", "delay_buffer_bytes")):
        place = next(int(text.split("[")[1].split("]")[0]) for text in columns if words in text)
        assert bars.customdata[::-1, place].tolist() == last[column].tolist()
    assert "memory" not in figures.operations_by_edge(counts.drop(columns="memory_accesses")).data[0].hovertemplate


def test_parallel_edges_are_told_apart() -> None:
    edges = [wb.Edge("eye", "hand", wb.Dense(3), delay=d) for d in (1, 2)]
    counts = wb.operations(wb.Model(wb.Network({"eye": (2, 3, 3)}, edges)).eval(), RECORDINGS)
    names = figures.operations_by_edge(counts).data[0].y.tolist()
    assert names == ["eye → hand, delay 2", "eye → hand, delay 1"]


def test_of_many_edges_those_with_most_operations_are_drawn() -> None:
    edges = [wb.Edge("eye", f"v{i}", wb.Dense(1 + i)) for i in range(60)]
    edges += [wb.Edge(f"v{i}", "hand", wb.Dense(3)) for i in range(60)]
    counts = wb.operations(wb.Model(wb.Network({"eye": (2, 3, 3)}, edges)).eval(), RECORDINGS)
    figure = figures.operations_by_edge(counts)
    last = counts[counts["step"] == 4]
    largest = last.nlargest(30, "dense_macs")
    assert set(figure.data[0].y) == {f"{row.source} → {row.target}" for row in largest.itertuples()}
    assert "Of 120 edges the 30 with most are shown." in figure.layout.meta["subtitle"]
    whole = float(last["dense_macs"].sum())
    assert f"of {amount(whole)} operations" in figure.layout.meta["title"]
    assert figure.layout.height < 2500


def test_nothing_and_what_is_no_number() -> None:
    counts = wb.operations(tiny.ann(), RECORDINGS)
    for nothing in (counts.iloc[:0], counts.assign(dense_macs=np.nan), counts.assign(step=np.inf)):
        assert figures.operations_by_edge(nothing).layout.annotations[0].text == "nothing has been counted yet"
    early = figures.operations_by_edge(counts, 0)
    assert early.layout.annotations[0].text == "nothing has arrived anywhere up to the<br>end of frame 0"
    broken = counts.assign(dense_macs=counts["dense_macs"].where(counts["edge"] != 0))
    assert figures.operations_by_edge(broken).data[0].y.tolist() == ["v1 → hand", "v0 → v1"]


def test_mistakes_are_refused_with_a_cure() -> None:
    counts = wb.operations(tiny.ann(), RECORDINGS)
    with pytest.raises(ValueError, match="step=5 is not in the table; it has 0 to 4"):
        figures.operations_by_edge(counts, 5)
    with pytest.raises(ValueError, match=r"lacks the column delay, delay_mismatch; .* that wb\.operations returns"):
        figures.operations_by_edge(counts.drop(columns=["delay", "delay_mismatch"]))
    with pytest.raises(ValueError, match=r"give the table that wb\.operations returns"):
        figures.operations_by_edge(pd.DataFrame())
