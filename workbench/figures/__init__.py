"""Figures: pure functions from values and tables to plotly figures, never shown as a side effect."""

from workbench.figures.answers import accuracy, accuracy_per_operation
from workbench.figures.confusions import confusion_over_time
from workbench.figures.costs import operations
from workbench.figures.doctors import diagnosis
from workbench.figures.files import save
from workbench.figures.lattice import rollout, rollouts
from workbench.figures.prices import energy
from workbench.figures.spikes import raster
from workbench.figures.strips import frames
from workbench.figures.themes import darken
from workbench.figures.training import learning

__all__ = [
    "rollout", "rollouts", "learning", "accuracy", "accuracy_per_operation", "operations", "energy", "raster",
    "frames", "confusion_over_time", "diagnosis", "darken", "save",
]  # fmt: skip
