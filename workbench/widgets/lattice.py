"""A panel to unroll a network by hand: how many frames, which rollout, and whom a place can know of."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench import figures
from workbench.figures.lattice import kind, roles
from workbench.graph import Network
from workbench.rollout import Place, Rollout
from workbench.widgets.mirror import mirror

MOST_FRAMES = 12
BESIDE = "streaming beside sequential"
LABELLED: dict[str, Any] = {"style": {"description_width": "8.5em"}, "layout": {"width": "27em"}}


def rollouts(network: Network, frames: int = 6) -> RolloutsPanel:
    """A panel of the network's rollouts; hover over a place, or choose one, to light its past and its future.

    `frames` (1 to 12) is where the slider starts. ValueError for any other.

    >>> from workbench import Dense, Edge, Network
    >>> panel = rollouts(Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))]), frames=2)
    >>> panel
    RolloutsPanel(streaming, 2 frames, nothing chosen)
    >>> panel.choose(("hand", 1))
    >>> panel.table.query("lit == 'past'")[["node", "frame"]].values.tolist()
    [['eye', 0]]
    """
    return RolloutsPanel(network, frames)


class RolloutsPanel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets carries no types
    """Controls and one figure that follows them; hovering lights a place, clicking (or the controls) keeps it lit.

    `figure` is the figure in view, `table` the same as a table, `selection` the chosen (node, frame) or None.
    """

    def __init__(self, network: Network, frames: int = 6) -> None:
        if isinstance(frames, bool) or not isinstance(frames, int) or not 1 <= frames <= MOST_FRAMES:
            raise ValueError(f"widgets.rollouts: frames={frames!r} must be a whole number from 1 to {MOST_FRAMES}")
        self.network = network
        self._choices = {
            "streaming": (network.streaming(),),
            "sequential": (network.sequential(),),
            f"as given ({kind(Rollout(network, 1))})": (network,),
            BESIDE: (network.streaming(), network.sequential()),
        }
        self.frames = ipywidgets.IntSlider(frames, 1, MOST_FRAMES, description="frames", **LABELLED)
        self.choice = ipywidgets.Dropdown(options=list(self._choices), description="rollout", **LABELLED)
        nodes = [("nothing", ""), *((node, node) for node in network.nodes)]
        self.node = ipywidgets.Dropdown(options=nodes, description="look from", **LABELLED)
        self.frame = ipywidgets.IntSlider(0, 0, frames - 1, description="in frame", **LABELLED, disabled=True)
        self.note = ipywidgets.HTML()
        self._kept = self._paused = False
        self._drawing = self._draw()
        self.figure = go.FigureWidget(self._drawing)
        for trace in self.figure.data:
            trace.on_hover(partial(self._point_at, keep=False))
            trace.on_click(partial(self._point_at, keep=True))
        for control in (self.frames, self.choice, self.node, self.frame):
            control.observe(self._follow, "value")
        rows = (ipywidgets.HBox([self.choice, self.frames]), ipywidgets.HBox([self.node, self.frame]))
        super().__init__([*rows, self.note, self.figure])
        self._tell()

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        """The rollouts in view, from left to right."""
        return tuple(Rollout(network, self.frames.value) for network in self._choices[self.choice.value])

    @property
    def selection(self) -> Place | None:
        """The chosen (node, frame), or None."""
        return (self.node.value, self.frame.value) if self.node.value else None

    @property
    def table(self) -> pd.DataFrame:
        """A row per place in view: rollout, node, frame, T, first_response (frames), lit (past, future, self, none)."""
        return pd.DataFrame(
            [
                {
                    "rollout": kind(rollout),
                    "node": node,
                    "frame": frame,
                    "T": rollout.tableau[frame][rollout.network.nodes.index(node)],
                    "first_response": rollout.first_response[node],
                    "lit": role or "none",
                }
                for rollout in self.rollouts
                for (node, frame), role in roles(rollout, self.selection).items()
            ]
        )

    def choose(self, place: Place | None) -> None:
        """Light the past and the future of a (node, frame) of the window, or of nothing; ValueError for any other."""
        if place is not None and place not in self.rollouts[0].places:
            raise ValueError(
                f"{place!r} is not in the window of frames 0 to {self.frames.value - 1} with nodes "
                f"{', '.join(self.network.nodes)}"
            )
        self._kept = place is not None
        self._light(place)

    def _light(self, place: Place | None) -> None:
        self._paused = True
        try:
            self.node.value = "" if place is None else place[0]
            self.frame.value = 0 if place is None else place[1]
        finally:
            self._paused = False
        self._follow()

    def _follow(self, change: Any = None) -> None:
        """Bring the figure in line with the controls; what goes wrong is told in the panel and raised."""
        if self._paused:
            return
        with self._telling():
            if change is not None and change.owner in (self.node, self.frame):
                self._kept = self.node.value != ""
            self.frame.max = self.frames.value - 1
            self.frame.disabled = self.node.value == ""
            self._drawing = self._draw()
            mirror(self._drawing, self.figure)
            self._tell()

    def _point_at(self, trace: Any, points: Any, state: Any, keep: bool) -> None:
        """Answer to the pointer over, or a click on, the marks of the nodes."""
        if trace.name != "nodes" or not points.point_inds or (self._kept and not keep):
            return
        with self._telling():
            place = self.rollouts[0].places[points.point_inds[0]]
            self._kept = keep and not (self._kept and place == self.selection)
            if place != self.selection:
                self._light(place)
            self._tell()

    def _draw(self) -> go.Figure:
        """The figure as it should be now, always with the traces of two rollouts, so that views need not be rebuilt."""
        figure = figures.rollouts(*self.rollouts, place=self.selection)
        if len(self.rollouts) == 1:
            for trace in figure.data:
                figure.add_trace(go.Scatter(name=trace.name, xaxis="x2", yaxis="y2", visible=False))
            figure.update_layout(xaxis2={"visible": False, "domain": [0.99, 1]}, yaxis2={"visible": False})
        return figure

    def _tell(self) -> None:
        """Say in words what is lit."""
        if self.selection is None:
            self.note.value = "Hover over a place, or choose one here, to light its past and its future."
            return
        node, frame = self.selection
        lit = self.table.groupby(["rollout", "lit"], sort=False).size()
        facts = "; ".join(
            f"{kind(r)}: {lit.get((kind(r), 'past'), 0)} places in its past, "
            f"{lit.get((kind(r), 'future'), 0)} in its future"
            for r in self.rollouts
        )
        kept = " Kept until you click it, or look from nothing." if self._kept else ""
        self.note.value = f"<b>{html.escape(node)}</b> in frame {frame}. {facts}.{kept}"

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.note.value = f"<b>This could not be drawn.</b> {html.escape(f'{type(error).__name__}: {error}')}"
            raise

    def __repr__(self) -> str:
        chosen = "nothing chosen" if self.selection is None else f"{self.selection[0]} in frame {self.selection[1]}"
        return f"{type(self).__name__}({self.choice.value}, {self.frames.value} frames, {chosen})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The live view, and beside it the figure as it is now for readers without a kernel."""
        return {**self._drawing._repr_mimebundle_(), **super()._repr_mimebundle_(**kwargs)}
