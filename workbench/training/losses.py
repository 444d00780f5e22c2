"""The loss of a batch: cross-entropy of every answer, with smoothed labels, or a function of one's own."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from workbench.training.named_functions import name_function

Loss = Callable[[Tensor, Tensor], Tensor]
"""From answers (frames from the first response on, recordings, classes) and labels (recordings) to one number."""


def require_loss(loss: object, label_smoothing: float) -> None:
    """ValueError unless it is a function, or None for the cross-entropy, whose labels alone can be smoothed.

    >>> require_loss("mse", 0.0)
    Traceback (most recent call last):
    ValueError: loss='mse' is no function of answers and labels; give one, such as lambda answers, labels: ...
    """
    if loss is None:
        return
    if not callable(loss):
        raise ValueError(
            f"loss={loss!r} is no function of answers and labels; give one, such as lambda answers, labels: "
            "torch.nn.functional.cross_entropy(answers[-1], labels)"
        )
    if label_smoothing:
        raise ValueError(
            f"label_smoothing={label_smoothing:g} smooths the labels of the cross-entropy, but "
            f"loss={name_function(loss)} is given; smooth them there, or leave one of the two out"
        )


def find_training_loss(answers: Tensor, labels: Tensor, loss: Loss | None, label_smoothing: float = 0.0) -> Tensor:
    """The mean cross-entropy of all answers (frames, recordings, classes), or what a function gives for them.

    With smoothing s the target of a class is 1 - s + s / classes for the label, s / classes for the others. ValueError,
    with the cure, where a function gives no single number that depends on the answers.

    Source: Szegedy et al. 2016, CVPR (label smoothing).

    >>> find_training_loss(torch.zeros(3, 1, 4), torch.tensor([2]), None, 0.1)
    tensor(1.3863)
    >>> find_training_loss(torch.zeros(3, 1, 4), torch.tensor([2]), lambda answers, labels: answers[-1])
    Traceback (most recent call last):
    ValueError: loss=<lambda> gave a tensor of shape (1, 4); let it give one number, such as its .mean()
    """
    if loss is None:
        return F.cross_entropy(answers.flatten(0, 1), labels.repeat(len(answers)), label_smoothing=label_smoothing)
    name = f"loss={name_function(loss)}"
    found = loss(answers, labels)
    if not isinstance(found, Tensor):
        raise ValueError(
            f"{name} gave a {type(found).__name__}; let it give a tensor of torch, computed of the answers"
        )
    if found.numel() != 1:
        raise ValueError(
            f"{name} gave a tensor of shape {tuple(found.shape)}; let it give one number, such as its .mean()"
        )
    if answers.requires_grad and not found.requires_grad:
        raise ValueError(
            f"{name} gave a number without a gradient; compute it of the answers by torch, without .detach() or .item()"
        )
    return found.reshape(())
