"""A workbench for spiking networks that live in time: describe, unroll, train, convert, simulate, count, look."""

from workbench.graph import Edge, Network
from workbench.model import Model
from workbench.ops import Chain, Conv, Dense, Identity, Pool
from workbench.rollout import Rollout, count_rollouts

__all__ = ["Chain", "Conv", "Dense", "Edge", "Identity", "Model", "Network", "Pool", "Rollout", "count_rollouts"]
