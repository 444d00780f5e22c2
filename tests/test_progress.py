"""Progress: a bar where somebody looks and the work goes on for some time, and nothing else where it does not."""

import os
import re
import subprocess
import sys
import termios
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import workbench as wb
from tests.support import tiny
from workbench import progress

ROOT = Path(__file__).parents[1]
WORK = """
import sys, time
from workbench.progress import show_progress
with show_progress(20, "count", "number", progress=sys.argv[2] == "shown") as bar:
    for number in range(20):
        time.sleep(float(sys.argv[1]) / 20)
        bar.note(square=f"{number ** 2}")
        bar.advance()
"""


def look(seconds: float, shown: str = "shown", terminal: bool = True) -> str:
    """What somebody sees who does this work, at a terminal or in a log."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 120))
    work = subprocess.Popen(
        [sys.executable, "-c", WORK, str(seconds), shown],
        cwd=ROOT, stdout=slave, stderr=slave if terminal else subprocess.PIPE,
    )  # fmt: skip
    os.close(slave)
    seen = b"" if terminal else work.communicate()[1]
    while True:
        try:
            seen += (read := os.read(master, 1 << 16))
        except OSError:  # the other side is closed
            read = b""
        if not read:
            break
    os.close(master)
    assert work.wait() == 0
    return seen.decode()


def test_a_terminal_sees_a_bar_with_an_estimate_once_the_work_goes_on():
    seen = look(2.5)
    assert re.search(r"count: +\d+%\|.+\| (1\d)/20 \[00:01<00:0[01], +[\d.]+ number/s, square=\d+\]", seen)
    assert "| 20/20 [00:02<00:00" in seen
    assert "| 1/20" not in seen


@pytest.mark.parametrize("way", [{"seconds": 0.1}, {"shown": "silent"}, {"terminal": False}], ids=str)
def test_short_work_silenced_work_and_logs_see_nothing(way):
    assert look(**{"seconds": 2.0} | way) == ""


def test_a_notebook_sees_a_widget_once_the_work_goes_on_and_nothing_before():
    code = WORK.replace("sys.argv[2]", "'shown'")
    cells = [nbformat.v4.new_code_cell(code.replace("sys.argv[1]", seconds)) for seconds in ("0.1", "2.0")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    short, long = (cell.outputs for cell in notebook.cells)
    assert short == []
    (bar,) = long
    assert "application/vnd.jupyter.widget-view+json" in bar.data


def test_the_bar_is_left_as_it_stands_however_the_work_ends(monkeypatch, capsys):
    monkeypatch.setattr(progress, "DELAY_S", 0)
    monkeypatch.setattr(progress, "is_watched", lambda: True)

    def work() -> None:
        with progress.show_progress(8, "count", "number", done=3) as bar:
            bar.advance(2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert "| 5/8 [" in capsys.readouterr().err


VERBS = {
    "evaluate": lambda **known: wb.evaluate(tiny.snn(), tiny.recordings(), **known),
    "compare": lambda **known: wb.compare({"ANN": tiny.ann(), "SNN": tiny.snn()}, tiny.recordings(), **known),
    "operations": lambda **known: wb.operations(tiny.snn(), tiny.recordings(), **known),
    "count_updates": lambda **known: wb.count_updates(tiny.ann(), tiny.recordings(), **known),
    "count_confusions": lambda **known: wb.count_confusions(tiny.snn(), tiny.recordings(), **known),
    "calibrate_exit": lambda **known: wb.calibrate_exit(tiny.ann(), tiny.recordings(90), loss=0.05, **known),
    "convert": lambda **known: wb.convert(tiny.ann(), tiny.recordings(), **known),
}
"""Verbs and what they go through: recordings one batch after the other, options of a conversion."""


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_show_how_far_they_have_come_to_the_end_unless_they_are_silenced(verb, monkeypatch, capsys):
    tiny.snn()  # whose conversion would show itself
    monkeypatch.setattr(progress, "DELAY_S", 0)
    monkeypatch.setattr(progress, "is_watched", lambda: True)
    VERBS[verb](progress=False)
    assert capsys.readouterr().err == ""
    VERBS[verb](batch=2)
    seen = capsys.readouterr().err
    bars = re.findall(r"(\w+): +100%\|[^\r]*\| (\d+)/(\d+) \[", seen)
    assert bars, seen
    assert {name for name, _, _ in bars} == {verb}
    assert bars[-1][1] == bars[-1][2]
    if verb != "convert":
        assert int(bars[-1][2]) == {"compare": 8, "calibrate_exit": 90}.get(verb, 4)


def test_the_environment_can_say_that_nobody_watches(monkeypatch):
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    assert progress.is_watched()
    monkeypatch.setenv("WORKBENCH_PROGRESS", "0")
    assert not progress.is_watched()
