"""Which engine computes a spiking model: layer by layer, spike by spike, or each component by whichever is quicker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.engine.event_driven.parameters import Parameters
from workbench.engine.kernels.compilation import find_kernel
from workbench.engine.scheduler import Plan

if TYPE_CHECKING:
    from workbench.engine.event_driven.hybrid import Hybrid

ENGINES = ("auto", "dense", "events")
_KERNELS = (  # that the event-driven engine needs
    "simulate", "copy_lists", "list_rows", "fill_rows", "weigh_lists", "list_events",
)  # fmt: skip


def require_engine(engine: str) -> str:
    """The name of an engine; ValueError where it is none.

    >>> require_engine("sparse")
    Traceback (most recent call last):
    ValueError: engine='sparse' is unknown; choose from 'auto', 'dense', 'events'
    """
    if engine not in ENGINES:
        raise ValueError(f"engine={engine!r} is unknown; choose from {', '.join(map(repr, ENGINES))}")
    return engine


def can_run_events() -> bool:
    """Whether the kernels of the event-driven engine could be compiled here."""
    return all(find_kernel("event_kernels", name) for name in _KERNELS)


def make_hybrid(plan: Plan, parameters: Parameters, batch: int, engine: str) -> Hybrid:
    """The engine "events" or "auto" for a plan; numba is imported only here, where a model runs."""
    from workbench.engine.event_driven.hybrid import Hybrid

    return Hybrid(plan, parameters, batch, engine)
