"""Every figure there is, of small models and tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import plotly.graph_objects as go

import workbench as wb
from tests.support.tables import sweep, swept
from workbench import figures
from workbench.analysis.membrane_trace import trace_membrane
from workbench.analysis.recording_trace import trace_recording


@cache
def drawn(spell: Callable[[str], str] = str) -> dict[str, go.Figure]:
    """Every figure that there is, by the name of its function; all names as `spell` spells them."""
    network, some = _network(spell), _recordings(spell)
    ann = wb.Model(network, seed=3, norm=None).eval()
    snn = wb.convert(ann, some, percentile=99.9)
    rollout, recording_trace = wb.Rollout(network, 4), trace_recording(snn, some, recording=0)
    names = spell("ANN"), spell("SNN")
    costs, diagnosis = wb.compare(dict(zip(names, (ann, snn), strict=True)), some), wb.diagnose(ann, snn, some)
    trace = trace_membrane(snn, recording_trace.activity, spell("v0"), 1)
    exits = sweep()
    counts = some.as_frames([0])[:, 0]
    history = pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 0.5], "accuracy": [0.5, 0.75]})
    return {
        "network": figures.network(network),
        "tableau": figures.tableau(rollout),
        "rollout": figures.rollout(rollout),
        "rollouts": figures.rollouts(rollout, rollout, names=names),
        "recordings": figures.recordings(some),
        "events": figures.events(some[0], some.shape, some.window_us),
        "frames": figures.frames(counts, some.window_us),
        "emission": figures.emission([0.4, 0.9, 0.6, 0.8], ticks_per_frame=4),
        "frame": figures.frame(counts, 1, some.window_us),
        "image": figures.image(counts[0], spell("input")),
        "learning": figures.learning(history),
        "accuracy": figures.accuracy(costs),
        "accuracy_per_operation": figures.accuracy_per_operation(costs),
        "early_exit": figures.early_exit(exits.assign(model=exits["model"].map(spell))),
        "operations": figures.operations(costs),
        "operations_by_edge": figures.operations_by_edge(wb.operations(snn, some)),
        "energy": figures.energy(costs),
        "raster": figures.raster(recording_trace.activity, ticks_per_frame=4),
        "membrane": figures.membrane(trace),
        "recording_trace": figures.recording_trace(recording_trace, trace, f"{spell('v0')} 1"),
        "recording_traces": figures.recording_traces(
            dict(zip(names, (trace_recording(ann, some, recording=0), recording_trace), strict=True))
        ),
        "diagnosis": figures.diagnosis(diagnosis),
        "causes": figures.causes(diagnosis),
        "confusion_over_time": figures.confusion_over_time(wb.count_confusions(snn, some)),
        "answers": figures.answers(wb.evaluate(snn, some, rows=True)),
        "recall": figures.recall(wb.tabulate_recall(wb.evaluate(snn, some, rows=True))),
        "sweep": figures.sweep(swept(spell)),
        "sweep-map": figures.sweep(swept(spell), "heat map"),
        "sweep-trade-off": figures.sweep(swept(spell), "trade-off"),
        "darken": figures.darken(figures.accuracy(costs)),
    }


def _network(spell: Callable[[str], str]) -> wb.Network:
    """A chain of two nodes between an eye and a hand."""
    ends = pairwise(["eye", "v0", "v1", "hand"])
    edges = [wb.Edge(spell(source), spell(target), wb.Dense(3 if target == "hand" else 4)) for source, target in ends]
    return wb.Network({spell("eye"): (2, 3, 3)}, edges)


def _recordings(spell: Callable[[str], str]) -> wb.Recordings:
    """Random recordings of three classes."""
    counts, labels = np.random.default_rng(0).poisson(0.5, (20, 4, 2, 3, 3)), np.arange(4) % 3
    recordings = wb.Recordings.from_ticks(counts, labels, tuple(map(spell, ("left", "right", "up"))), ticks_per_frame=4)
    return replace(recordings, name=spell("recordings"))
