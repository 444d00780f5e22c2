"""A workbench for spiking networks that live in time: describe, unroll, train, convert, simulate, count, look."""

from workbench.analysis import diagnose
from workbench.conversion import convert
from workbench.engine import IntegrateAndFire, QuantisedReLU, ReLU
from workbench.evaluation import (
    EnergyPreset,
    calibrate_exit,
    compare,
    count_confusions,
    count_updates,
    criticise,
    measure_latency,
    operations,
)
from workbench.events import Camera, Dataset, Recordings, load
from workbench.model import Model
from workbench.network import Chain, Conv, Dense, Edge, Identity, Network, Pool, Rollout, count_rollouts
from workbench.training import fine_tune, train

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
