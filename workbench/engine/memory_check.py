"""Whether a run fits into memory, estimated before any is allocated."""

from __future__ import annotations

import math
import resource
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import torch

from workbench.network import Network

ALWAYS_FREE_BYTES = 1 << 26  # bytes that are always there
BLOCK_COPIES = 3  # of the block that is computed: what arrives, what it becomes, and what a linear map needs meanwhile
NUMBERS_KEPT_TO_LEARN = (
    2  # numbers per unit and step for a backward pass: what arrives, what the norm and the neuron make of it
)
# where Linux says what a container may take and has taken, in its two ways
CONTROL_GROUPS = [
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
]


@dataclass(frozen=True)
class MemoryRequest:
    """What a run needs memory for: so many steps of a batch, some nodes recorded, `block` steps computed at a time.

    >>> network = Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])
    >>> [MemoryRequest(network, ["class"], 10, 1, 10, False, type).bytes for type in (torch.float32, torch.float64)]
    [2240, 4480]
    """

    network: Network
    record: Collection[str]
    steps: int
    batch: int
    block: int
    learns: bool
    dtype: torch.dtype = torch.float32

    @property
    def bytes(self) -> int:
        """What it takes, about: the recorded nodes, in blocks and as a whole, and the block that is computed.

        Where it learns, every node keeps all its steps for the backward pass.
        """
        units = {node: math.prod(shape) for node, shape in self.network.shapes.items()}
        recorded = self.steps * sum(units[node] for node in self.record)
        block = min(self.block, self.steps)
        kept = recorded if block == self.steps else 2 * recorded
        computed = NUMBERS_KEPT_TO_LEARN * self.steps if self.learns else BLOCK_COPIES * block
        return self.dtype.itemsize * self.batch * (kept + computed * sum(units.values()))


def require_memory(run: MemoryRequest, device: torch.device) -> None:
    """MemoryError where a run takes more than is free; its message names the bytes, and settings that fit."""
    needed = run.bytes
    if needed <= ALWAYS_FREE_BYTES or needed <= (free := free_bytes(device)):
        return
    network, batch = run.network, run.batch * free // needed
    answer = replace(run, record=[network.output]).bytes
    cures = [f"a batch of {batch:,} fits"] if batch else []
    cures += [f"record=[{network.output!r}] takes {name_size(answer)}"] if answer <= free else []
    cures += ["train(..., recompute=...) keeps less, without batch norm"] if run.learns else []
    cures = cures or ["feed it to model.stream(batch=1) in short blocks"]
    raise MemoryError(
        f"{run.steps:,} steps of {run.batch:,} recordings, {len(run.record)} of {len(network.nodes)} nodes recorded, "
        f"take about {name_size(needed)}, but {name_size(free)} are free; {', or '.join(cures)}"
    )


def fits(run: MemoryRequest, device: torch.device, share: float) -> bool:
    """Whether a run takes no more than this share of what is free."""
    return run.bytes <= ALWAYS_FREE_BYTES or run.bytes <= share * free_bytes(device)


def free_bytes(device: torch.device) -> int:
    """Bytes that this process can still have on a device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(
        min(psutil.virtual_memory().available, _free_in_process(), *(_free_in_group(*g) for g in CONTROL_GROUPS))
    )


def _free_in_process() -> float:
    """Bytes of addresses that this process can still have, where it has a limit (`ulimit -v`)."""
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return math.inf if most == resource.RLIM_INFINITY else max(0, most - psutil.Process().memory_info().vms)


def _free_in_group(folder: Path, limit: str, taken: str) -> float:
    """Bytes that a container can still have; what it remembers of files does not count, it is given up when needed."""
    most = (folder / limit).read_text().strip() if (folder / limit).exists() else "max"
    if most == "max":
        return math.inf
    sums = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    return int(most) - int((folder / taken).read_text()) + int(sums["inactive_file"])


def name_size(count: int) -> str:
    """A number of bytes in words.

    >>> name_size(1_500_000_000), name_size(2_000_000)
    ('1.5 GB', '2.0 MB')
    """
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:,.1f} MB"
