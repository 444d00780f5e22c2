"""Saved pages hold what the panel shows for the same values of its controls, and leave the panel as it was."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.support import tiny
from workbench import widgets
from workbench.widgets._base.canvas import pack_plotly, snapshot
from workbench.widgets._base.panel import Panel

MOST_MB = 5.0  # beside the drawing library
MODELS = {"ANN": tiny.ann, "SNN": tiny.snn}
PANELS: dict[str, Callable[[], Panel]] = {
    "rollouts": lambda: widgets.rollouts(tiny.network(), frames=3),
    "player": lambda: widgets.player(tiny.recordings()),
    "raster": lambda: widgets.raster({"v1": tiny.recordings().as_ticks([0])}, ticks_per_frame=4),
    "operations": lambda: widgets.operations({name: make() for name, make in MODELS.items()}, tiny.recordings()),
    "convert": lambda: widgets.convert(tiny.ann(), tiny.recordings(), validation=tiny.recordings()),
    "explore": lambda: widgets.explore(tiny.snn(), tiny.recordings(), recording=1),
    "compare": lambda: widgets.compare({name: make() for name, make in MODELS.items()}, tiny.recordings()),
}


class Page:
    """A saved page as its script reads it."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8")
        self.content = json.loads(self.unzip("description"))
        self.arrays = self.unzip("arrays")
        self.controls = {control["name"]: control for control in self.content["controls"]}
        self.parts = [part for row in self.content["rows"] for part in row]

    def unzip(self, name: str) -> bytes:
        found = re.search(rf'id="{name}">([^<]*)<', self.text)
        assert found is not None
        return gzip.decompress(base64.b64decode(found[1]))

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [part for part in self.parts if part["kind"] == kind]

    def state(self, part: dict[str, Any], **places: int) -> Any:
        """What a part shows where the controls stand at these places, the others where they begin."""
        key = [places.get(name, self.controls[name]["value"]) for name in part["controls"]]
        return self.place(self.content["values"][part["states"][",".join(map(str, key))]])

    def place(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.place(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "array" in value:
            where = value["array"]
            raw = self.arrays[where["begin"] : where["begin"] + where["length"]]
            return np.frombuffer(raw, where["dtype"]).reshape(where["shape"]).tolist()
        return {key: self.place(each) for key, each in value.items()}


def plain(value: Any) -> Any:
    """A drawing with its numbers in lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and np.isnan(value) else value


def alike(one: Any, other: Any) -> bool:
    """Whether two drawings are equal, numbers to the precision in which they travel, NaN and null alike."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float | int) and isinstance(other, float | int):
        return bool(np.isclose(one, other, rtol=1e-6, atol=0, equal_nan=True))
    return plain(one) == plain(other)


@pytest.mark.parametrize("name", PANELS)
def test_a_page_begins_as_the_panel_stands_and_leaves_it_so(name: str, tmp_path: Path) -> None:
    panel = PANELS[name]()
    before = plain(snapshot(panel.figure)), panel.note.value, panel.selection, panel.figure._drawing["revision"]
    panel.save(tmp_path / "page.html")
    assert (
        plain(snapshot(panel.figure)),
        panel.note.value,
        panel.selection,
        panel.figure._drawing["revision"],
    ) == before
    page = Page(tmp_path / "page.html")
    assert alike(page.state(page.of_kind("figure")[-1]), before[0])
    shown = next(page.state(part) for part in page.of_kind("words"))
    assert before[1].startswith(shown), "the note, less what only a kernel can do"
    assert f"<title>{panel.title}</title>" in page.text
    assert not re.search(r"""(src|href)=["']|https?://""", re.sub(r'(?s)id="plotly">[^<]*<', "", page.text))
    panel.close()


@pytest.mark.parametrize("name", ["rollouts", "operations", "convert"])
def test_every_state_is_what_the_panel_shows_there(name: str, tmp_path: Path) -> None:
    panel = PANELS[name]()
    panel.save(tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    controls = panel._saved_controls()
    assert set(page.controls) == set(controls)
    figure, note = page.of_kind("figure")[0], page.of_kind("words")[0]
    keys = list(product(*(range(len(page.controls[each]["options"])) for each in figure["controls"])))
    assert len(keys) == len(figure["states"])
    for key in [keys[i] for i in np.random.default_rng(0).permutation(len(keys))[:12]]:
        places = dict(zip(figure["controls"], key, strict=True))
        values = {each: read(controls[each], page.controls[each], place) for each, place in places.items()}
        panel.set(**values)
        assert alike(page.state(figure, **places), plain(snapshot(panel.figure)))
        assert page.state(note, **places) == panel.note.value
        idle = page.state(page.of_kind("disabled")[0], **places)
        assert idle == [each for each, control in controls.items() if control.disabled]
    panel.close()


def read(control: Any, saved: dict[str, Any], place: int) -> Any:
    """The value of a control whose words stand at a place of the saved one."""
    words = saved["options"][place]
    if not hasattr(control, "options"):
        return int(words)
    pairs = [each if isinstance(each, tuple) else (str(each), each) for each in control.options]
    return dict(pairs)[words]


def test_time_recordings_and_nodes_travel_with_explore(tmp_path: Path) -> None:
    panel = widgets.explore(tiny.snn(), tiny.recordings(), recording=1, reference=tiny.ann())
    panel.save(tmp_path / "page.html", recordings=[2, 1])
    page = Page(tmp_path / "page.html")
    assert page.controls["recording"]["options"] == ["2", "1"]
    assert page.controls["recording"]["value"] == 1, "it begins with the one in view"
    scene, figure = page.of_kind("figure")
    note, numbers = page.of_kind("words")
    for place, recording in enumerate([2, 1]):
        for node, name in enumerate(panel.node.options):
            panel.set(recording=recording, node=name)
            panel.unit.value = panel._busiest(panel.recording_trace, name)
            assert alike(page.state(figure, recording=place, node=node), plain(snapshot(panel.figure)))
            for step in (0, 7, 19):
                panel.clock.step.value = step
                assert page.state(numbers, recording=place, node=node, step=step) == panel.now.value
                assert alike(page.state(scene, recording=place, step=step), plain(snapshot(panel.image)))
                assert page.state(page.of_kind("cursor")[0], step=step) == pytest.approx(panel.figure.cursor)
        assert panel.note.value.startswith(page.state(note, recording=place))
        assert "ANN and SNN" in page.state(note, recording=place)


def test_time_and_answers_travel_with_compare(tmp_path: Path) -> None:
    panel = widgets.compare({name: make() for name, make in MODELS.items()}, tiny.recordings())
    panel.save(tmp_path / "page.html", recordings=[0, 3])
    page = Page(tmp_path / "page.html")
    figure, numbers = page.of_kind("figure")[0], page.of_kind("words")[1]
    for place, recording in enumerate([0, 3]):
        for answer, value in enumerate(["running", "frame"]):
            panel.set(recording=recording, answer=value)
            assert alike(page.state(figure, recording=place, answer=answer), plain(snapshot(panel.figure)))
            for step in (0, 11, 19):
                panel.clock.step.value = step
                assert page.state(numbers, recording=place, answer=answer, step=step) == panel.now.value
    assert page.content["fixed"] == [["left", "ANN"], ["right", "SNN"]]


def test_all_views_travel_with_the_player(tmp_path: Path) -> None:
    panel = widgets.player(tiny.recordings())
    panel.save(tmp_path / "page.html", recordings=range(2))
    page = Page(tmp_path / "page.html")
    figure = page.of_kind("figure")[0]
    for view, name in enumerate(panel.view.options):
        for tick in (0, 5, 19):
            panel.set(view=name, recording=1)
            panel.clock.step.value = tick if panel.clock.step.max == 19 else tick // 4
            assert alike(page.state(figure, view=view, recording=1, step=tick), plain(snapshot(panel.figure)))


def test_a_recording_of_a_real_size_is_light(tmp_path: Path) -> None:
    ticks = np.random.default_rng(0).poisson(0.02, (96, 4, 2, 34, 34))
    recordings = wb.Recordings.from_ticks(ticks, labels=[0, 1, 2, 3], ticks_per_frame=12)
    network = wb.Network(
        {"retina": (2, 34, 34)},
        [wb.Edge("retina", "v1", wb.Conv(16, 5, stride=2)), wb.Edge("v1", "v2", wb.Conv(32, 3, stride=2)),
         wb.Edge("v2", "class", wb.Dense(4))],
    )  # fmt: skip
    snn = wb.convert(wb.Model(network, norm=None), recordings, percentile=99.9)
    panel = widgets.explore(snn, recordings)
    panel.save(tmp_path / "page.html")
    library = len(base64.b64encode(pack_plotly()))
    assert (tmp_path / "page.html").stat().st_size - library < MOST_MB * 1e6


def test_what_cannot_be_saved_is_refused_in_words(tmp_path: Path) -> None:
    panel = widgets.explore(tiny.snn(), tiny.recordings())
    with pytest.raises(ValueError, match=r'give it a name that ends in "\.html"'):
        panel.save(tmp_path / "page.pdf")
    for recordings in ([], [4], [-1], [0.5]):
        with pytest.raises(ValueError, match="must name some of the 4 there are, from 0 on"):
            panel.save(tmp_path / "page.html", recordings=recordings)
    assert list(tmp_path.iterdir()) == []


def test_names_with_markup_are_words_in_the_page(tmp_path: Path) -> None:
    some = tiny.recordings()
    named = wb.Recordings.from_ticks(
        some.as_ticks(range(4)).astype(int), some.labels, ("<b>left</b>", "</script>", "a&b"), ticks_per_frame=4
    )
    panel = widgets.explore(tiny.ann(), named, recording=1)
    panel.save(tmp_path / "page.html")
    page = Page(tmp_path / "page.html")
    assert "</script>" not in "".join(page.state(part) for part in page.of_kind("words"))
    assert page.text.count("</script>") == page.text.count("<script"), "no name ends the script"
