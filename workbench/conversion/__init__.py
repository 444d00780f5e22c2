"""From an ANN to an SNN whose delays match.

conversion         `convert`: fold, scale, slow down, replace the neuron
options            every option of a conversion as one value
option_search      which options are taken when none is named
trials             options tried: how far answers are off, and what they cost
held_back          recordings that options are tried on, and what others were calibrated on
activation_scales  the activity that a spike stands for
rounding           numbers on a grid on which arithmetic is exact
exact_model        spiking models that were trained themselves, folded and put onto a grid
batchnorm_folding  batch norm moved into weights and biases
frame_clock        neurons that count for a frame, run and trained frame by frame
spiking_model      the SNN with the scaled numbers of an ANN
"""

from workbench.conversion.activation_scales import broadcast_scale
from workbench.conversion.batchnorm_folding import fold_batchnorm
from workbench.conversion.conversion import convert
from workbench.conversion.exact_model import loosen, make_exact, require_learnable
from workbench.conversion.frame_clock import can_run_by_frames, to_frames, to_ticks
from workbench.conversion.options import ConversionOptions
from workbench.conversion.rounding import round_to_grid, warn_of_coarse

__all__ = [
    "ConversionOptions",
    "broadcast_scale",
    "round_to_grid",
    "warn_of_coarse",
    "convert",
    "fold_batchnorm",
    "loosen",
    "make_exact",
    "require_learnable",
    "can_run_by_frames",
    "to_frames",
    "to_ticks",
]
