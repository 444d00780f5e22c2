"""Rollouts of a network: how many frames, which rollout, and the past and future of a (node, frame)."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from workbench import figures
from workbench.analysis import find_kind, tabulate_rollout
from workbench.model import require_network
from workbench.network import Network, Place, Rollout
from workbench.validation import whole
from workbench.widgets._base.controls import LABELLED
from workbench.widgets._base.panel import Panel

MOST_FRAMES = 12
BESIDE = "streaming beside sequential"
CHOICE_HINT = (
    "Streaming: every connection takes at least one frame. Sequential: none takes any, but where a loop needs it. "
    "As given: the delays of the network itself."
)
NODE_HINT = "The node whose past (all that it depends on) and future (all that depends on it) are highlighted"
FRAME_HINT = "The frame, counted from 0, in which that node is looked at"


def rollouts(network: Network, *, frames: int = 6) -> RolloutsPanel:
    """A panel of the network's rollouts; hover over a place, or choose one, to highlight its past and its future.

    `frames` (1 to 12) is where the slider starts. ValueError for any other.

    >>> from workbench import Dense, Edge, Network
    >>> panel = rollouts(Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))]), frames=2)
    >>> panel
    RolloutsPanel(streaming, 2 frames, nothing chosen)
    >>> panel.choose(("hand", 1))
    >>> panel.table.query("lit == 'past'")[["node", "frame"]].values.tolist()
    [['eye', 0]]
    """
    return RolloutsPanel(require_network(network, "widgets.rollouts"), frames)


class RolloutsPanel(Panel):
    """Rollouts of a network; hovering highlights a place, clicking (or the controls) keeps it highlighted.

    `selection` is the chosen (node, frame) or None.
    """

    title = "Rollouts"

    def __init__(self, network: Network, frames: int = 6) -> None:
        if whole(frames) not in range(1, MOST_FRAMES + 1):
            raise ValueError(f"widgets.rollouts: frames={frames!r} must be a whole number from 1 to {MOST_FRAMES}")
        self.network = network
        self._choices = {
            "streaming": (network.streaming(),),
            "sequential": (network.sequential(),),
            f"as given ({find_kind(Rollout(network, 1))})": (network,),
            BESIDE: (network.streaming(), network.sequential()),
        }
        self.frames = ipywidgets.IntSlider(
            frames,
            1,
            MOST_FRAMES,
            description="frames",
            tooltip="How many frames are drawn, from frame 0 on",
            **LABELLED,
        )
        self.choice = ipywidgets.Dropdown(
            options=list(self._choices), description="rollout", tooltip=CHOICE_HINT, **LABELLED
        )
        nodes = [("nothing", ""), *((node, node) for node in network.nodes)]
        self.node = ipywidgets.Dropdown(options=nodes, description="look from", tooltip=NODE_HINT, **LABELLED)
        self.frame = ipywidgets.IntSlider(
            0, 0, frames - 1, description="in frame", tooltip=FRAME_HINT, **LABELLED, disabled=True
        )
        self._kept = False
        rows = (ipywidgets.HBox([self.choice, self.frames]), ipywidgets.HBox([self.node, self.frame]))
        super().__init__(rows, (self.frames, self.choice, self.node, self.frame))

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
        return pd.concat([tabulate_rollout(each, self.selection) for each in self.rollouts], ignore_index=True)

    def choose(self, place: Place | None) -> None:
        """Highlight the past and the future of a (node, frame), or of nothing; ValueError for any other."""
        if place is not None and place not in self.rollouts[0].places:
            raise ValueError(
                f"{place!r} is not in the window of frames 0 to {self.frames.value - 1} with nodes "
                f"{', '.join(self.network.nodes)}"
            )
        self._kept = place is not None
        self._light(place)

    def _light(self, place: Place | None) -> None:
        node, frame = place or ("", 0)
        self.set(node=node, frame=frame)

    def _on_control(self, change: Any) -> None:
        if change.owner in (self.node, self.frame):
            self._kept = self.node.value != ""
        self.refresh()

    def _on_pointer(self, kind: str, trace: int, point: Any) -> None:
        keep = kind == "click"
        if self.figure.data[trace].name != "nodes" or (self._kept and not keep):
            return
        place = self.rollouts[0].places[point]
        self._kept = keep and not (self._kept and place == self.selection)
        if place != self.selection:
            self._light(place)
        self._update_note()

    def _saved_controls(self) -> dict[str, ipywidgets.Widget]:
        return {"choice": self.choice, "node": self.node, "frame": self.frame}

    def _draw(self) -> go.Figure:
        with self._pausing():
            self.frame.max = self.frames.value - 1
            self.frame.disabled = self.node.value == ""
        return figures.rollouts(*self.rollouts, place=self.selection)

    def _note(self) -> str:
        """Sizes of the past and the future that are highlighted."""
        if self.selection is None:
            return "Hover over a place, or choose one here, to highlight its past and its future."
        node, frame = self.selection
        lit = self.table.groupby(["rollout", "lit"], sort=False).size()
        facts = "; ".join(
            f"{find_kind(r)}: {lit.get((find_kind(r), 'past'), 0)} places in its past, "
            f"{lit.get((find_kind(r), 'future'), 0)} in its future"
            for r in self.rollouts
        )
        kept = " Highlighted until you click it again, or look from nothing." if self._kept else ""
        return f"<b>{html.escape(node)}</b> in frame {frame}. {facts}.{kept}"

    def __repr__(self) -> str:
        chosen = "nothing chosen" if self.selection is None else f"{self.selection[0]} in frame {self.selection[1]}"
        return f"{type(self).__name__}({self.choice.value}, {self.frames.value} frames, {chosen})"
