"""A workbench for spiking networks that live in time: describe, unroll, train, convert, simulate, count, look."""

from workbench.confusions import count_confusions
from workbench.conversion import convert
from workbench.critics import criticise
from workbench.diagnosis import diagnose
from workbench.energy import EnergyPreset
from workbench.events import Camera, Dataset, Recordings, load
from workbench.exits import calibrate_exit
from workbench.finetuning import fine_tune
from workbench.graph import Edge, Network
from workbench.latency import measure_latency
from workbench.measures import compare, count_updates, operations
from workbench.model import Model
from workbench.neurons import IntegrateAndFire, QuantisedReLU, ReLU
from workbench.ops import Chain, Conv, Dense, Identity, Pool
from workbench.rollout import Rollout, count_rollouts
from workbench.training import train

__all__ = [
    # describe
    "Network", "Edge", "Conv", "Dense", "Pool", "Identity", "Chain", "ReLU", "QuantisedReLU", "IntegrateAndFire",
    # unroll
    "Rollout", "count_rollouts",
    # recordings
    "load", "Dataset", "Recordings", "Camera",
    # train, convert, compare
    "Model", "train", "convert", "fine_tune", "compare", "operations", "count_updates", "criticise", "EnergyPreset",
    # answer at any time
    "calibrate_exit", "measure_latency",
    # diagnose
    "diagnose", "count_confusions",
]  # fmt: skip
