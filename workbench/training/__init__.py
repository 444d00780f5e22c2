"""Learning over the steps of a rollout.

training                `train`: every answer from the first response on counts
finetuning              `fine_tune`: the SNN itself, through surrogate gradients
options                 how a training is done, and at which rate it learns when
regularization          noise on activations, and what spikes would cost
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
