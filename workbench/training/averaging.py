"""Weight averaging: a model that follows the one that is learned, more evenly."""

from __future__ import annotations

import torch

from workbench.model import Model

SLOW_START = 10  # batches after which about half of the first weights are forgotten


@torch.no_grad()
def follow(average: Model, model: Model, keep: float, batches: int) -> None:
    """Move an average towards a model after so many batches: a <- k a + (1 - k) m, in place, statistics of norms too.

    k = min(keep, (1 + batches) / (10 + batches)), so that the first weights, drawn at random, are soon forgotten.

    Source: Polyak & Juditsky 1992; the slow start as in torch_ema and TensorFlow's moving average.

    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])
    >>> average, model = Model(network, seed=0), Model(network, seed=1)
    >>> follow(average, model, keep=0.9, batches=8)
    >>> bool(torch.allclose(average.weights[0][0], 0.5 * Model(network).weights[0][0] + 0.5 * model.weights[0][0]))
    True
    """
    share = min(keep, (1 + batches) / (SLOW_START + batches))
    for mine, theirs in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mine.is_floating_point():
            mine.lerp_(theirs, 1 - share)
        else:
            mine.copy_(theirs)
