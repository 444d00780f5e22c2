"""Small networks and recordings to train, and what trainings are held against."""

import os
import signal

import numpy as np
import torch

import workbench as wb
from workbench.training import fitting as training

SHAPE, FRAMES = (1, 4, 4), 4


def some_recordings(seed: int = 0, count: int = 42, classes: int = 3, frames: int = FRAMES) -> wb.Recordings:
    """Each class is a brighter row or column of the image, in noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    counts = rng.poisson(0.3, (frames, count, *SHAPE))
    for number, label in enumerate(labels):
        counts[:, number, 0, label if label < 2 else slice(None), slice(None) if label < 2 else 3] += 1
    return wb.Recordings.from_ticks(counts, labels, classes=[f"class {i}" for i in range(classes)])


def some_network(loop: bool = False) -> wb.Network:
    edges = [wb.Edge("image", "hidden", wb.Conv(4, kernel=3)), wb.Edge("hidden", "class", wb.Dense(3))]
    return wb.Network(
        {"image": SHAPE}, [*edges, *([wb.Edge("hidden", "hidden", wb.Conv(4, 3))] if loop else [])], "class"
    )


def assert_equal_models(ours: wb.Model, theirs: wb.Model) -> None:
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, theirs.state_dict()[name]), name


def interrupt(monkeypatch, after: int, where: str = "_answer") -> None:
    """Ctrl-C at the so-manieth call of a step of the training."""
    step, calls = getattr(training, where), []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        return step(*arguments, **options)

    monkeypatch.setattr(training, where, interrupted)


OPTIONS = {"epochs": 6, "batch": 14, "progress": False}  # three batches an epoch


def mean_loss(answers: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """A loss of one's own that other processes can import."""
    return torch.nn.functional.cross_entropy(answers[-1], labels)


CALLS: list[int] = []  # of `failing_loss`, in the process that fails


def failing_loss(answers: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """A loss that fails in the second process alone, at its sixth batch."""
    if torch.distributed.is_initialized() and torch.distributed.get_rank() == 1:
        CALLS.append(1)
    if len(CALLS) == 6:
        raise ValueError("the second process cannot go on")
    return mean_loss(answers, labels)


def killed_loss(answers: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """A loss during which the system kills the second process."""
    if torch.distributed.is_initialized() and torch.distributed.get_rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return mean_loss(answers, labels)


def assert_close_models(ours: wb.Model, theirs: wb.Model, tolerance: float) -> None:
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, tensor in ours.state_dict().items():
        torch.testing.assert_close(tensor, theirs.state_dict()[name], rtol=0, atol=tolerance, msg=name)
