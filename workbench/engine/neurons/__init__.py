"""Neuron dynamics as frozen values over pure scans; every module in here registers the kinds that it defines.

neuron              the interface of all, and their registry
rectifiers          neurons of an ANN: ReLU, quantised ReLU
integrate_and_fire  the neuron of an SNN
frame_counting      the same where it counts for a frame before it answers
surrogate           spikes as whole numbers, and the gradient by which they are learned
"""

from workbench.discovery import import_rooms
from workbench.engine.neurons.integrate_and_fire import IntegrateAndFire
from workbench.engine.neurons.neuron import NEURONS, Neuron, SpikingNeuron
from workbench.engine.neurons.rectifiers import QuantisedReLU, ReLU

__all__ = [
    "NEURONS",
    "IntegrateAndFire",
    "Neuron",
    "QuantisedReLU",
    "ReLU",
    "SpikingNeuron",
]

import_rooms(__name__, __path__)
