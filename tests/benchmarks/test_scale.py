"""What is measured of data that do not fit, and said on paper of a training: the tables and their sums."""

import numpy as np

import workbench as wb
from benchmarks.scale import data, training


def test_the_recordings_are_written_as_they_are_read(tmp_path):
    data.write_recordings(tmp_path, 10)
    found = wb.load(tmp_path, sensor=(34, 34), window_us=300_000, clock="own", progress=False)
    assert (len(found.train), len(found.test), found.classes) == (8, 2, ("left", "right"))
    assert (np.diff(found.train.starts) == data.EVENTS).all()
    assert found.train.left_out == 0


def test_memory_and_waiting_are_measured_in_a_process_of_their_own(monkeypatch):
    monkeypatch.setattr(data, "COUNTS", (10, 40))
    text = data.measure_data()
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith(("| 10", "| 40"))]
    assert [row[1] for row in rows] == ["10,000", "40,000"]
    assert all(50 < float(cell) < 5_000 for row in rows for cell in row[5:8])
    assert all(0 <= float(row[8].removesuffix(" |")) <= 100 for row in rows)
    assert "From 10 to 40 recordings the memory of the training changes by" in text


def test_a_training_on_paper_is_the_sum_of_its_parts():
    text = training.tell(step_s=8.0, drawing_s=0.1, cores=2, batch=32, numbers=110_000, norms=10)
    steps = 60 * 9_000 / 32
    # one machine of 16 cores is 8 times as fast; ten learn 4 of 32 recordings each; 8 ms to send numbers, 2 ms of norms
    expected = [steps * 1.0 / 3600, steps * (max(1.0 * 4 / 32, 0.1) + 0.010) / 3600, steps * (0.1 + 0.010) / 3600]
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith(("| 1 ", "| 10 ", "| 100 "))]
    assert [row[-1].removesuffix(" |") for row in rows] == [f"{hours:.1f}" for hours in expected]
    assert "20 messages of 0.1 ms for 10 batch norms" in text
