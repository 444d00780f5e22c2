"""Figures: pure functions from values and tables to plotly figures, never shown as a side effect."""

from workbench.figures.answers import accuracy, accuracy_per_operation
from workbench.figures.clouds import events
from workbench.figures.collections import recordings
from workbench.figures.confusions import confusion_over_time
from workbench.figures.costs import operations
from workbench.figures.display import register
from workbench.figures.doctors import diagnosis
from workbench.figures.edges import operations_by_edge
from workbench.figures.errors import causes
from workbench.figures.exits import early_exit
from workbench.figures.files import save
from workbench.figures.graphs import network
from workbench.figures.journeys import passage, passages
from workbench.figures.lattice import rollout, rollouts
from workbench.figures.membranes import membrane
from workbench.figures.moments import moment, scene
from workbench.figures.prices import energy
from workbench.figures.spikes import raster
from workbench.figures.strips import frames
from workbench.figures.tableaus import tableau
from workbench.figures.themes import darken
from workbench.figures.training import learning

__all__ = [
    "network",
    "tableau",
    "rollout",
    "rollouts",
    "recordings",
    "events",
    "frames",
    "moment",
    "scene",
    "learning",
    "accuracy",
    "accuracy_per_operation",
    "early_exit",
    "operations",
    "operations_by_edge",
    "energy",
    "raster",
    "membrane",
    "passage",
    "passages",
    "diagnosis",
    "causes",
    "confusion_over_time",
    "darken",
    "save",
]

register()
