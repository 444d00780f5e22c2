"""The report of a study: prices, also where there are none, and what the critics say."""

import html
import re
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import workbench as wb
from tests.support import tiny
from workbench.evaluation.energy import price
from workbench.evaluation.literature_bounds import summarise_bounds
from workbench.study import report
from workbench.study.main_job import MATCHED_SNN, SEQUENTIAL_ANN, STREAMING_ANN, UNMATCHED_SNN, Study


@pytest.fixture(scope="module")
def study() -> Study:
    models = {STREAMING_ANN: tiny.ann(), MATCHED_SNN: tiny.snn(), SEQUENTIAL_ANN: tiny.ann(), UNMATCHED_SNN: tiny.snn()}
    dataset = SimpleNamespace(name="tiny", test=tiny.recordings(), window_us=1000, split="no split", classes=("a", "b"))
    history = pd.DataFrame({"epoch": [1], "loss": [1.0], "accuracy": [0.5]})
    return Study(dataset, tiny.network(), models, {STREAMING_ANN: history}, wb.compare(models, tiny.recordings()))


def test_the_page_shows_every_price_and_hears_the_critics(study: Study, tmp_path: Path) -> None:
    report.write_report([study], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert html.escape(summarise_bounds(study.costs)) in page
    chip = re.sub(r"\s*<[^>]*>\s*", " ", page[page.index("<td>Loihi</td>") :])
    assert re.match(r" ?Loihi +no price +[\d.]+ +no price +[\d.]+ +Loihi, 14 nm", chip)
    assert "<td>Dampfhoffer 2023</td>" in page
    assert list(tmp_path.iterdir()) == [tmp_path / "report.html"]


def test_the_ratios_are_those_of_arithmetic_alone(study: Study) -> None:
    last = study.costs.groupby("model", sort=False).tail(1).set_index("model")
    names = ("fp32", "fp32, zeros skipped", "fp16", "int8", "int8, zeros skipped")
    ratios = [price(last, name)[STREAMING_ANN] / price(last, name)[MATCHED_SNN] for name in names]
    assert f"takes {min(ratios):.1f} to {max(ratios):.1f} times the energy of the SNN" in report.summarise_study(study)
