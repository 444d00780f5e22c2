"""Which engine computes a spiking model: layer by layer, spike by spike, or each component by whichever is quicker."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from workbench.engine.block_plan import Plan
from workbench.engine.event_driven.parameters import Parameters
from workbench.engine.kernels.compilation import find_kernel
from workbench.engine.kernels.neuron_scan import is_plain
from workbench.engine.kernels.synapse_layouts import has_table
from workbench.network import Operation, Shape

if TYPE_CHECKING:
    from workbench.engine.event_driven.hybrid import Hybrid
    from workbench.engine.event_driven.hybrid_state import HybridState
    from workbench.engine.event_driven.sparse_product import SparseProduct

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


def make_hybrid(
    plan: Plan, parameters: Parameters, batch: int, engine: str, seen: dict[Hashable, HybridState]
) -> Hybrid:
    """The engine "events" or "auto" for a plan; numba is imported only here, where a model runs.

    `seen` is what runs before ended with: how active nodes were, and what was chosen.
    """
    from workbench.engine.event_driven.hybrid import Hybrid

    return Hybrid(plan, parameters, batch, engine, seen)


def make_sparse_product(
    operation: Operation, source: Shape, weights: Sequence[Tensor], gain: Tensor | None
) -> SparseProduct | None:
    """A linear map for activity that is mostly zero, float32 on a CPU; None where there are no kernels or no table."""
    if not is_plain(*(weight.detach() for weight in weights)) or not can_run_events():
        return None
    if not has_table(operation, source):
        return None
    from workbench.engine.event_driven.sparse_product import SparseProduct

    return SparseProduct(operation, source, weights, gain)
