"""Figures: pure functions from values and tables to plotly figures, never shown as a side effect.

_accuracy            accuracy over time, or against operations or energy
_confusion           which class is taken for which, over time
_dark_theme          the same figure for dark pages
_dataset_overview    a set of recordings at a glance
_diagnosis           where a conversion loses accuracy
_early_exit          accuracy against what stopping sooner saves
_energy              energy over time, and where spikes stop being cheaper
_error_causes        each node's error, divided among its causes
_event_cloud         the events of one recording in space and time
_export              figures as pages and pictures
_frame               one step of a recording
_frames              the frames of a recording side by side
_membrane            one neuron over time
_network             a network: nodes, edges, delays
_operations          operations over time
_operations_by_edge  operations of every edge
_raster              spikes of every node over time
_recording_trace     what one recording does in one or several models
_rollouts            a network unrolled in time
_tableau             in which order the rollout can be computed
_training_curves     loss and accuracy by epoch
_raster_bands        of a raster: which part of it is in view, and what is drawn of it
_layout/             where nodes, edges and labels go in the plane
_style               colours, symbols, and the template of every figure
_figure              the plotly figure that all figures are, with its still
_stills              figures as small pictures
_browser             the browser that draws stills
_ipython             the IPython that runs here, if one does
_voila               figures in Voila
_notebook_display    values that show themselves as figures
_registry            the functions that this namespace shows
"""

from collections.abc import Callable
from typing import Any

from workbench.discovery import import_rooms
from workbench.figures._registry import FIGURES

import_rooms(__name__, __path__)
globals().update(FIGURES)
__all__ = sorted(FIGURES)  # the functions enter themselves


def __dir__() -> list[str]:
    """The figures, and nothing that lies here by the way."""
    return __all__


def __getattr__(name: str) -> Callable[..., Any]:
    """AttributeError, with the figures that there are; what is registered is found before this is asked."""
    raise AttributeError(f"workbench.figures has no figure {name!r}; it has {', '.join(__all__)}")
