"""The picture of a tableau is the tableau."""

import numpy as np
import pytest

import workbench as wb
from tests.support.random_networks import random_network
from workbench import figures


@pytest.mark.parametrize("seed", range(40))
def test_every_cell_is_told_and_silence_is_marked(seed: int) -> None:
    rollout = wb.Rollout(random_network(seed), frames=6)
    cells, silent, numbers = figures.tableau(rollout).data
    expected = np.array(rollout.tableau).T
    assert np.array(numbers.text, dtype=int).reshape(expected.shape).tolist() == expected.tolist()
    marked = set(zip(silent.y.tolist(), silent.x.tolist(), strict=True))
    for row, node in enumerate(rollout.network.nodes):
        for frame in range(6):
            quiet = frame < rollout.first_response[node]
            assert ((row, frame) in marked) == quiet == bool(np.isnan(cells.z[row, frame]))
            assert quiet or cells.z[row, frame] == expected[row, frame]
            assert f"T = {expected[row, frame]}" in cells.hovertext[row][frame]


def test_the_inference_factor_is_the_title() -> None:
    network = random_network(4)
    for each in (network.streaming(), network.sequential()):
        rollout = wb.Rollout(each, 4)
        assert figures.tableau(rollout).layout.meta["title"].endswith(f"inference factor {rollout.inference_factor}")


def test_large_tableaus_show_no_numbers_and_fewer_names() -> None:
    edges = [wb.Edge(f"n{i}", f"n{i + 1}", wb.Dense(1)) for i in range(199)]
    figure = figures.tableau(wb.Rollout(wb.Network({"n0": (1,)}, edges), frames=60))
    assert [trace.name for trace in figure.data] == ["T", "silent"]
    assert len(figure.layout.yaxis.ticktext) <= 60
    assert figure.layout.height <= 1100
