"""How blocks of time are computed: strongly connected components in order, every step of a block at once.

neurons/          what a node does with its drive: ReLU, quantised ReLU, integrate-and-fire with and without leak
normalization     a bias, or a batch norm that leaves silent steps out
whole_batch       statistics of batches that several processes compute a part of each
block_plan        in which order, and how far ahead of the input, nodes can be computed
scheduler         the components of the graph in order, each computing a whole block
inference_layers  layers for the scheduler where nothing is learned
training_layers   layers for the scheduler where something is learned
input_checks      frames and weights, looked at before they are used
event_counts      inputs as events rather than as frames
exact_products    linear maps that give every bit, whatever torch is set to
memory_check      whether a run fits into memory, said before it begins
spike_counter     what nodes send, counted while blocks are computed
kernels/          what numba compiles: neurons, spike lists, weighted counts
engine_choice     which engine computes a spiking model
event_driven/     the same blocks computed spike by spike, where that is cheaper
"""

from typing import TYPE_CHECKING

from workbench.engine.block_plan import Plan, plan
from workbench.engine.engine_choice import ENGINES, can_run_events, make_hybrid, make_sparse_product, require_engine
from workbench.engine.event_counts import EventCounts
from workbench.engine.event_driven.parameters import Parameters
from workbench.engine.exact_products import map_exactly
from workbench.engine.inference_layers import InferenceLayers
from workbench.engine.input_checks import (
    Frames,
    arrange_inputs,
    require_finite,
    require_numbers,
    require_one_type,
    to_tensor,
)
from workbench.engine.kernels.count_range import find_count_range
from workbench.engine.kernels.error_sums import Counting, sum_errors
from workbench.engine.kernels.neuron_scan import can_compile
from workbench.engine.kernels.observed_scan import sum_steps
from workbench.engine.kernels.weighted_counts import count_weighted
from workbench.engine.memory_check import MemoryRequest, fits, require_memory
from workbench.engine.neurons import (
    NEURONS,
    IntegrateAndFire,
    LeakyIntegrateAndFire,
    Neuron,
    QuantisedReLU,
    ReLU,
    SpikingNeuron,
)
from workbench.engine.normalization import NORM_EPSILON, Bias, Norm
from workbench.engine.scheduler import (
    TRAINING_BLOCK_BYTES,
    Layers,
    Segment,
    State,
    advance,
    choose_block,
    concatenate_steps,
)
from workbench.engine.spike_counter import SpikeCounter
from workbench.engine.training_layers import TrainingLayers
from workbench.engine.whole_batch import Gather, find_gather, find_mean_square, sharing_batch

if TYPE_CHECKING:
    from workbench.engine.event_driven.hybrid import Hybrid as Hybrid  # which would import numba
    from workbench.engine.event_driven.hybrid_state import HybridState as HybridState
    from workbench.engine.event_driven.sparse_product import SparseProduct as SparseProduct

__all__ = [
    "ENGINES",
    "can_run_events",
    "Counting",
    "sum_errors",
    "sum_steps",
    "make_hybrid",
    "make_sparse_product",
    "Bias",
    "Frames",
    "Gather",
    "find_gather",
    "find_mean_square",
    "sharing_batch",
    "InferenceLayers",
    "map_exactly",
    "IntegrateAndFire",
    "LeakyIntegrateAndFire",
    "TRAINING_BLOCK_BYTES",
    "Layers",
    "TrainingLayers",
    "NORM_EPSILON",
    "NEURONS",
    "Neuron",
    "SpikingNeuron",
    "Norm",
    "Parameters",
    "Segment",
    "Plan",
    "QuantisedReLU",
    "ReLU",
    "MemoryRequest",
    "State",
    "EventCounts",
    "SpikeCounter",
    "advance",
    "arrange_inputs",
    "choose_block",
    "fits",
    "concatenate_steps",
    "plan",
    "require_engine",
    "require_finite",
    "require_memory",
    "require_numbers",
    "require_one_type",
    "can_compile",
    "find_count_range",
    "to_tensor",
    "count_weighted",
]
