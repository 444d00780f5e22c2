"""The base of every panel: controls, a note, and a figure that follows them, with its numbers for the next cell."""

from __future__ import annotations

import html
import math
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench.figures._for_panels import add_still_metadata, attach, empty, wrap
from workbench.widgets._background.prefetch import PrefetchCache
from workbench.widgets._base.canvas import Bundle, Canvas
from workbench.widgets._base.cell_outputs import replace_panel
from workbench.widgets._base.controls import describe_controls, find_controls, write_footer
from workbench.widgets._base.lifetime import ClosableWidget, weak_callback
from workbench.widgets._base.saved_page import (
    MOST_STATES,
    Part,
    SavedPage,
    draw_states,
    keep_control,
    read_options,
    write_saved_page,
)

LETTERS = 90  # in a line of an error message


class Panel(ClosableWidget, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets carries no types
    """Controls over a figure that follows them.

    `figure` is the figure in view, `table` the numbers behind it, `selection` what is chosen: all three are there for
    the next cell. Where nothing can be drawn, the reason is shown instead of the figure.
    """

    title = "Panel"
    _background: tuple[PrefetchCache[Any, Any], ...] = ()  # later ones use earlier ones

    def __init__(self, controls: Iterable[ipywidgets.Widget], followed: Iterable[ipywidgets.Widget]) -> None:
        self.note = ipywidgets.HTML()
        self._paused = False
        self._lock = threading.RLock()  # background results draw between two answers to the user
        self.figure = Canvas(self._draw_or_explain(self._draw))
        self.figure.listen(self._answer_pointer)
        super().__init__([*controls, self.note, self.figure])
        self.add_class("workbench-panel")
        self._followed = tuple(followed)
        for control in self._followed:
            control.observe(weak_callback(self._change), "value")
        for control in find_controls(self):
            control.observe(weak_callback(self._update_words), ("value", "description", "disabled"))
        self._update_note()
        self._update_words()

    @property
    @abstractmethod
    def table(self) -> pd.DataFrame:
        """The numbers behind the figure in view."""

    @property
    @abstractmethod
    def selection(self) -> Any:
        """What is chosen, or None."""

    @abstractmethod
    def _draw(self) -> go.Figure:
        """The figure for the values of the controls; ValueError, with the reason for the user, where there is none."""

    def _note(self) -> str:
        """The note above the figure, as HTML."""
        return ""

    def _on_pointer(self, kind: str, trace: int, point: Any) -> None:
        """Answer to "hover" or "click" on a point: its index, of an image [row, column]."""

    def refresh(self) -> None:
        """Redraw for the values of the controls."""
        with self._lock:
            self.figure.draw(self._draw_or_explain(self._draw))
            self._update_note()
            self._update_words()

    def open(self) -> None:
        """Connect the panel and all its parts to a page."""
        for part in child_widgets(self):
            part.__dict__.pop("_repr_mimebundle_", None)
            part.open()
        super().open()

    def close(self) -> None:
        """Stop what runs in the background, drop prefetched results, and disconnect from the page.

        Only your own variables keep the panel and its models in memory then: its numbers can still be read, and shown
        again it opens again.
        """
        if self.comm is not None:  # one that was never opened has nothing to close
            self._stop_background()
            for part in child_widgets(self):
                part.close()
            super().close()

    def _stop_background(self) -> None:
        """Stop what runs in the background."""
        for cache in reversed(self._background):
            cache.release()

    def set(self, **values: Any) -> None:
        """Set several controls, named as the attributes of the panel, and draw once."""
        with self._pausing():
            for name, value in values.items():
                getattr(self, name).value = value
        self.refresh()

    def save(self, path: str | Path) -> None:
        """Save the panel as a page of HTML that needs no kernel and no network; its controls work on what travels.

        What cannot travel, as what would have to be computed anew, is named in the page with the value that it has.
        ValueError for a name that does not end in ".html".

        >>> import tempfile
        >>> from workbench import Dense, Edge, Network, widgets
        >>> panel = widgets.rollouts(Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))]), frames=2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     panel.save(f"{folder}/rollouts.html")
        ...     [file.name for file in Path(folder).iterdir()]
        ['rollouts.html']
        """
        with self._lock:
            write_saved_page(self._make_page(), path)

    def _saved_controls(self) -> dict[str, ipywidgets.Widget]:
        """The controls that work in a saved page, by a name, the most wanted first."""
        return {}

    def _make_page(self) -> SavedPage:
        """The panel as a page: note and figure for every combination of the saved controls."""
        offered = self._saved_controls()
        options: dict[str, tuple[tuple[Any, str], ...]] = {}
        for name, control in offered.items():
            choices = read_options(control)
            if len(choices) * math.prod(len(each) for each in options.values()) <= MOST_STATES:
                options[name] = choices
        names, controls = tuple(options), [offered[name] for name in options]
        kept = {name: keep_control(offered[name], choices) for name, choices in options.items()}
        with self._trying():
            states = draw_states(controls, tuple(options.values()), self._draw_state)
        idle, notes, figures = ({key: state[place] for key, state in states.items()} for place in range(3))
        rows = [[Part("disabled", names, idle)], [Part("words", names, notes)], [Part("figure", names, figures)]]
        return SavedPage(self.title, kept, rows, self._name_fixed(controls))

    def _draw_state(self) -> tuple[list[str], str, go.Figure]:
        """The saved controls that do nothing now, the note and the figure."""
        figure = self._draw_or_explain(self._draw)
        idle = [name for name, control in self._saved_controls().items() if control.disabled]
        return idle, "" if self._without_figure else self._note(), figure

    def _name_fixed(self, saved: Sequence[ipywidgets.Widget]) -> list[tuple[str, str]]:
        """The controls that do not travel, each with the words of its value."""
        fixed = [each for each in self._followed if all(each is not control for control in saved)]
        return [(each.description, str(getattr(each, "label", each.value))) for each in fixed]

    @contextmanager
    def _trying(self) -> Iterator[None]:
        """Controls may take other values for a moment, of which no page hears; then they take theirs back."""
        before = [control.value for control in self._followed]
        with ExitStack() as held:
            for part in child_widgets(self):
                held.enter_context(part.hold_sync())
            with self._pausing():
                try:
                    yield
                finally:
                    for control, value in zip(self._followed, before, strict=True):
                        control.value = value
                    self._draw_or_explain(self._draw)

    @contextmanager
    def _pausing(self) -> Iterator[None]:
        """Controls may change without a redraw."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    def _change(self, change: Any) -> None:
        if not self._paused:
            with self._lock, self._showing_errors():
                self._on_control(change)

    def _on_control(self, change: Any) -> None:
        """Answer to a control that has changed."""
        self.refresh()

    def _answer_pointer(self, kind: str, trace: int, point: Any) -> None:
        with self._lock, self._showing_errors():
            self._on_pointer(kind, trace, point)

    def _update_note(self) -> None:
        """Update the note; it is empty where there is no figure."""
        self.note.value = "" if self._without_figure else self._note()

    def _state_words(self) -> str:
        """What stills say of the panel in one sentence: what its controls say."""
        said = describe_controls(self)
        return f"Controls: {said}. Run the cell again to move them." if said else ""

    def _update_words(self, change: Any = None) -> None:
        """Let the page know what the controls mean, and stills what they say."""
        self.figure._hints = {control.description: control.tooltip or "" for control in find_controls(self)}
        self.figure._footer = write_footer(self._state_words())

    def _draw_or_explain(self, draw: Callable[[], go.Figure]) -> go.Figure:
        """The result of `draw`; a ValueError becomes a figure with its message."""
        try:
            figure, self._without_figure = draw(), False
        except ValueError as error:
            figure, self._without_figure = empty(self.title, wrap(html.escape(str(error), quote=False), LETTERS)), True
        return figure

    @contextmanager
    def _showing_errors(self) -> Iterator[None]:
        """Show exceptions in the panel as well: Jupyter hides those of callbacks."""
        try:
            yield
        except Exception as error:
            self.note.value = f"<b>This could not be drawn.</b> {html.escape(f'{type(error).__name__}: {error}')}"
            raise

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The live view, and beside it the figure as it is now for readers without a kernel."""
        self._appear()
        replace_panel(self)
        return self._make_bundle(**kwargs)

    def _make_bundle(self, **kwargs: Any) -> dict[str, Any]:
        """What a cell that shows the panel holds."""
        return {**self.figure.leave(self.model_id)._repr_mimebundle_(), **super()._repr_mimebundle_(**kwargs)}


def child_widgets(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """All parts of a widget, innermost first, without the plotly.js bundle that all canvases share."""
    for name in widget.keys:  # the names of its synchronised traits
        value = getattr(widget, name)
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, ipywidgets.Widget) and not isinstance(part, Bundle):
                yield from child_widgets(part)
                yield part


attach(Panel, lambda panel: add_still_metadata(panel._repr_mimebundle_(), panel.figure))
