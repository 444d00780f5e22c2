"""The report of a study: prices, also where there are none, and what the critics say."""

import html
import re
from pathlib import Path

import pytest

import workbench as wb
from tests.support import tiny_study
from workbench.evaluation import describe_reversing_price, tabulate_reversing_prices
from workbench.evaluation.energy import price
from workbench.evaluation.literature_bounds import summarise_bounds
from workbench.machine import describe_machine
from workbench.study import report
from workbench.study.main_job import MATCHED_SNN, STREAMING_ANN, Study


@pytest.fixture(scope="module")
def study() -> Study:
    return tiny_study.study()


def test_the_page_shows_every_price_and_hears_the_critics(study: Study, tmp_path: Path) -> None:
    report.write_report([study], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert html.escape(summarise_bounds(study.costs)) in page
    chip = re.sub(r"\s*<[^>]*>\s*", " ", page[page.index("<td>Loihi</td>") :])
    assert re.match(r" ?Loihi +no price +[\d.]+ +no price +[\d.]+ +Loihi, 14 nm", chip)
    assert "<td>Dampfhoffer 2023</td>" in page
    assert list(tmp_path.iterdir()) == [tmp_path / "report.html"]


def test_the_ratios_are_those_of_all_presets_that_price_both(study: Study) -> None:
    last = study.costs.groupby("model", sort=False).tail(1).set_index("model")

    def span(names: tuple[str, ...]) -> str:
        ratios = [price(last, name)[STREAMING_ANN] / price(last, name)[MATCHED_SNN] for name in names]
        return f"{min(ratios):.2g} to {max(ratios):.2g} times"

    words = report.summarise_study(study)
    alone = span(("fp32", "fp32, zeros skipped", "fp16", "int8", "int8, zeros skipped"))
    memory = span(("fp32 with memory", "fp16 with memory", "int8 with memory", "int32 with memory"))
    assert f"takes {alone} the energy of the matched SNN by arithmetic alone" in words
    assert f"and {memory} with every access of memory priced (below 1 the SNN takes more)" in words


def test_a_colleague_learns_how_it_was_made(study: Study, tmp_path: Path) -> None:
    report.write_report([study], tmp_path / "report.html")
    text = html.unescape(
        re.sub(r"(?s)<script.*?</script>|<style.*?</style>", "", (tmp_path / "report.html").read_text("utf-8"))
    )
    rows = {what: how for what, how in re.findall(r"<td>([^<]*)</td>\s*<td>([^<]*)</td>\s*</tr>", text)}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d \S*", rows["written"])
    assert rows["by"] == f"workbench {wb.__version__}"
    assert rows["on"] == describe_machine()
    assert rows["recordings"] == "tiny (no split)"
    for name, model in study.models.items():
        assert f"<td>{name}</td>" in text
        assert repr(model) in text
    assert repr(study.models[MATCHED_SNN].conversion_options) in text
    assert repr(study.network) in text
    for heading in ("Where the conversion loses, on 4 recordings", "Which class the matched SNN takes for which"):
        assert f"<h3>{heading}</h3>" in text


def test_every_verdict_comes_with_the_price_that_reverses_it(study: Study, tmp_path: Path) -> None:
    report.write_report([study], tmp_path / "report.html")
    text = html.unescape((tmp_path / "report.html").read_text("utf-8"))
    table = tabulate_reversing_prices(study.costs)
    assert set(table["cheaper"]) == {True, False}, "both kinds of verdicts are here"
    for _, row in table.iterrows():
        assert f"<td>{describe_reversing_price(row)}</td>" in text
