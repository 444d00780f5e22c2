"""How sure an answer is: a probability of being right, calibrated for every step alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def measure_confidence(answers: Tensor, inverse_temperature: np.ndarray) -> np.ndarray:
    """The largest of softmax(sharpness_s answer_s): (steps, recordings) of answers (steps, recordings, classes).

    >>> measure_confidence(torch.tensor([[[0.0, 1.0]]]), np.array([0.0])).tolist()
    [[0.5]]
    """
    return np.asarray((answers * torch.tensor(inverse_temperature)[:, None, None]).softmax(2).amax(2))


def fit_inverse_temperature(answers: Tensor, labels: np.ndarray, most: float = 100.0) -> np.ndarray:
    """The inverse temperature of every step with the largest likelihood: (steps,) of (steps, recordings, classes).

    The slope of -log likelihood in it, mean(sum over classes of (softmax(sharpness z) - target) z), only grows, so it
    is found by bisection between 0 and `most`; 0 where answers are no better than chance. Targets are smoothed by
    1 / (recordings + 2), which keeps it finite where every answer is right.

    Source: Guo et al. 2017, arXiv 1706.04599; the targets are those of Platt 1999, Probabilistic outputs for support
    vector machines.
    """
    smoothing = 1 / (len(labels) + 2)
    classes = answers.shape[2]
    targets = torch.full(answers.shape[1:], smoothing / max(1, classes - 1), dtype=answers.dtype)
    targets[torch.arange(len(labels)), torch.tensor(labels)] = 1 - smoothing
    low = torch.zeros(len(answers), dtype=answers.dtype)
    high = torch.full_like(low, most)
    for _ in range(60):
        middle = (low + high) / 2
        slope = (((middle[:, None, None] * answers).softmax(2) - targets) * answers).sum(2).mean(1)
        low, high = torch.where(slope < 0, middle, low), torch.where(slope < 0, high, middle)
    return np.asarray(low)
