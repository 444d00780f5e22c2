"""Learning over the steps of a rollout.

training                `train`: every answer from the first response on counts
finetuning              `fine_tune`: the SNN itself, through surrogate gradients
options                 every option of a training as one value
schedule                the learning rate over a training
regularization          noise on drives, and a penalty on spikes
quantization            activations clipped and quantised while they are learned
mixed_precision         bfloat16 in the linear maps, where that is enough
gradient_checkpointing  long recordings learned segment by segment
checkpoints             trainings that go on bit for bit
"""

from workbench.training.finetuning import fine_tune
from workbench.training.training import Update, train

__all__ = [
    "Update",
    "fine_tune",
    "train",
]
