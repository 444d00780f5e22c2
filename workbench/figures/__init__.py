"""Figures: pure functions from values and tables to plotly figures, never shown as a side effect."""

from workbench.figures._accuracy import accuracy, accuracy_per_operation
from workbench.figures._confusion import confusion_over_time
from workbench.figures._dark_theme import darken
from workbench.figures._dataset_overview import recordings
from workbench.figures._diagnosis import diagnosis
from workbench.figures._early_exit import early_exit
from workbench.figures._energy import energy
from workbench.figures._error_causes import causes
from workbench.figures._event_cloud import events
from workbench.figures._export import save
from workbench.figures._frame import frame, image
from workbench.figures._frames import frames
from workbench.figures._membrane import membrane
from workbench.figures._network import network
from workbench.figures._operations import operations
from workbench.figures._operations_by_edge import operations_by_edge
from workbench.figures._raster import raster
from workbench.figures._recording_trace import recording_trace, recording_traces
from workbench.figures._rollouts import rollout, rollouts
from workbench.figures._tableau import tableau
from workbench.figures._training_curves import learning

__all__ = [
    "network",
    "tableau",
    "rollout",
    "rollouts",
    "recordings",
    "events",
    "frames",
    "frame",
    "image",
    "learning",
    "accuracy",
    "accuracy_per_operation",
    "early_exit",
    "operations",
    "operations_by_edge",
    "energy",
    "raster",
    "membrane",
    "recording_trace",
    "recording_traces",
    "diagnosis",
    "causes",
    "confusion_over_time",
    "darken",
    "save",
]
