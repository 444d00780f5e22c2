"""The option `fabric`: a number of devices, or a Fabric of Lightning that has been launched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
import torch.distributed as dist

from workbench.training.batch_parts import require_parts
from workbench.training.lessons import Lesson
from workbench.training.processes.group import Alone, Group, working_together
from workbench.training.processes.helpers import Work, helped, require_sendable
from workbench.validation import whole

PACKAGES = ("lightning_fabric", "lightning")
STRATEGIES = ("DDPStrategy", "SingleDeviceStrategy")  # every device has the whole model
SENT = ("loss", "optimizer", "schedule", "augment")
PLAIN = ("32-true", "64-true")


def require_fabric(fabric: object) -> None:
    """ValueError, with the cure, unless it is None, a number of devices, or a Fabric.

    >>> require_fabric("ddp")
    Traceback (most recent call last):
    ValueError: fabric='ddp' is neither a number of devices nor a Fabric; give fabric=2, which starts the processes ...
    """
    number = whole(fabric)
    if fabric is None or (number is not None and number >= 1) or is_fabric(fabric):
        return
    has = find_spec("lightning_fabric") is not None
    cure = "" if has else ", which pip install 'spiking-workbench[fabric]' brings"
    raise ValueError(
        f"fabric={fabric!r} is neither a number of devices nor a Fabric; give fabric=2, which starts the processes "
        f"itself, or a lightning_fabric.Fabric that has been launched{cure}"
    )


def is_fabric(value: object) -> bool:
    """Whether it is a Fabric, of the package lightning_fabric or of lightning; neither is imported for that."""
    kinds = [kind for kind in type(value).__mro__ if kind.__name__ == "Fabric"]
    return any(kind.__module__.split(".")[0] in PACKAGES for kind in kinds)


@contextmanager
def open_group(fabric: Any, lesson: Lesson, device: object, work: Work) -> Iterator[Group]:
    """The group that does work(group, lesson): this process alone, with helpers that it starts, or that of a Fabric.

    ValueError, with the cure, where the lesson cannot be divided among so many, or `device` is named beside a Fabric.
    """
    require_fabric(fabric)
    number, options = whole(fabric), lesson.options
    size = 1 if fabric is None else fabric.world_size if number is None else number
    require_parts(len(lesson.recordings), options.batch, options.accumulate, size)
    if fabric is None or number == 1:
        yield Alone()
    elif number is not None:
        kind = lesson.model.device.type
        _require_devices(number, kind)
        sent = lesson.copied()
        require_sendable({name: getattr(options, name) for name in SENT} | {"model": sent.model}, number)
        with helped(number, kind, work, (sent,)) as group:
            yield group
    else:
        if device is not None:
            raise ValueError(f"device={device!r} and fabric both say where to compute; leave device out")
        _require_launched(fabric)
        own = torch.device(fabric.device)
        if size == 1:
            yield Alone(own)
        else:
            with working_together(own, lambda: "another process has ended, or does not answer") as group:
                yield group


def _require_devices(number: int, kind: str) -> None:
    if kind == "cpu":
        return
    found = torch.cuda.device_count() if kind == "cuda" else 1
    if kind != "cuda" or found < number:
        raise ValueError(
            f"fabric={number} needs so many devices of {kind}, and this machine has {found}; give fabric={found}, or "
            'device="cpu"'
        )


def _require_launched(fabric: Any) -> None:
    """ValueError, with the cure, for a Fabric that does not divide data alone, or has not been launched."""
    strategy = type(fabric.strategy)
    if not {kind.__name__ for kind in strategy.__mro__} & set(STRATEGIES):
        raise ValueError(
            f"fabric has the strategy {strategy.__name__}, but every device needs the whole model here; make it by "
            'Fabric(strategy="ddp")'
        )
    precision = fabric.strategy.precision.precision
    if precision not in PLAIN:
        raise ValueError(
            f"fabric has the precision {precision!r}, which training would not follow; leave it out there, and give "
            'wb.train(..., precision="bf16")'
        )
    if fabric.world_size == 1:
        return
    if not dist.is_initialized():
        raise ValueError(
            f"fabric is of {fabric.world_size} processes and has not been launched; call fabric.launch() first, or "
            f"give their number, fabric={fabric.world_size}, which starts them itself"
        )
    if (dist.get_world_size(), dist.get_rank()) != (fabric.world_size, fabric.global_rank):
        raise ValueError(
            f"fabric is process {fabric.global_rank + 1} of {fabric.world_size}, but what has been launched here is "
            f"process {dist.get_rank() + 1} of {dist.get_world_size()}; give the one that was launched"
        )
