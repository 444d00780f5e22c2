"""Files of format 1, as the workbench wrote them before formats had numbers, and what those that are kept hold.

`tests/exchange/files` holds files that the code of then has written, of what this module makes.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

import workbench as wb

KEPT = Path(__file__).parents[1] / "exchange" / "files"


def write_format_1(path: Path, tensors: dict[str, torch.Tensor], description: dict[str, Any]) -> None:
    """Write a file as the workbench did then."""
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, path, metadata={"workbench": json.dumps(description)})


def network() -> wb.Network:
    """A small one with a loop, a chain, and edges that carry gains."""
    return wb.Network(
        {"eye": (2, 3, 3)},
        [
            wb.Edge("eye", "v1", wb.Conv(2, kernel=3)),
            wb.Edge("v1", "v2", wb.Identity(), 2),
            wb.Edge("eye", "v2", wb.Chain(wb.Pool(1), wb.Conv(2, kernel=3))),
            wb.Edge("v2", "v2", wb.Identity()),
            wb.Edge("v2", "hand", wb.Dense(3)),
        ],
    )


def recordings() -> wb.Recordings:
    """Recordings without chance."""
    counts = (np.arange(12 * 6 * 18).reshape(12, 6, 2, 3, 3) * 7 // 5) % 3
    return wb.Recordings.from_ticks(counts, [0, 1, 2] * 2, ("left", "right", "up"), ticks_per_frame=3)


def fill(model: wb.Model) -> wb.Model:
    """The same model with numbers without chance."""
    with torch.no_grad():
        for parameter in model.parameters():
            count = parameter.numel()
            parameter.copy_(((torch.arange(count) * 3 % 7 - 2) / 8).view(parameter.shape))
    return model


def ann(norm: str | None = "batch") -> wb.Model:
    """The ANN of ann_format_1.safetensors."""
    model = wb.Model(network(), norm=norm, neurons={"v2": wb.QuantisedReLU(4)}, input_factor=0.5)
    for position in ("1", "3"):
        model.gains[position] = torch.nn.Parameter(torch.full((2, 1, 1), 0.25))
    filled = fill(model).eval()
    for position in ("1", "3"):
        filled.gains[position].data.fill_(0.25)
    return filled


def snn() -> wb.Model:
    """The SNN of snn_format_1.safetensors."""
    model = fill(wb.Model(network(), norm=None)).eval()
    for position in ("1", "3"):
        model.gains[position] = torch.nn.Parameter(torch.full((2, 1, 1), 0.25))
    return wb.convert(model, recordings(), percentile=99, progress=False)


def untrained() -> wb.Model:
    """The model whose training stands in checkpoint_format_1.safetensors after the first of two epochs."""
    edges = [wb.Edge("eye", "v1", wb.Dense(3)), wb.Edge("v1", "hand", wb.Dense(3))]
    return fill(wb.Model(wb.Network({"eye": (2, 3, 3)}, edges), norm="batch"))


OPTIONS: dict[str, Any] = {"epochs": 2, "batch": 3, "progress": False}
"""How it is trained."""
