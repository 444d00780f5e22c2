"""What something was measured or made on: the processor, and the versions of what ran."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

import torch


def describe_machine(threads: int | None = None) -> str:
    """Processor, cores, threads and versions, for the sentence above a table.

    >>> describe_machine().split(", ")[-1] == f"Python {platform.python_version()}"
    True
    """
    threads = threads or torch.get_num_threads()
    cores = f"{os.cpu_count()} cores, {threads} thread{'s' if threads > 1 else ''} of torch"
    return f"{name_processor()}, {cores}, torch {torch.__version__}, Python {platform.python_version()}"


@cache
def find_version() -> str:
    """The version of the workbench.

    >>> find_version() == wb.__version__
    True
    """
    return metadata.version("spiking-workbench")


def name_processor() -> str:
    """The model as the kernel names it, and the vectors that torch uses; the architecture where there is no name."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    name = next(names, "") or platform.processor() or platform.machine()
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"
