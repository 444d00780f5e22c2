"""What a user describes: nodes, edges that carry a linear map and a delay, and how they unroll in time.

operations/       linear maps: convolution, dense, average pooling, identity, chains; one file each
graph             `Network` and `Edge`, values, validated when they are made
rollout           a network unrolled over a window of frames
architectures     networks of the notebooks and of the papers
graph_algorithms  reachability, cycles, topological order, shortest delays
"""

from workbench.network.architectures import densenet, shortcut_network
from workbench.network.graph import Edge, Network
from workbench.network.graph_algorithms import (
    connected_components,
    find_cycle,
    keep_acyclic,
    reachable,
    shortest_delays,
    topological_order,
)
from workbench.network.operations import (
    Chain,
    Conv,
    Conv1d,
    Dense,
    GlobalPool,
    Identity,
    Operation,
    Pool,
    Shape,
    Window,
)
from workbench.network.rollout import Place, Rollout, count_rollouts

__all__ = [
    "Chain",
    "Conv",
    "Conv1d",
    "Dense",
    "Edge",
    "GlobalPool",
    "Identity",
    "Network",
    "Operation",
    "Place",
    "Pool",
    "Rollout",
    "Shape",
    "Window",
    "connected_components",
    "densenet",
    "count_rollouts",
    "find_cycle",
    "keep_acyclic",
    "reachable",
    "shortcut_network",
    "shortest_delays",
    "topological_order",
]
