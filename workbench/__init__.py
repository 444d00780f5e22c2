"""A workbench for spiking networks that live in time: describe, unroll, train, convert, simulate, count, look."""

from workbench.confusions import count_confusions
from workbench.conversion import convert
from workbench.critics import criticise
from workbench.diagnosis import diagnose
from workbench.energy import EnergyPreset
from workbench.events import Camera, Dataset, Recordings, load
from workbench.graph import Edge, Network
from workbench.measures import compare, count_updates, operations
from workbench.model import Model
from workbench.neurons import IntegrateAndFire, ReLU
from workbench.ops import Chain, Conv, Dense, Identity, Pool
from workbench.rollout import Rollout, count_rollouts
from workbench.training import train

__all__ = [
    # describe
    "Network", "Edge", "Conv", "Dense", "Pool", "Identity", "Chain", "ReLU", "IntegrateAndFire",
    # unroll
    "Rollout", "count_rollouts",
    # recordings
    "load", "Dataset", "Recordings", "Camera",
    # train, convert, compare
    "Model", "train", "convert", "compare", "operations", "count_updates", "criticise", "EnergyPreset",
    # diagnose
    "diagnose", "count_confusions",
]  # fmt: skip
