"""The benchmark of several devices: its page says what was measured, on what, and who else wanted the processor."""

import pandas as pd
import pytest

import workbench as wb
from benchmarks import devices


def test_the_page_has_the_rounds_the_gain_and_the_losses():
    row = {
        "batch": 64, "one, ms": 60.4, "two together, ms": 33.0, "one beside another, ms": 64.0, "gain": 1.83,
        "most": 1.89, "start and end, s": 3.51, "losses apart": 1e-3,
    }  # fmt: skip
    resumed = pd.DataFrame({"float32": {"2 to 1": "4e-04"}, "float64": {"2 to 1": "6e-13"}})
    recordings = wb.load("digits", frames=2).train[:64]
    text = devices.tell(
        pd.DataFrame([row] * 3 + [row | {"batch": 160, "gain": 1.5}] * 3), resumed, recordings, load=0.1
    )
    assert "64 digits" in text
    assert "times as fast as one: 1.83 with batches of 64, 1.50 with batches of 160" in text
    assert "Medians of 3 rounds." in text
    assert "| 64 | 60.0 | 33.0 | 64.0 | 1.83 | 1.89 | 3.5 | 1e-03 |" in text
    assert "| 2 to 1 | 4e-04 | 6e-13 |" in text
    assert "wanted to run" not in text
    assert "; 2.5 other processes wanted to run" in devices.tell(pd.DataFrame([row]), resumed, recordings, load=2.5)


def test_a_step_is_measured_between_callbacks(monkeypatch):
    monkeypatch.setattr(devices, "STEPS", 6)
    taken = devices.measure(wb.load("digits", frames=6).train[:24], 1, batch=4)
    assert taken.step > 0
    assert taken.besides == pytest.approx(0, abs=60)
    assert list(taken.history["epoch"]) == [1]
