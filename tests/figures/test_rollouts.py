"""The picture of a rollout says what the rollout says; figures are read by their data."""

import random

import numpy as np
import plotly.graph_objects as go
import pytest

import workbench as wb
from workbench import figures
from workbench.analysis import find_kind
from workbench.figures._layout.arrows import path


def random_network(seed: int) -> wb.Network:
    """A graph of 3 to 7 nodes with skips, loops, delays 0 to 3 and everything reachable."""
    chance = random.Random(seed)
    nodes = [f"n{i}" for i in range(chance.randint(3, 7))]
    ends = [(nodes[chance.randrange(i)], nodes[i], chance.randint(0, 2)) for i in range(1, len(nodes))]
    for _ in range(len(nodes)):
        source, target = chance.choice(nodes), chance.choice(nodes[1:])
        forward = nodes.index(source) < nodes.index(target)
        ends.append((source, target, chance.randint(0 if forward else 1, 3)))
    return wb.Network({"n0": (2,)}, [wb.Edge(a, b, wb.Dense(2), delay=d) for a, b, d in dict.fromkeys(ends)])


def drawn(trace: go.Scatter, rollout: wb.Rollout) -> list[tuple[tuple[str, int], tuple[str, int]]]:
    """Ends of every arrow of a trace, as places."""
    gaps = np.flatnonzero(np.isnan(trace.x))
    starts = np.concatenate([[0], gaps[:-1] + 1]) if len(gaps) else []

    def place(i: int) -> tuple[str, int]:
        return (rollout.network.nodes[round(float(trace.y[i]))], round(float(trace.x[i])))

    return [(place(start), place(gap - 1)) for start, gap in zip(starts, gaps, strict=True)]


def marks(rollout: wb.Rollout, trace: go.Scatter, symbol: str) -> set[tuple[str, int]]:
    return {place for place, drawn in zip(rollout.places, trace.marker.symbol, strict=True) if drawn == symbol}


@pytest.mark.parametrize("seed", range(12))
def test_every_read_is_an_arrow_and_every_place_a_mark(seed: int) -> None:
    rollout = wb.Rollout(random_network(seed), frames=5)
    reads, past, future, nodes = figures.rollout(rollout).data
    assert drawn(reads, rollout) == list(rollout.reads)
    assert len(past.x) == len(future.x) == 0
    assert list(zip(nodes.y, nodes.x, strict=True)) == [
        (rollout.network.nodes.index(node), frame) for node, frame in rollout.places
    ]
    assert nodes.text == tuple(str(t) for row in rollout.tableau for t in row)


@pytest.mark.parametrize("seed", range(12))
def test_the_lit_places_are_the_past_and_the_future(seed: int) -> None:
    rollout = wb.Rollout(random_network(seed), frames=5)
    place = rollout.places[len(rollout.places) // 2 + seed % 3]
    reads, past, future, nodes = figures.rollout(rollout, place).data
    behind, ahead = rollout.past(*place), rollout.future(*place)
    assert marks(rollout, nodes, "square") == behind
    assert marks(rollout, nodes, "diamond") == ahead
    assert sorted(drawn(past, rollout)) == sorted(r for r in rollout.reads if r[1] in behind | {place})
    assert sorted(drawn(future, rollout)) == sorted(r for r in rollout.reads if r[0] in ahead | {place})
    assert len(drawn(reads, rollout)) + len(drawn(past, rollout)) + len(drawn(future, rollout)) == len(rollout.reads)


@pytest.mark.parametrize("seed", range(6))
def test_silent_places_are_hollow(seed: int) -> None:
    rollout = wb.Rollout(random_network(seed), frames=5)
    nodes = figures.rollout(rollout).data[-1]
    for (node, frame), fill in zip(rollout.places, nodes.marker.color, strict=True):
        assert (fill == "#ffffff") == (frame < rollout.first_response[node])


def test_no_arrow_passes_through_the_middle_of_another_place() -> None:
    for frames in range(4):
        for rows in range(-4, 5):
            if (frames, rows) == (0, 0):
                continue
            x, y = path((0, 0), (frames, rows))
            fine = np.linspace(0, len(x) - 1, 400)
            xs, ys = np.interp(fine, range(len(x)), x), np.interp(fine, range(len(y)), y)
            others = [(i, j) for i in range(frames + 1) for j in range(-4, 5) if (i, j) not in ((0, 0), (frames, rows))]
            nearest = min(np.hypot(xs - i, ys - j).min() for i, j in others)
            assert nearest > 0.15, (frames, rows)


def test_rollouts_stand_side_by_side_on_one_node_axis() -> None:
    network = random_network(3)
    streaming, sequential = network.streaming(), network.sequential()
    figure = figures.rollouts(wb.Rollout(streaming, 4), wb.Rollout(sequential, 6))
    assert [trace.name for trace in figure.data] == ["reads", "past", "future", "nodes"] * 2
    assert figure.layout.yaxis2.matches == "y"
    left, right = (note.text for note in figure.layout.annotations)
    assert left.startswith("<b>streaming</b><br>inference factor 1<br>")
    factor = wb.Rollout(sequential, 6).inference_factor
    assert right.startswith(f"<b>sequential</b><br>inference factor {factor}<br>")


def test_the_kind_is_deduced_and_names_win() -> None:
    network = wb.Network({"a": (1,)}, [wb.Edge("a", "b", wb.Dense(1)), wb.Edge("b", "c", wb.Dense(1), delay=0)])
    assert [find_kind(wb.Rollout(n, 2)) for n in (network.streaming(), network.sequential(), network)] == [
        "streaming", "sequential", "hybrid",
    ]  # fmt: skip
    figure = figures.rollouts(wb.Rollout(network, 2), wb.Rollout(network, 3), names=["short", "long"])
    assert figure.layout.annotations[0].text.startswith("<b>short</b>")


@pytest.mark.parametrize("nodes", [2, 200])
def test_it_works_for_one_frame_and_for_many_nodes(nodes: int) -> None:
    edges = [wb.Edge(f"n{i}", f"n{i + 1}", wb.Dense(1)) for i in range(nodes - 1)]
    rollout = wb.Rollout(wb.Network({"n0": (1,)}, edges), frames=1 if nodes == 2 else 12)
    figure = figures.rollout(rollout)
    assert len(figure.data[-1].x) == len(rollout.places)
    assert figure.layout.height <= 1300
    assert str(nodes) in figure.layout.meta["alt"]


def test_mistakes_are_refused_with_a_cure() -> None:
    rollout = wb.Rollout(random_network(0), 3)
    with pytest.raises(ValueError, match="give at least one Rollout"):
        figures.rollouts()
    with pytest.raises(ValueError, match="1 names for 2 rollouts"):
        figures.rollouts(rollout, rollout, names=["a"])
    with pytest.raises(ValueError, match="not in the window of frames 0 to 2"):
        figures.rollout(rollout, ("n0", 3))


def test_the_same_call_gives_the_same_figure() -> None:
    rollout = wb.Rollout(random_network(5), 4)
    assert figures.rollout(rollout, ("n1", 2)).to_json() == figures.rollout(rollout, ("n1", 2)).to_json()
