"""A panel as a page that needs no kernel and no network: its controls choose among states that travel inside."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import ipywidgets
import plotly.graph_objects as go
from plotly.utils import PlotlyJSONEncoder

from workbench.atomic import replacing
from workbench.machine import find_version
from workbench.widgets._base.canvas import pack, pack_plotly, read_scripts, snapshot

FOLDER = Path(__file__).parent
MOST_STATES = 1000  # of one part: what is drawn within some seconds
Key = tuple[int, ...]
State = TypeVar("State")


@dataclass(frozen=True)
class Control:
    """A control that works in the page: its options in words, and the place of the one that it begins with."""

    label: str
    options: tuple[str, ...]
    value: int
    slider: bool = False
    tooltip: str = ""
    plays: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """One place of the page: a figure, words in HTML, the x of a time cursor over figures `followed`, or idle controls.

    `states` has a state for every combination of the `controls`, which are names; the key tells the place of each
    among its options.
    """

    kind: Literal["figure", "words", "cursor", "disabled"]
    controls: tuple[str, ...]
    states: Mapping[Any, Any]  # by Key
    width_px: int | None = None
    followed: bool = False


@dataclass(frozen=True, eq=False)
class SavedPage:
    """What a page shows: controls by name, rows of parts, and what does not move, in pairs of words."""

    title: str
    controls: Mapping[str, Control]
    rows: Sequence[Sequence[Part]]
    fixed: Sequence[tuple[str, str]] = ()


def write_saved_page(page: SavedPage, path: str | Path) -> None:
    """Write a page as one file of HTML, whole or not at all; ValueError for a name that does not end so."""
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise ValueError(f'save: {str(path)!r} would be a page; give it a name that ends in ".html"')
    content = _Content()
    parts = [[content.describe(part) for part in row] for row in page.rows]
    description = {
        "controls": [{"name": name, **vars(control)} for name, control in page.controls.items()],
        "fixed": page.fixed, "rows": parts, "values": content.values,
    }  # fmt: skip
    about = f"Saved on {date.today()} by the workbench {find_version()}; needs neither kernel nor network."
    pieces = {
        "title": html.escape(page.title), "about": html.escape(about),
        "style": (FOLDER / "canvas.css").read_text(encoding="utf-8"),
        "canvas": read_scripts(),
        "script": (FOLDER / "saved_page.js").read_text(encoding="utf-8"),
        "plotly": _encode(pack_plotly()), "arrays": _encode(gzip.compress(bytes(content.arrays), 9, mtime=0)),
        "description": _encode(gzip.compress(json.dumps(description, cls=PlotlyJSONEncoder).encode(), 9, mtime=0)),
    }  # fmt: skip
    text = (FOLDER / "saved_page.html").read_text(encoding="utf-8")
    for name, piece in pieces.items():
        text = text.replace(f"{{{{{name}}}}}", piece)
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


def read_options(control: ipywidgets.Widget) -> tuple[tuple[Any, str], ...]:
    """The values that a slider or a drop-down can take, each with its words.

    >>> read_options(ipywidgets.IntSlider(1, 0, 2))
    ((0, '0'), (1, '1'), (2, '2'))
    >>> read_options(ipywidgets.Dropdown(options=[("mean so far", "running"), ("last frame", "frame")]))
    (('running', 'mean so far'), ('frame', 'last frame'))
    """
    if hasattr(control, "options"):
        pairs = (each if isinstance(each, tuple) else (str(each), each) for each in control.options)
        return tuple((value, str(words)) for words, value in pairs)
    return tuple((value, str(value)) for value in range(control.min, control.max + 1, control.step))


def keep_control(
    control: ipywidgets.Widget, options: Sequence[tuple[Any, str]], *, value: Any = None, plays: bool = False
) -> Control:
    """A control as it works in the page: same label and tooltip, these options, at its own value or another."""
    values = [value for value, _ in options]
    return Control(
        control.description,
        tuple(words for _, words in options),
        values.index(control.value if value is None else value),
        slider=not isinstance(control, ipywidgets.Dropdown),
        tooltip=control.tooltip or "",
        plays=plays,
    )


def draw_states(
    controls: Sequence[ipywidgets.Widget], options: Sequence[Sequence[tuple[Any, str]]], draw: Callable[[], State]
) -> dict[Key, State]:
    """What `draw` returns for every combination of options; the value of a control that is disabled changes nothing."""
    states: dict[Key, State] = {}
    drawn: dict[tuple[Key, Key], State] = {}  # by the places of the controls that are enabled, and their options
    for key in combine(*map(len, options)):
        known = (drawn.get((places, tuple(key[place] for place in places))) for places, _ in tuple(drawn))
        state = next((each for each in known if each is not None), None)
        if state is None:
            for control, choices, place in zip(controls, options, key, strict=True):
                control.value = choices[place][0]
            state = draw()
            enabled = tuple(place for place, control in enumerate(controls) if not control.disabled)
            drawn[enabled, tuple(key[place] for place in enabled)] = state
        states[key] = state
    return states


def combine(*counts: int) -> Iterator[Key]:
    """The keys of all combinations of controls with so many options each.

    >>> list(combine(2, 1))
    [(0, 0), (1, 0)]
    """
    return itertools.product(*map(range, counts))


@dataclass
class _Content:
    """The states of all parts, equal ones once, and their numbers as one run of bytes, equal arrays once."""

    values: list[Any] = field(default_factory=list)
    arrays: bytearray = field(default_factory=bytearray)
    _seen: dict[str, int] = field(default_factory=dict)
    _placed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def describe(self, part: Part) -> dict[str, Any]:
        """A part as the page reads it: its states as numbers of values."""
        states = {",".join(map(str, key)): self._add(state) for key, state in part.states.items()}
        return {"kind": part.kind, "controls": part.controls, "states": states, "width": part.width_px,
                "followed": part.followed}  # fmt: skip

    def _add(self, state: Any) -> int:
        value = self._place(pack(snapshot(state))) if isinstance(state, go.Figure) else state
        text = json.dumps(value, cls=PlotlyJSONEncoder, sort_keys=True)
        if text not in self._seen:
            self._seen[text] = len(self.values)
            self.values.append(value)
        return self._seen[text]

    def _place(self, value: Any) -> Any:
        """A packed drawing with its arrays replaced by where they lie among the bytes."""
        if isinstance(value, list):
            return [self._place(each) for each in value]
        if not isinstance(value, dict):
            return value
        if not isinstance(value.get("buffer"), memoryview):
            return {key: self._place(each) for key, each in value.items()}
        raw = value["buffer"].tobytes()
        name = hashlib.blake2b(raw, person=value["dtype"].encode()).hexdigest() + str(value["shape"])
        if name not in self._placed:
            place = {"begin": len(self.arrays), "length": len(raw), "dtype": value["dtype"], "shape": value["shape"]}
            self._placed[name] = {"array": place}
            self.arrays += raw
        return self._placed[name]


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
