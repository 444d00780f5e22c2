"""Widgets: panels of controls bound to figures.

A panel lives as long as somebody holds it or a page shows it. `close()` ends it: its threads, what it has computed, and
the page's view; nothing holds its models then. In JupyterLab the same happens to a panel when the cell that showed it
runs again, unless another cell shows it too, and IPython's `Out` forgets it. Who still holds a closed panel can read
its numbers; showing it opens it again.
"""

from workbench.widgets.compare_panel import ComparePanel, compare
from workbench.widgets.convert_panel import ConvertPanel, convert
from workbench.widgets.explore_panel import ExplorePanel, explore
from workbench.widgets.operations_panel import OperationsPanel, operations
from workbench.widgets.player_panel import PlayerPanel, player
from workbench.widgets.raster_panel import RasterPanel, raster
from workbench.widgets.rollouts_panel import RolloutsPanel, rollouts
from workbench.widgets.training_panel import TrainingPanel, training

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
