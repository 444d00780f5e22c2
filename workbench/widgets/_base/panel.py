"""What every panel is: controls, a line of words, and a figure that follows them and leads back to code."""

from __future__ import annotations

import html
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench.figures._figure import attend
from workbench.figures._notebook_display import attach
from workbench.figures._style import empty, wrap
from workbench.widgets._background.prefetch import Prefetch
from workbench.widgets._base.canvas import Bundle, Canvas
from workbench.widgets._base.cell_outputs import replace_panel
from workbench.widgets._base.lifetime import Mortal, weakly

LABELLED: dict[str, Any] = {"style": {"description_width": "8.5em"}, "layout": {"width": "27em"}}
NARROW: dict[str, Any] = {"style": {"description_width": "4em"}, "layout": {"width": "14em"}}
LETTERS = 90  # in a line of what is said in place of a figure


class Panel(Mortal, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets carries no types
    """Controls over a figure that follows them.

    `figure` is the figure in view, `table` the numbers behind it, `selection` what is chosen: all three are there for
    the next cell. What cannot be drawn is said in place of the figure.
    """

    title = "Panel"
    _background: tuple[Prefetch[Any, Any], ...] = ()  # what is computed ahead; later ones ask those before

    def __init__(self, controls: Iterable[ipywidgets.Widget], followed: Iterable[ipywidgets.Widget]) -> None:
        self.note = ipywidgets.HTML()
        self._paused = False
        self._turn = threading.RLock()  # a computation in the background draws between two answers to the user
        self.figure = Canvas(self._attempt(self._draw))
        self.figure.listen(self._hear)
        super().__init__([*controls, self.note, self.figure])
        self.add_class("workbench-panel")
        for control in followed:
            control.observe(weakly(self._change), "value")
        self._say()

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
        """The figure as the controls want it; ValueError in the user's words where there is none."""

    def _words(self) -> str:
        """What the line above the figure says, as HTML."""
        return ""

    def _pointed(self, kind: str, trace: int, point: Any) -> None:
        """Answer to the pointer over ("hover") or a click on ("click") a point, of an image [row, column]."""

    def refresh(self) -> None:
        """Draw anew what the controls want."""
        with self._turn:
            self.figure.draw(self._attempt(self._draw))
            self._say()

    def open(self) -> None:
        """Open the panel to a page, with all that it is made of."""
        for part in parts_of(self):
            part.__dict__.pop("_repr_mimebundle_", None)
            part.open()
        super().open()

    def close(self) -> None:
        """End what goes on in the background, let go of what was computed ahead, and leave the page.

        Nothing holds the panel then, and with it its models, but who has it in a variable: there its numbers can still
        be read, and shown again it opens again.
        """
        if self.comm is not None:  # one that was never opened has nothing to close
            self._end()
            for part in parts_of(self):
                part.close()
            super().close()

    def _end(self) -> None:
        """End what goes on in the background."""
        for ahead in reversed(self._background):
            ahead.release()

    def set(self, **values: Any) -> None:
        """Give several controls, named as the panel's attributes, their values, and draw once."""
        with self._pausing():
            for name, value in values.items():
                getattr(self, name).value = value
        self.refresh()

    @contextmanager
    def _pausing(self) -> Iterator[None]:
        """Controls may change without the figure following."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    def _change(self, change: Any) -> None:
        if not self._paused:
            with self._turn, self._telling():
                self._follow(change)

    def _follow(self, change: Any) -> None:
        """Answer to a control that has changed."""
        self.refresh()

    def _hear(self, kind: str, trace: int, point: Any) -> None:
        with self._turn, self._telling():
            self._pointed(kind, trace, point)

    def _say(self) -> None:
        """Bring the line of words up to date; none where there is no figure."""
        self.note.value = "" if self._refused else self._words()

    def _attempt(self, draw: Callable[[], go.Figure]) -> go.Figure:
        """What `draw` gives; a user's mistake becomes words in place of the figure."""
        try:
            figure, self._refused = draw(), False
        except ValueError as error:
            figure, self._refused = empty(self.title, wrap(html.escape(str(error), quote=False), LETTERS)), True
        return figure

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What a callback raises is seen by nobody, so it is told in the panel as well."""
        try:
            yield
        except Exception as error:
            self.note.value = f"<b>This could not be drawn.</b> {html.escape(f'{type(error).__name__}: {error}')}"
            raise

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The live view, and beside it the figure as it is now for readers without a kernel."""
        self._appear()
        replace_panel(self)
        return {**self.figure.plain._repr_mimebundle_(), **super()._repr_mimebundle_(**kwargs)}


def parts_of(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    """Every widget that one is made of, from the inside out; what it shares with others is left out."""
    for name in widget.keys:  # the names of what a page is told
        value = getattr(widget, name)
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, ipywidgets.Widget) and not isinstance(part, Bundle):
                yield from parts_of(part)
                yield part


attach(Panel, lambda panel: attend(panel._repr_mimebundle_(), panel.figure))
