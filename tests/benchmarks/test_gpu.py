"""The benchmark of a GPU, on the CPU: it says where there is none, and its tables have a row for everybody."""

import time

import pytest
import torch

from benchmarks import gpu


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_ends(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gpu"])
    with pytest.raises(SystemExit) as end:
        gpu.main()
    assert end.value.code == 2
    assert "No GPU is at hand" in capsys.readouterr().err
    assert gpu.report_if_any().startswith("No GPU was at hand when this page was written.")


def test_the_report_has_both_tables_and_the_bits(monkeypatch):
    for name, value in {"BATCH": 2, "STEPS": 6, "FRAMES": 6}.items():
        monkeypatch.setattr(gpu, name, value)
    text = gpu.report(torch.device("cpu"), budget=0.1)
    assert "Measured on the CPU itself" in text
    assert "| workbench, ANN | " in text
    assert "| workbench, dense | " in text
    assert text.endswith("d: bit for bit, out: bit for bit.")


def test_who_would_begin_too_late_is_left_out():
    table, given = gpu.take_turns({"one": lambda: int, "other": lambda: int}, time.monotonic() - 1)
    assert given == {"one": 0}
    assert table.loc["one", "to one"] == "1.00"
    assert table.loc["other", "ms"] == "left out: the time was up"
