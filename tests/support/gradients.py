"""Gradients of models and chains, to hold against each other."""

from itertools import pairwise
from types import SimpleNamespace

import torch

import workbench as wb


def backwards(network: wb.Network) -> SimpleNamespace:
    """The same delays along reversed edges, from the output."""
    edges = [SimpleNamespace(source=e.target, target=e.source, delay=e.delay) for e in network.edges]
    return SimpleNamespace(nodes=network.nodes, inputs=["out"], edges=edges)


SEEDS = range(80)


STEPS = 11


def gradients(model: wb.Model, drive: torch.Tensor) -> list[torch.Tensor]:
    """Those of a loss in which every answer counts in its own way."""
    parts = torch.linspace(0.5, 2, drive.numel(), dtype=drive.dtype).view_as(drive)
    found = torch.autograd.grad((parts * drive).square().sum(), list(model.parameters()), allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, model.parameters(), strict=True)]


def learn(model: wb.Model, frames: torch.Tensor, **options: object) -> list[torch.Tensor]:
    """The output's drive and the gradients of all parameters."""
    drive = model.run(frames, record=[model.network.output], **options)[model.network.output]
    return [drive, *gradients(model, drive)] if drive.requires_grad else [drive]


def some_chain(norm: str | None) -> wb.Model:
    nodes = ["in", "a", "b", "c"]
    edges = [wb.Edge(*ends, wb.Conv(4, 3)) for ends in pairwise(nodes)]
    network = wb.Network({"in": (2, 8, 8)}, [*edges, wb.Edge("c", "out", wb.Dense(3))])
    return wb.Model(network, norm=norm).train()
