"""What processes that train together tell each other: numbers of all, gradients in sum, and when to end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

import torch
import torch.distributed as dist
from torch import Tensor

from workbench.engine import Gather
from workbench.interrupts import noting_interrupts
from workbench.training.updates import StopTraining

PATIENCE = timedelta(minutes=30)  # for a process that neither answers nor ends; one that ends is noticed at once
GO_ON, STOP, INTERRUPT = range(3)


class Group(Protocol):
    """One or several processes that learn a part of every batch each; all of them make the same calls."""

    rank: int
    size: int
    device: torch.device | None
    gather: Gather | None

    def total(self, numbers: Sequence[float]) -> list[float]:
        """The sums over all processes of what each gives."""

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Give every parameter the gradient of the whole batch."""

    def of_first(self, value: Any) -> Any:
        """What the first process gives."""

    def of_all(self, value: Any) -> list[Any]:
        """What every process gives, in their order."""

    def settle(self, stop: bool) -> None:
        """Go on, unless one wants to stop or was interrupted: StopTraining or KeyboardInterrupt in all of them."""


class Alone:
    """The group of one process, which learns where the model lies unless a `device` is named."""

    rank, size = 0, 1
    gather: Gather | None = None

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device

    def total(self, numbers: Sequence[float]) -> list[float]:
        """What is given."""
        return list(numbers)

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Nothing: they are those of the whole batch."""

    def of_first(self, value: Any) -> Any:
        """What is given."""
        return value

    def of_all(self, value: Any) -> list[Any]:
        """What is given."""
        return [value]

    def settle(self, stop: bool) -> None:
        """Go on, unless this one wants to stop; an interrupt comes by itself."""
        if stop:
            raise StopTraining


class Together:
    """A group of several processes, by torch.distributed: gloo between CPUs, NCCL between GPUs.

    Gradients are put into one row and summed once a step, whatever turns and stretches of time they come from.
    `explain` says why another process has ended, where that is known.
    """

    def __init__(self, device: torch.device, explain: Callable[[], str]) -> None:
        self.rank, self.size, self.explain = dist.get_rank(), dist.get_world_size(), explain
        self.device: torch.device | None = device
        self.gather: Gather | None = self._gather
        self.interrupted: Callable[[], bool] = lambda: False
        self._channel: Any = dist.new_group(timeout=PATIENCE)

    def total(self, numbers: Sequence[float]) -> list[float]:
        """The sums over all processes, in double precision and in their order."""
        sums = self._gather(torch.tensor(numbers, dtype=torch.float64, device=self.device)).sum(0)
        return [float(number) for number in sums]

    @torch.no_grad()
    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Give every parameter the sum of its gradients."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        row = torch.cat([gradient.reshape(-1) for gradient in gradients])
        self._do(dist.all_reduce, row)
        summed = torch.split(row, [gradient.numel() for gradient in gradients])
        for gradient, values in zip(gradients, summed, strict=True):
            gradient.copy_(values.view_as(gradient))

    def of_first(self, value: Any) -> Any:
        """What the first process gives, sent to the others."""
        values = [value]
        self._do(dist.broadcast_object_list, values, src=0)
        return values[0]

    def of_all(self, value: Any) -> list[Any]:
        """What every process gives, in their order."""
        values: list[Any] = [None] * self.size
        self._do(dist.all_gather_object, values, value)
        return values

    def settle(self, stop: bool) -> None:
        """End in all processes after the same batch where one wants to, or was interrupted."""
        wish = INTERRUPT if self.interrupted() else STOP if stop else GO_ON
        agreed = int(self._gather(torch.tensor([wish], device=self.device)).max())
        if agreed == INTERRUPT:
            raise KeyboardInterrupt
        if agreed == STOP:
            raise StopTraining

    def close(self) -> None:
        """Leave the group; who waits for this process is told at once."""
        channel, self._channel = self._channel, None  # sockets are closed with the last reference
        dist.destroy_process_group(channel)

    def _gather(self, values: Tensor) -> Tensor:
        found = [torch.empty_like(values, memory_format=torch.contiguous_format) for _ in range(self.size)]
        self._do(dist.all_gather, found, values.contiguous())
        return torch.stack(found)

    def _do(self, collective: Callable[..., Any], *values: Any, **options: Any) -> None:
        """A call that all processes make; RuntimeError, in words, where one of them has ended."""
        try:
            collective(*values, group=self._channel, **options)
        except RuntimeError as error:
            raise LostProcessError(f"process {self.rank + 1} of {self.size}: {self.explain()}") from error


class LostProcessError(RuntimeError):
    """Another process of a training has ended before it, or does not answer."""


@contextmanager
def working_together(device: torch.device, explain: Callable[[], str]) -> Iterator[Together]:
    """A group of all processes of torch.distributed; interrupts are noted, and heard together with the others."""
    group = Together(device, explain)
    with noting_interrupts() as interrupts:
        group.interrupted = lambda: interrupts.heard
        try:
            yield group
        finally:
            group.close()
