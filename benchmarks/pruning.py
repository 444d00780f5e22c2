"""Magnitude pruning, to be measured: the smallest weights of every edge are left out, and the others learn on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

import workbench as wb

EPOCHS, BATCH, LEARNING_RATE = 2, 32, 3e-4


def prune(ann: wb.Model, recordings: wb.Recordings, share: float, seed: int) -> wb.Model:
    """A copy of an ANN without this share of the weights of every edge, the smallest, trained for two more epochs.

    Source: Han et al. 2015, NeurIPS (magnitude pruning with fine-tuning).
    """
    sparse = ann.copy().train()
    weights = list(sparse.weights.parameters())
    kept = [w.detach().abs() > w.detach().abs().quantile(share) for w in weights]
    optimizer = torch.optim.AdamW(sparse.parameters(), lr=LEARNING_RATE, weight_decay=0.0)
    first, output = sparse.network.first_response[sparse.network.output], sparse.network.output
    labels, order = torch.tensor(recordings.labels), np.random.default_rng(seed)
    for _ in range(EPOCHS):
        for chosen in np.array_split(order.permutation(len(recordings)), len(recordings) // BATCH):
            _mask(weights, kept)
            drive = sparse.run(torch.from_numpy(recordings.as_frames(chosen)).float(), record=[output])[output][first:]
            answers = drive.cumsum(0) / torch.arange(1, len(drive) + 1).view(-1, 1, 1)
            loss = nn.functional.cross_entropy(answers.flatten(0, 1), labels[chosen].repeat(len(answers)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    _mask(weights, kept)
    return sparse.eval()


@torch.no_grad()
def _mask(weights: list[nn.Parameter], kept: list[Tensor]) -> None:
    for weight, mask in zip(weights, kept, strict=True):
        weight.mul_(mask)


def count_remaining(snn: wb.Model, recordings: wb.Recordings) -> float:
    """Synaptic operations per recording, those of weights that are 0 left out, which `wb.operations` counts: about.

    As if the weights that are left lay evenly over the units of an edge.
    """
    spent = wb.operations(snn, recordings, progress=False).groupby("edge")["synaptic_operations"].last()
    shares = []
    for weights in snn.weights:
        left = [float((weight != 0).double().mean()) for weight in weights.parameters()]
        shares.append(float(np.mean(left)) if left else 1.0)
    return float(spent.to_numpy() @ np.array(shares))
