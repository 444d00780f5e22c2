"""Networks that stand in files and in modules of torch, drawn as they stand."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import nir
import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from torch import nn

import workbench as wb
from tests.support import tiny
from tests.support.random_graphs import random_graph
from tests.support.random_modules import random_module
from tests.support.random_networks import random_network
from tests.support.torch_modules import MaxLeNet
from workbench import figures

ROOT = Path(__file__).parents[2]


def drawn(figure: go.Figure) -> tuple[object, ...]:
    """All that a figure shows, but for what its subtitle says of where it was read."""
    return (
        [trace.to_json() for trace in figure.data],
        figure.layout.meta["title"],
        figure.layout.xaxis.range,
        figure.layout.yaxis.range,
    )


def subtitle(figure: go.Figure) -> str:
    return figure.layout.meta["subtitle"]


@pytest.mark.parametrize("seed", range(20))
def test_a_file_of_nir_is_drawn_as_the_model_that_it_came_from(seed: int, tmp_path: Path) -> None:
    network = random_network(seed, flat=seed % 3 == 1, signal=seed % 3 == 2, parallel=True)
    snn = wb.Model(network, norm=None, neuron=wb.IntegrateAndFire(), ticks_per_frame=1 + seed % 4)
    graph = wb.to_nir(snn, tmp_path / "snn.nir")
    expected = figures.network(snn.network, ticks_per_frame=snn.ticks_per_frame)
    for source in (tmp_path / "snn.nir", str(tmp_path / "snn.nir")):
        figure = figures.network(source)
        assert drawn(figure) == drawn(expected)
        assert subtitle(figure) == f"{subtitle(expected)} Read from the file snn.nir."
        assert figure.layout.meta["alt"].endswith("on a node. Read from the file snn.nir.")
    figure = figures.network(graph)
    assert drawn(figure) == drawn(expected)
    assert subtitle(figure).endswith("Read from a graph of NIR.")


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("seed", range(10))
def test_a_graph_of_another_tool_is_drawn_as_it_is_read(seed: int, recurrent: bool) -> None:
    graph = random_graph(seed, 1.0, recurrent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of biases that begin later, which the figure says
        network = wb.from_nir(graph).network
    assert drawn(figures.network(graph)) == drawn(figures.network(network))


def test_ticks_of_a_frame_are_those_of_the_file_unless_they_are_named(tmp_path: Path) -> None:
    snn = tiny.snn()
    wb.to_nir(snn, tmp_path / "snn.nir")
    ticks = snn.network.first_response[snn.network.output]
    assert snn.ticks_per_frame > 1
    told = f"in frame {ticks // snn.ticks_per_frame}, tick {ticks}"
    assert figures.network(tmp_path / "snn.nir").layout.meta["title"].endswith(told)
    assert figures.network(tmp_path / "snn.nir", ticks_per_frame=1).layout.meta["title"].endswith(f"in frame {ticks}")


@pytest.mark.parametrize("model", [tiny.ann(), tiny.snn()], ids=["ANN", "SNN"])
def test_a_file_of_a_model_is_drawn_as_its_network(model: wb.Model, tmp_path: Path) -> None:
    wb.save_model(model, tmp_path / "model.safetensors")
    figure = figures.network(tmp_path / "model.safetensors")
    assert drawn(figure) == drawn(figures.network(model.network, ticks_per_frame=model.ticks_per_frame))
    assert subtitle(figure).endswith("Read from the file model.safetensors.")


@pytest.mark.parametrize("seed", range(10))
def test_a_module_is_drawn_as_the_network_that_is_imported(seed: int) -> None:
    module, example = random_module(seed)
    figure = figures.network(module, example=example)
    assert drawn(figure) == drawn(figures.network(wb.from_torch(module, example).network))
    assert subtitle(figure).endswith(f" Read from the module {type(module).__name__}.")


def test_max_pools_are_drawn_and_said_to_be_average_pools() -> None:
    example = torch.rand(2, 1, 28, 28)
    figure = figures.network(MaxLeNet(), example=example)
    assert subtitle(figure).endswith(
        "Read from the module MaxLeNet. 2 max pools replaced by average pools (max_pool2d, max_pool2d_1)."
    )
    with pytest.raises(ValueError, match="max pool"):
        wb.from_torch(MaxLeNet(), example)


def test_what_reading_warns_of_is_in_the_subtitle() -> None:
    ones = np.ones(3, dtype=np.float32)
    nodes = {
        "eye": nir.Input(np.array([3])),
        "wait": nir.Delay(2 * ones),
        "map": nir.Affine(np.eye(3, dtype=np.float32), ones),
        "v1": nir.IF(ones, ones, 0 * ones),
        "hand": nir.Output(np.array([3])),
    }
    figure = figures.network(nir.NIRGraph(nodes, [*zip(nodes, list(nodes)[1:], strict=False)], type_check=False))
    assert subtitle(figure).endswith(
        "Read from a graph of NIR. Biases begin with the first response here, and with tick 0 in the file: 'v1' with "
        "tick 2."
    )


def cuba_graph() -> nir.NIRGraph:
    ones = np.ones(2, dtype=np.float32)
    neuron = nir.CubaLIF(ones, ones, ones, 0 * ones, ones, 0 * ones)
    return nir.NIRGraph.from_list(nir.Input(np.array([2])), neuron, nir.Output(np.array([2])), type_check=False)


def write_rubbish(folder: Path) -> Path:
    (folder / "snn.nir").write_bytes(b"no graph at all")
    return folder / "snn.nir"


def write_damaged_model(folder: Path) -> Path:
    wb.save_model(tiny.ann(), folder / "ann.safetensors")
    whole = (folder / "ann.safetensors").read_bytes()
    (folder / "ann.safetensors").write_bytes(whole[: len(whole) // 2])
    return folder / "ann.safetensors"


REFUSED = {
    "a module without example": (
        lambda _: figures.network(nn.Linear(2, 2)),
        r"read with an example of what it takes; give example=torch\.zeros\(1, \*shape\) for Linear",
    ),
    "an example of nothing": (
        lambda _: figures.network(tiny.network(), example=torch.zeros(1, 2)),
        r"example= is what a torch\.nn\.Module takes; leave it out for anything else",
    ),
    "a module that is no network": (
        lambda _: figures.network(nn.Sequential(nn.Linear(2, 2), nn.GELU()), example=torch.zeros(1, 2)),
        r"Sequential holds 1 that a network cannot express \(path: operation: cure\):\n  1: ",
    ),
    "a model": (lambda _: figures.network(tiny.ann()), r"give its graph: figures\.network\(model\.network\)"),
    "a number": (lambda _: figures.network(3), r"figures\.network takes a wb\.Network, not an? int"),
    "neurons that are not ours": (
        lambda _: figures.network(cuba_graph()),
        r"this graph: node 'cubalif' \(CubaLIF\): .*; with some, draw wb\.from_nir\(path, \.\.\.\)\.network",
    ),
    "rubbish": (
        lambda folder: figures.network(write_rubbish(folder)),
        r"snn\.nir: no graph of NIR, which is an HDF5 file",
    ),
    "a damaged model": (
        lambda folder: figures.network(write_damaged_model(folder)),
        r"ann\.safetensors: .*damaged, or not a file of the workbench",
    ),
    "no ticks": (
        lambda folder: figures.network(write_rubbish(folder), ticks_per_frame=0),
        r"figures\.network: ticks_per_frame=0 must be a whole number of at least 1",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_network_is_refused_in_words(name: str, tmp_path: Path) -> None:
    act, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        act(tmp_path)


@pytest.mark.parametrize("name", ["snn.nir", "snn.safetensors"])
def test_a_file_that_is_not_there_is_said_to_be_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{name}: there is no such file"):
        figures.network(tmp_path / name)


def test_a_network_is_drawn_without_the_package_that_reads_graphs_of_others() -> None:
    code = (
        "import sys; from tests.support import tiny; from workbench import figures; figures.network(tiny.network());"
        "print('nir' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
