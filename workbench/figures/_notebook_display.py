"""Rich display: the figure of a value that is the last line of a notebook's cell; a terminal prints its text."""

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
from workbench.figures._words import whole
from workbench.model import Model
from workbench.network import Network, Rollout

MOST_PLACES = 3_000  # of a rollout, up to which its arrows are legible; beyond, its tableau is drawn


def draw_value(value: Network | Rollout | Recordings | Dataset | Model) -> go.Figure:
    """The figure of a value; TypeError for values without one.

    >>> from workbench.figures._notebook_display import draw_value
    >>> draw_value(Rollout(Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))]), frames=3)).layout.meta["title"]
    'Streaming rollout: inference factor 1, first response of hand in frame 1'
    """
    if isinstance(value, Network):
        return network(value)
    if isinstance(value, Rollout):
        return rollout(value) if len(value.places) <= MOST_PLACES else tableau(value)
    if isinstance(value, Recordings | Dataset):
        return recordings(value)
    if isinstance(value, Model):
        figure = network(value.network, ticks_per_frame=value.ticks_per_frame)
        words = whole(repr(value).removeprefix("Model(").removesuffix(")"))
        meta, options = figure.layout.meta, value.conversion_options
        why = f" Chosen as {options.reason}." if options and options.reason != "as named" else ""
        subtitle, alt = whole(meta["subtitle"] + why), f"{words}. {whole(meta['alt'] + why)}"
        return dress(figure, words, subtitle, alt, figure.layout.height)
    raise TypeError(f"{type(value).__name__} has no picture of its own")


def show(value: Any) -> dict[str, Any]:
    """The figure of a value as a MIME bundle with its plain text, or the text alone with the reason."""
    text = repr(value)
    try:
        return {**draw_value(value)._repr_mimebundle_(), TEXT: text}
    except ValueError as error:
        return {TEXT: f"{text}\n(no picture: {error})"}


def show_live(value: Any) -> None:
    """Show a value in the running notebook as figures are shown; NotImplementedError leaves it to `show`."""
    try:
        figure = draw_value(value)
    except ValueError as error:
        raise NotImplementedError from error
    if not leaves_data():
        raise NotImplementedError
    publish(figure, repr(value))


def attach(kind: type, show: Callable[[Any], Any]) -> None:
    """Register `show` as the display of a kind of values in the running notebook, if there is one.

    `show` returns a MIME bundle, or (bundle, metadata), or None to leave a value to other formatters.
    """
    shell = running_shell()
    if shell is not None:
        shell.display_formatter.mimebundle_formatter.for_type(kind, show)
