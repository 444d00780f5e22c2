"""Figures: pure functions from values and tables to plotly figures, never shown as a side effect."""

from workbench.figures.answers import accuracy
from workbench.figures.clouds import events
from workbench.figures.costs import operations
from workbench.figures.files import save
from workbench.figures.lattice import rollout, rollouts
from workbench.figures.membranes import membrane
from workbench.figures.spikes import raster
from workbench.figures.strips import frames
from workbench.figures.training import learning

__all__ = [
    "rollout",
    "rollouts",
    "learning",
    "accuracy",
    "operations",
    "raster",
    "frames",
    "membrane",
    "events",
    "save",
]
