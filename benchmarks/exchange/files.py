"""The SNNs whose files are handed out: from one that NIR alone says everything of to a converted one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

import workbench as wb

SHAPE, TICKS, SEED = (2, 10, 10), 60, 4
FINE = 32  # weights are whole multiples of 1 / 32, so that sums are exact in every simulator


def list_files() -> Mapping[str, Callable[[], wb.Model]]:
    """How each SNN is called, and how it is made."""
    plain = {"start": 0.0, "floor": None, "reset": "zero"}
    return {
        "plain: reset to 0": lambda: _draw(**plain),
        "reset by subtraction": lambda: _draw(**plain | {"reset": "subtract"}),
        "several spikes a tick, floor at -1": lambda: _draw(start=0.0, floor=-1.0, reset="subtract", burst=100),
        "plain, with delays": lambda: _draw(delay=3, **plain),
        "plain, recurrent": lambda: _draw(loop=True, **plain),
        "leaky, reset to 0": lambda: _draw(leak=2, **plain),
        "biases, start at 1/2": lambda: _draw(bias=True, floor=None, start=0.5, reset="zero"),
    }


def draw_ticks(seed: int = SEED) -> Tensor:
    """Input (tick, 1, *shape) of 0 or 1 event per tick and pixel."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(TICKS, 1, *SHAPE, generator=generator) < 0.2).float()


def _draw(delay: int = 0, loop: bool = False, bias: bool = False, leak: int | None = None, **neuron: Any) -> wb.Model:
    edges = [
        wb.Edge("eye", "v1", wb.Conv(4, 3, stride=2), 0),
        wb.Edge("v1", "v2", wb.Conv(8, 3, stride=2), delay),
        wb.Edge("v2", "v3", wb.Dense(16), 0),
        wb.Edge("v3", "hand", wb.Dense(4), 0),
    ]
    edges += [wb.Edge("v3", "v3", wb.Dense(16), 2)] if loop else []
    kind = wb.IntegrateAndFire(**neuron) if leak is None else wb.LeakyIntegrateAndFire(leak=leak, **neuron)
    model = wb.Model(wb.Network({"eye": SHAPE}, edges, output="hand"), norm=None, neuron=kind, seed=SEED).eval()
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, values in model.state_dict().items():
            if name.startswith("weights"):
                values.add_(0.4 * values.std()).mul_(FINE).round_().div_(FINE)
            elif bias:
                values.copy_(torch.randint(0, 8, values.shape, generator=generator) / FINE)
    return model
