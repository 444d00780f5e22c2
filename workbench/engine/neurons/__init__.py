"""Neuron dynamics as frozen values over pure scans; every module in here registers the kinds that it defines.

neuron                    the interface of all, and their registry
rectifiers                neurons of an ANN: ReLU, quantised ReLU
integrating               what those share whose membranes sum up their drives
integrate_and_fire        the neuron of a converted SNN
leaky_integrate_and_fire  one with a leak, as integer chips have it
plain_scan                the scan of those that spike at once, in torch alone
frame_counting            that of those that count for a frame before they answer
surrogate                 spikes as whole numbers, and the gradient by which they are learned
"""

from workbench.discovery import import_rooms
from workbench.engine.neurons.integrate_and_fire import IntegrateAndFire
from workbench.engine.neurons.leaky_integrate_and_fire import LeakyIntegrateAndFire
from workbench.engine.neurons.neuron import NEURONS, Neuron, SpikingNeuron
from workbench.engine.neurons.rectifiers import QuantisedReLU, ReLU

__all__ = [
    "NEURONS",
    "IntegrateAndFire",
    "LeakyIntegrateAndFire",
    "Neuron",
    "QuantisedReLU",
    "ReLU",
    "SpikingNeuron",
]

import_rooms(__name__, __path__)
