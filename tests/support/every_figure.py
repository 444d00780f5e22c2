"""Every figure there is, of small models and tables."""

from __future__ import annotations

from functools import cache

import pandas as pd
import plotly.graph_objects as go

import workbench as wb
from tests.support import tiny
from tests.support.tables import sweep
from workbench import figures
from workbench.analysis.membrane_trace import trace_membrane
from workbench.analysis.recording_trace import trace_recording


@cache
def drawn() -> dict[str, go.Figure]:
    """Every figure that there is, by the name of its function."""
    some, ann, snn = tiny.recordings(), tiny.ann(), tiny.snn()
    rollout, recording_trace = wb.Rollout(tiny.network(), 4), trace_recording(snn, some, recording=0)
    costs, diagnosis = wb.compare({"ANN": ann, "SNN": snn}, some), wb.diagnose(ann, snn, some)
    trace = trace_membrane(snn, recording_trace.activity, "v0", 1)
    counts = some.as_frames([0])[:, 0]
    history = pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 0.5], "accuracy": [0.5, 0.75]})
    return {
        "network": figures.network(tiny.network()),
        "tableau": figures.tableau(rollout),
        "rollout": figures.rollout(rollout),
        "rollouts": figures.rollouts(rollout, rollout),
        "recordings": figures.recordings(some),
        "events": figures.events(some[0], some.shape, some.window_us),
        "frames": figures.frames(counts, some.window_us),
        "emission": figures.emission([0.4, 0.9, 0.6, 0.8], ticks_per_frame=4),
        "frame": figures.frame(counts, 1, some.window_us),
        "image": figures.image(counts[0], "input"),
        "learning": figures.learning(history),
        "accuracy": figures.accuracy(costs),
        "accuracy_per_operation": figures.accuracy_per_operation(costs),
        "early_exit": figures.early_exit(sweep()),
        "operations": figures.operations(costs),
        "operations_by_edge": figures.operations_by_edge(wb.operations(snn, some)),
        "energy": figures.energy(costs),
        "raster": figures.raster(recording_trace.activity, ticks_per_frame=4),
        "membrane": figures.membrane(trace),
        "recording_trace": figures.recording_trace(recording_trace, trace, "v0 1"),
        "recording_traces": figures.recording_traces(
            {"ANN": trace_recording(ann, some, recording=0), "SNN": recording_trace}
        ),
        "diagnosis": figures.diagnosis(diagnosis),
        "causes": figures.causes(diagnosis),
        "confusion_over_time": figures.confusion_over_time(wb.count_confusions(snn, some)),
        "answers": figures.answers(wb.evaluate(snn, some, rows=True)),
        "recall": figures.recall(wb.tabulate_recall(wb.evaluate(snn, some, rows=True))),
        "darken": figures.darken(figures.accuracy(costs)),
    }
