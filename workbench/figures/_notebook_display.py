"""Values that show themselves as the last line of a notebook's cell; a terminal keeps their plain text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go

from workbench.events import Dataset, Recordings
from workbench.figures._dataset_overview import recordings
from workbench.figures._figure import TEXT, leaves_data, publish
from workbench.figures._ipython import running_shell
from workbench.figures._network import network
from workbench.figures._rollouts import rollout
from workbench.figures._style import dress
from workbench.figures._tableau import tableau
from workbench.model import Model
from workbench.network import Network, Rollout

PLACES = 3_000  # of a rollout, up to which its arrows are drawn at once and can be told apart; its tableau beyond


def picture(value: Network | Rollout | Recordings | Dataset | Model) -> go.Figure:
    """The figure in which a value shows itself; TypeError for values without one.

    >>> from workbench.figures._notebook_display import picture
    >>> picture(Rollout(Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))]), frames=3)).layout.meta["title"]
    'Streaming rollout: inference factor 1, first response of hand in frame 1'
    """
    if isinstance(value, Network):
        return network(value)
    if isinstance(value, Rollout):
        return rollout(value) if len(value.places) <= PLACES else tableau(value)
    if isinstance(value, Recordings | Dataset):
        return recordings(value)
    if isinstance(value, Model):
        figure = network(value.network, ticks_per_frame=value.ticks_per_frame)
        words = repr(value).removeprefix("Model(").removesuffix(")")
        meta = figure.layout.meta
        return dress(figure, words, meta["subtitle"], f"{words}. {meta['alt']}", figure.layout.height)
    raise TypeError(f"{type(value).__name__} has no picture of its own")


def show(value: Any) -> dict[str, Any]:
    """The figure of a value as a notebook takes it, its plain text beside it; what could not be drawn says why."""
    text = repr(value)
    try:
        return {**picture(value)._repr_mimebundle_(), TEXT: text}
    except ValueError as error:
        return {TEXT: f"{text}\n(no picture: {error})"}


def show_live(value: Any) -> None:
    """Show a value in the notebook that runs here as figures are shown; what has no figure is left to `show`."""
    try:
        figure = picture(value)
    except ValueError as error:
        raise NotImplementedError from error
    if not leaves_data():
        raise NotImplementedError
    publish(figure, repr(value))


def attach(kind: type, show: Callable[[Any], Any]) -> None:
    """Let the notebook that runs here, if one does, show values of a kind as `show` says: a bundle of mime types.

    `show` may give (bundle, metadata), or None for a value that it leaves to others.
    """
    shell = running_shell()
    if shell is not None:
        shell.display_formatter.mimebundle_formatter.for_type(kind, show)
