"""Widgets: panels of controls bound to figures.

compare_panel     two models side by side on one recording
convert_panel     a conversion with options to choose
explore_panel     one recording through one model, from all sides
operations_panel  what models cost
player_panel      recordings played as frames, ticks or a cloud
raster_panel      rasters of any size, zoomed
rollouts_panel    a network unrolled by hand
training_panel    a training to follow and to stop
_base/            what every panel is made of: canvas, controls, playback, lifetime
_background/      what is computed while a panel is looked at

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
