"""Models in evaluation mode for a while, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from workbench.model.model import Model


@contextmanager
def evaluation_mode(*models: Model) -> Iterator[None]:
    """Put models into evaluation mode, and each back into its own afterwards, after an error as well.

    >>> model = Model(Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])).train()
    >>> with evaluation_mode(model):
    ...     model.training
    False
    >>> model.training
    True
    """
    before = [model.training for model in models]
    for model in models:
        model.eval()
    try:
        yield
    finally:
        for model, training in zip(models, before, strict=True):
            model.train(training)
