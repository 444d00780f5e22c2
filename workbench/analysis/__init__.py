"""Why, and where: one recording, one neuron, one conversion looked at closely.

diagnosis            `diagnose`: every node of the SNN held against the ANN
error_decomposition  the causes of a spiking node's error in a frame
recording_trace      everything that one recording does in one model
membrane_trace       drive, membrane and spikes of one neuron
spike_trains         spikes of one node as a sparse list, and how many fall into a pixel
"""

from workbench.analysis.diagnosis import diagnose
from workbench.analysis.error_decomposition import CAUSES
from workbench.analysis.membrane_trace import trace_membrane
from workbench.analysis.recording_trace import RecordingTrace, trace_recording
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
    "CAUSES",
    "RecordingTrace",
    "SpikeTrain",
    "are_counts",
    "bin_spikes",
    "choose_recording",
    "count_between",
    "cut_spikes",
    "diagnose",
    "trace_recording",
    "gather_spikes",
    "trace_membrane",
]
