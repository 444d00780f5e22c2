"""Widgets: panels of controls bound to figures.

A panel lives as long as somebody holds it or a page shows it. `close()` ends it: its threads, what it has computed, and
the page's view; nothing holds its models then. In JupyterLab the same happens to a panel when the cell that showed it
runs again, unless another cell shows it too, and IPython's `Out` forgets it. Who still holds a closed panel can read
its numbers; showing it opens it again.
"""

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
