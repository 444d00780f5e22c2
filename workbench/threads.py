"""Threads of torch that sleep while they wait: on a busy machine a computation then takes its share, and no more.

By default OpenMP's threads spin while they wait for each other. That spares some microseconds on a machine with
nothing else to do; where other processes need the cores, whoever is waited for cannot run. OpenMP reads the policy
once, when torch is loaded: importing this room sets it, and the front door imports it before anything else. What the
environment says already stays.

Source: OpenMP 5.2, OMP_WAIT_POLICY; GOMP_SPINCOUNT of GNU's library, which torch brings on Linux, and KMP_BLOCKTIME of
LLVM's and Intel's say the same in more detail.
"""

from __future__ import annotations

import logging
import os
import sys
from functools import cache

POLICY = "OMP_WAIT_POLICY"
SETTINGS = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
BUSY = 1.5  # processes that want to run, for each core: from here on spinning costs more than a wink


def set_policy() -> bool:
    """Let OpenMP's threads sleep while they wait; whether they spin all the same, because torch was there first."""
    if any(setting in os.environ for setting in SETTINGS):
        return False
    os.environ[POLICY] = "passive"  # for processes that this one starts as well
    return "torch" in sys.modules


SPINNING = set_policy()
"""Whether torch was imported before the workbench, so that its threads spin while they wait."""


def tell_if_spinning() -> None:
    """Log a warning, once, where threads spin though others need the cores."""
    if SPINNING and load() >= BUSY:
        _tell()


def load() -> float:
    """How many processes and threads want to run, of the last minute, for each core; 0 where nobody counts them."""
    return os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 0.0


@cache
def _tell() -> None:
    logging.getLogger(__name__).warning(
        "This machine is busy, and torch was imported before workbench: its threads spin while they wait, which makes "
        "everything slower. Import workbench before torch, or set %s=passive before Python starts.",
        POLICY,
    )
