"""A network with numbers, run whole or as a stream of blocks.

model            the torch module
network_numbers  weights, biases, norms and neurons of a network
node_neurons     the neurons of nodes: one for all with exceptions, or one for each
exactness        whether the numbers of an SNN lie on its grid
grid             numbers on which the arithmetic of an SNN is exact
mode             models in evaluation mode for a while
placement        where a call computes: on the device it names, else where the model lies
parameters       weights drawn by fan-in, what nodes add, and how others replace them
input_encoding   what becomes of counts of events before the first edges of an ANN
stream           a model at work on a recording that arrives block by block
readout          what a model answers at each step
provenance       where the numbers of a model come from
argument_checks  a model where a model is wanted, recordings where these are
"""

from workbench.model.argument_checks import (
    require_model,
    require_models,
    require_network,
    require_rollout,
    take_test,
    take_training,
)
from workbench.model.exactness import bound_links, bound_sums, count_digits, find_off_grid, is_exact, spiking_neuron
from workbench.model.grid import DIGITS, Grid
from workbench.model.input_encoding import InputEncoding
from workbench.model.mode import evaluation_mode
from workbench.model.model import Model
from workbench.model.network_numbers import NetworkNumbers, Scales
from workbench.model.node_neurons import take_neurons
from workbench.model.placement import Device, place, require_device
from workbench.model.provenance import Provenance, TrainingRecord
from workbench.model.readout import average_answers
from workbench.model.stream import KeptStream, Stream

__all__ = [
    "Model",
    "InputEncoding",
    "evaluation_mode",
    "NetworkNumbers",
    "Scales",
    "Provenance",
    "TrainingRecord",
    "Grid",
    "DIGITS",
    "bound_links",
    "bound_sums",
    "count_digits",
    "find_off_grid",
    "is_exact",
    "spiking_neuron",
    "KeptStream",
    "Stream",
    "take_neurons",
    "Device",
    "place",
    "require_device",
    "average_answers",
    "require_model",
    "require_models",
    "require_network",
    "require_rollout",
    "take_test",
    "take_training",
]
