"""The base of panels of work that goes on in the background, with a figure that grows, and a stop button."""

from __future__ import annotations

import asyncio
import html
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable
from typing import Any, Generic, TypeVar

import ipywidgets
import plotly.graph_objects as go

from workbench.figures._for_panels import add_still_metadata, empty, running_notebook
from workbench.widgets._base.panel import Panel

Outcome = TypeVar("Outcome")
POLL_S = 0.1  # between two checks whether the work has ended
BAR_S, FIGURE_S = 1.0, 4.0  # at least so long between two updates, which must not slow down the work


class JobPanel(Panel, Generic[Outcome]):
    """Work in a thread of its own; `result` or `await` wait for what it returns."""

    job, anew = "work", "begin anew"
    """What goes on, and what running the cell again would do, as words name it."""

    def __init__(
        self, work: Callable[[], Outcome], steps: int, unit: str, stop_hint: str, controls: Iterable[Any] = ()
    ) -> None:
        """`work` is called in the background, `controls` stand above the figure, which follows them."""
        self._bar_time = self._figure_time = 0.0
        self._state, self._steps, self._unit = self.job, steps, unit
        self._stop_requested = requested = threading.Event()
        self._outcome: Outcome | None = None
        self._error: Exception | None = None
        self._shown = False
        self.stop = ipywidgets.Button(description="Stop", icon="stop", tooltip=stop_hint)
        self.stop.on_click(lambda button: requested.set())
        self.bar = ipywidgets.FloatProgress(
            value=0, min=0, max=max(1, steps), description=unit, layout={"width": "20em"}
        )
        self.now = ipywidgets.Label("starting", layout={"width": "30em"})
        self._thread = threading.Thread(target=self._run, args=(work,), name=f"workbench {self.job}", daemon=True)
        listed = list(controls)
        rows = [ipywidgets.HBox([self.stop, self.bar, self.now]), *([ipywidgets.HBox(listed)] if listed else [])]
        super().__init__(rows, listed)
        self._thread.start()

    @abstractmethod
    def _count_done(self) -> int:
        """How many of the steps are done."""

    @abstractmethod
    def _keep(self, outcome: Outcome) -> None:
        """Take from what the work returned what is shown."""

    @abstractmethod
    def _draw_done(self) -> go.Figure:
        """The figure of what is done so far."""

    def result(self) -> Outcome:
        """Wait for the end, and return what came of the work. What went wrong in it is raised here.

        The cell that showed the panel holds the last figure then. Waiting like this blocks the kernel, so that the stop
        button has no effect; interrupting the cell stops the work. With `await panel` the button works.
        """
        try:
            self._thread.join()
        except KeyboardInterrupt:
            self._stop_requested.set()
            self._thread.join()
        self._renew_output()
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        return self._outcome

    def __await__(self) -> Generator[Any, None, Outcome]:
        """Wait for the end without blocking the kernel."""
        while self._thread.is_alive():
            yield from asyncio.sleep(POLL_S).__await__()
        return self.result()

    def _show(self) -> None:
        """Show the panel in the running notebook under a name by which its output can be renewed."""
        self._shown = True
        self._publish(update=False)

    def _renew_output(self) -> None:
        """Let the output of the cell that showed the panel hold the last figure: nobody may save it from a page."""
        if self._shown and self.comm is not None and not self.figure.has_left(self.model_id):
            self._publish(update=True)

    def _publish(self, update: bool) -> None:
        shown, about = add_still_metadata(self._make_bundle() if update else self._repr_mimebundle_(), self.figure)
        running_notebook().display_pub.publish(shown, about, transient={"display_id": self.model_id}, update=update)

    def _stop_background(self) -> None:
        """Stop the work as its button does."""
        super()._stop_background()
        self._stop_requested.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self, work: Callable[[], Outcome]) -> None:
        try:
            self._outcome = work()
            self._keep(self._outcome)
            self._state = "stopped" if self._stop_requested.is_set() else "ended"
        except Exception as error:  # shown in the panel, raised by result()
            self._error, self._state = error, "failed"
        self.stop.disabled = True
        self.bar.value, self.now.value = self._count_done(), ""
        self.refresh()

    def _follow(self, done: float, words: str, see: Callable[[], Any] | None = None) -> bool:
        """Update the bar, and the figure after `see`, but neither too often; returns whether to stop."""
        now = time.monotonic()
        if now - self._bar_time >= BAR_S:
            self._bar_time = now
            self.bar.value, self.now.value = done, words
        if see is not None and now - self._figure_time >= FIGURE_S:
            self._figure_time = now
            see()
            self.refresh()
        return self._stop_requested.is_set()

    def _draw(self) -> go.Figure:
        if self._error is not None:
            return empty(self.title, f"the {self.job} failed: {html.escape(str(self._error), quote=False)}")
        return self._draw_done()

    def _state_words(self) -> str:
        return "" if self._state == "failed" else f"{self._describe_state()} Run the cell again to {self.anew}."

    def _describe_state(self) -> str:
        if self._state == self.job:
            return f"{self.title} goes on, after {self._count()}."
        return f"{self._state.capitalize()} after {self._count()}."

    def _count(self) -> str:
        return f"{self._count_done()} of {self._steps} {self._unit}"

    def _note(self) -> str:
        if self._state == self.job:
            return f"{self.title} goes on in the background; <code>await panel</code> waits for it."
        if self._error is not None:
            return f"<b>Failed.</b> {html.escape(str(self._error))}"
        return self._describe_state()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._state} after {self._count()})"


if (notebook := running_notebook()) is not None:
    notebook.display_formatter.ipython_display_formatter.for_type(JobPanel, JobPanel._show)
