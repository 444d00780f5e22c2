"""From an ANN to an SNN whose delays match.

conversion         `convert`: fold, scale, slow down, replace the neuron
options            every option of a conversion as one value
option_search      which options are taken when none is named
activation_scales  the activity that a spike stands for
batchnorm_folding  batch norm moved into weights and biases
spiking_model      the SNN with the scaled numbers of an ANN
"""

from workbench.conversion.activation_scales import broadcast_scale
from workbench.conversion.conversion import convert
from workbench.conversion.option_search import BURST
from workbench.conversion.options import ConversionOptions

__all__ = [
    "BURST",
    "ConversionOptions",
    "broadcast_scale",
    "convert",
]
