"""The page of the architecture: what it names is there, and what it says of imports is what the sources say."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.architecture import PACKAGE, TEXT, WINGS, count_imports, draw, tabulate

ROOT = Path(__file__).parents[2]
PAGE = TEXT.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z_]+/[a-z_/.]*)`", PAGE))))
def test_every_room_that_the_page_names_is_there(path: str) -> None:
    places = [root / path for root in (PACKAGE, ROOT)]
    assert any(place.exists() for place in places), path


@pytest.mark.parametrize("name", sorted(set(re.findall(r"^\d+\. `([\w.]+)`", PAGE, re.MULTILINE))))
def test_every_stop_of_a_recording_is_there(name: str) -> None:
    wing, _, thing = name.partition(".")
    assert hasattr(import_module(f"workbench.{wing}"), thing) or import_module(f"workbench.{name}")


def test_an_arc_for_every_import_and_a_row_for_every_wing() -> None:
    imports = count_imports()
    figure = draw(imports)
    assert {trace.name for trace in figure.data} == {f"{above} -> {below}" for above, below in imports} | {"wings"}
    for (above, below), count in imports.items():
        (arc,) = (trace for trace in figure.data if trace.name == f"{above} -> {below}")
        assert (round(arc.y[0]), round(arc.y[-1])) == (WINGS.index(above), WINGS.index(below))
        assert f" {count} names" in arc.hovertext
    assert tabulate()["wing"].tolist() == [f"`{wing}/`" for wing in WINGS]
