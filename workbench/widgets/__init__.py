"""Widgets: panels of controls bound to figures."""

from workbench.widgets.comparisons import ComparePanel, compare
from workbench.widgets.conversions import ConvertPanel, convert
from workbench.widgets.counters import OperationsPanel, operations
from workbench.widgets.explorers import ExplorePanel, explore
from workbench.widgets.lattice import RolloutsPanel, rollouts
from workbench.widgets.players import PlayerPanel, player
from workbench.widgets.rasters import RasterPanel, raster
from workbench.widgets.trainings import TrainingPanel, training

__all__ = [
    "ComparePanel",
    "compare",
    "ConvertPanel",
    "convert",
    "OperationsPanel",
    "operations",
    "ExplorePanel",
    "explore",
    "RolloutsPanel",
    "rollouts",
    "PlayerPanel",
    "player",
    "RasterPanel",
    "raster",
    "TrainingPanel",
    "training",
]
