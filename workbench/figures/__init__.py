"""Figures: pure functions from values and tables to plotly figures, never shown as a side effect.

How they count frames and spell names: docs/conventions.md.

_accuracy            accuracy over time, or against operations or energy
_answers             what every recording is answered as, frame by frame
_confusion           confusion matrices over time
_dark_theme          the same figure for dark pages
_dataset_overview    some recordings, recordings per class, event rates
_diagnosis           where a conversion loses accuracy
_early_exit          accuracy against what stopping sooner saves
_emission            one drive in neurons that spike at once, and that count before they send
_energy              energy over time, and where spiking models stop being cheaper
_error_causes        each node's error, divided among its causes
_event_cloud         the events of one recording in space and time
_export              figures as pages, pictures and tables in files
_numbers             the numbers that a figure shows, as a table
_picture             pictures at the size at which they are printed
_table_files         tables as .csv, .tex and .md
_frame               one step of a recording
_frames              the frames of a recording side by side
_membrane            one neuron over time
_network             a network: nodes, edges, delays
_network_sources     networks that stand in files and in modules of torch
_operations          operations over time
_operations_by_edge  operations of every edge
_raster              spikes of every node over time
_recall              how much of every class is recognised
_recording_trace     one recording in one or several models over time
_rollouts            a network unrolled in time
_sweep               the points of a sweep, in three views
_tableau             the order in which a rollout is computed
_training_curves     loss and accuracy by epoch
_swept_points        of a sweep: which points are drawn, and how they are said
_parallel_coordinates  of a sweep: a line a point across all columns
_sweep_map           of a sweep: a result over two parameters
_trade_off           of a sweep: what is gained for what is spent
_raster_bands        of a raster: which part of it is in view, and what is drawn of it
_layout/             graph drawing: positions of nodes, edges and labels
_legend              the legend of every figure, below it
_style               colours, symbols, and the template of every figure
_words               names as they are typed, texts in lines, moments in words
_figure              the class of all figures: a plotly figure with its still
_stills              figures as small pictures
_browser             the headless browser that renders stills
_ipython             the running IPython, if there is one
_voila               figures in Voila
_fit                 the same figure laid out for another width
_live                the scripts by which figures follow a page's width and colours: fit.js, dark.js, live.js
_notebook_display    rich display: values shown as figures in notebooks
_for_panels          what panels use of figures besides the functions
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
    """The figures only, without modules and helpers."""
    return __all__


def __getattr__(name: str) -> Callable[..., Any]:
    """AttributeError that lists the figures; registered functions are found before this is called."""
    raise AttributeError(f"workbench.figures has no figure {name!r}; it has {', '.join(__all__)}")
