"""What panels use of figures besides the functions: the class of figures, parts of rasters, styles, display."""

from workbench.figures._figure import Figure, add_still_metadata
from workbench.figures._ipython import read_request, running_notebook, running_shell
from workbench.figures._live import read_modules
from workbench.figures._notebook_display import attach
from workbench.figures._operations import KINDS
from workbench.figures._raster import EXACT, View, draw_units, draws_lines
from workbench.figures._raster_bands import BAND, count_part, find_part
from workbench.figures._style import QUIET, empty
from workbench.figures._words import brief, cut, whole, wrap

__all__ = [
    # the class of figures, and how notebooks show it
    "Figure", "add_still_metadata", "attach", "read_request", "running_notebook", "running_shell",
    # parts of rasters
    "BAND", "EXACT", "View", "count_part", "draw_units", "draws_lines", "find_part",
    # styles, scripts and texts
    "KINDS", "read_modules", "QUIET", "empty", "wrap", "brief", "cut", "whole",
]  # fmt: skip
