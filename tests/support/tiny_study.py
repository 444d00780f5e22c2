"""A study of tiny models, as the main job makes them, for the tests of its report."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import pandas as pd

import workbench as wb
from tests.support import tiny
from workbench.study.main_job import MATCHED_SNN, SEQUENTIAL_ANN, STREAMING_ANN, UNMATCHED_SNN, Study


@cache
def study() -> Study:
    """Four models that were not trained, on four recordings."""
    models = {STREAMING_ANN: tiny.ann(), MATCHED_SNN: tiny.snn(), SEQUENTIAL_ANN: tiny.ann(), UNMATCHED_SNN: tiny.snn()}
    dataset = SimpleNamespace(name="tiny", test=tiny.recordings(), window_us=1000, split="no split", classes=("a", "b"))
    history = pd.DataFrame({"epoch": [1], "loss": [1.0], "accuracy": [0.5]})
    return Study(dataset, tiny.network(), models, {STREAMING_ANN: history}, wb.compare(models, tiny.recordings()))
