"""Learning over the steps of a rollout.

training                `train`: every answer from the first response on counts
finetuning              `fine_tune`: the SNN itself, through surrogate gradients
options                 every option of a training as one value
lessons                 what a training learns, checked
fitting                 the loop of a training
updates                 what a training tells while it goes on
drawn_batches           the batches of an epoch, made one ahead
batch_parts             parts of a batch, by turns and by processes
processes/              several devices that train together
losses                  the loss of a batch, with smoothed labels or of one's own
optimizers              optimizers by name, or any of torch's
schedule                the learning rate over a training
selection               which epoch a training returns
averaging               weights that follow what is learned more evenly
dropout                 units that are silent for a recording
named_functions         functions given as options, and how to know them again
regularization          noise on drives, and a penalty on spikes
quantization            activations clipped and quantised while they are learned
mixed_precision         bfloat16 in the linear maps, where that is enough
gradient_checkpointing  long recordings learned segment by segment
checkpoints             trainings that go on bit for bit
identity                by what a training is known again
optimizer_state         what an optimizer remembers, found and read back
"""

from workbench.training.finetuning import fine_tune
from workbench.training.training import train
from workbench.training.updates import Update

__all__ = [
    "Update",
    "fine_tune",
    "train",
]
