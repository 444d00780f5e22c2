"""Widgets: panels of controls bound to figures.

compare_panel        two models side by side on one recording
convert_panel        a conversion with its options as controls
conversion_settings  what these controls say, as options
explore_panel        one recording through one model: input, spikes, a membrane, answer, cost
operations_panel     what models cost
player_panel         recordings played as frames, ticks or an event cloud
raster_panel         rasters of any size, with zoom
rollouts_panel       rollouts of a network, with past and future of a node
sweep_panel          a sweep with a figure that grows and a stop button
training_panel       a training with live curves and a stop button
_base/               what every panel is made of: canvas, controls, playback, lifetime
_background/         computation in the background: a worker thread, and a cache that prefetches

A panel lives as long as it is referenced or a page shows it. `close()` ends its threads, drops its results and closes
its view; it keeps no model in memory then. In JupyterLab a panel is closed when the cell that showed it runs again,
unless another cell shows it too, and removed from IPython's `Out`. The numbers of a closed panel can still be read;
showing it opens it again.
"""

from workbench.widgets.compare_panel import ComparePanel, compare
from workbench.widgets.convert_panel import ConvertPanel, convert
from workbench.widgets.explore_panel import ExplorePanel, explore
from workbench.widgets.operations_panel import OperationsPanel, operations
from workbench.widgets.player_panel import PlayerPanel, player
from workbench.widgets.raster_panel import RasterPanel, raster
from workbench.widgets.rollouts_panel import RolloutsPanel, rollouts
from workbench.widgets.sweep_panel import SweepPanel, sweep
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
    "SweepPanel",
    "sweep",
    "TrainingPanel",
    "training",
]
