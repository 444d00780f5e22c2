"""Why, and where: one recording, one neuron, one conversion looked at closely.

diagnosis             `diagnose`: every node of the SNN held against the ANN
diagnosis_summary     a diagnosis in short: mean error, symptoms and largest cause of every node
error_decomposition   the causes of a spiking node's error in a frame
recording_trace       everything that one recording does in one model
divergence            the frame in which two models part
recording_statistics  events by step, by recording and by class
membrane_trace        drive, membrane and spikes of one neuron
spike_trains          spikes of one node as a sparse list, and how many fall into a pixel
address_events        spikes of one node as events (x, y, t, p)
firing_rates          how much every node fires in one recording
rollout_table         a rollout in numbers: its kind, its order, who depends on whom
"""

from workbench.analysis.address_events import list_events
from workbench.analysis.diagnosis import diagnose
from workbench.analysis.diagnosis_summary import SYMPTOMS, summarise_causes, summarise_nodes
from workbench.analysis.divergence import Divergence, describe_divergence, find_divergence
from workbench.analysis.error_decomposition import CAUSES
from workbench.analysis.firing_rates import Activity, Units, find_busiest, gather_units, measure_rates, measure_size
from workbench.analysis.membrane_trace import summarise_membrane, trace_membrane
from workbench.analysis.recording_statistics import count_classes, count_events, name_parts, summarise_recordings
from workbench.analysis.recording_trace import RecordingTrace, compare_traces, tabulate_trace, trace_recording
from workbench.analysis.rollout_table import find_kind, find_roles, tabulate_rollout
from workbench.analysis.spike_trains import (
    SpikeTrain,
    are_counts,
    bin_spikes,
    choose_recording,
    count_between,
    cut_spikes,
    gather_spikes,
)

__all__ = [
    # a conversion
    "diagnose", "summarise_nodes", "summarise_causes", "CAUSES", "SYMPTOMS",
    # a recording in a model
    "RecordingTrace", "trace_recording", "tabulate_trace", "compare_traces", "trace_membrane", "summarise_membrane",
    "Divergence", "find_divergence", "describe_divergence",
    "Activity", "Units", "gather_units", "measure_rates", "measure_size", "find_busiest",
    "SpikeTrain", "gather_spikes", "are_counts", "bin_spikes", "choose_recording", "count_between", "cut_spikes",
    "list_events",
    # recordings
    "count_events", "count_classes", "summarise_recordings", "name_parts",
    # rollouts
    "find_kind", "find_roles", "tabulate_rollout",
]  # fmt: skip
