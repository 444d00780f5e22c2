"""The class of all figures: a plotly figure that notebooks save together with a still, a PNG of it."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio

from workbench.figures._browser import WIDTH_PX
from workbench.figures._ipython import running_notebook
from workbench.figures._stills import STILLS
from workbench.figures._voila import PAGE, in_voila
from workbench.figures._words import read_words

PLOTLY, PNG, HTML, TEXT = "application/vnd.plotly.v1+json", "image/png", "text/html", "text/plain"


class Figure(go.Figure):  # type: ignore[misc]  # plotly carries no types
    """A plotly figure that adds a still, a PNG of itself, to the plotly data in a notebook's output.

    Renderers chosen by `plotly.io.renderers` are used unchanged.
    """

    def _repr_mimebundle_(self, *args: Any, **options: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super()._repr_mimebundle_(*args, **options)
        still = STILLS.make(self) if PLOTLY in shown and PNG not in shown else None
        return shown | ({PNG: encode(still)} if still else {})

    def _ipython_display_(self) -> None:
        if pio.renderers.render_on_display:
            self.show()
        else:
            super()._ipython_display_()

    def show(self, *args: Any, **options: Any) -> None:
        """Show the figure as plotly does; in a notebook that keeps plotly data, with the still."""
        if args or "renderer" in options or not leaves_data() or running_notebook() is None:
            super().show(*args, **options)
        else:
            publish(self, describe(self)[1], **options)


def publish(figure: go.Figure, text: str, **options: Any) -> None:
    """Show a figure in the running notebook: plotly's data first, then an update that adds the still.

    JupyterLab draws plotly data at once when they come alone, but shows a PNG that comes with them instead.
    """
    notebook = running_notebook().display_pub
    if in_voila():
        notebook.publish({HTML: PAGE.write(figure), TEXT: text})
        return
    live = {**go.Figure._repr_mimebundle_(figure, **options), TEXT: text}
    place = {"display_id": uuid.uuid4().hex}
    notebook.publish(live, transient=place)
    still = STILLS.make(figure) if PNG not in live else None
    if still:
        notebook.publish(*add_still_metadata({**live, PNG: encode(still)}, figure), transient=place, update=True)


def leaves_data() -> bool:
    """Whether figures are shown as plotly data, the default in notebooks, by the renderers that are set."""
    from plotly.io.base_renderers import MimetypeRenderer, PlotlyRenderer  # which load IPython

    chosen = [pio.renderers[name] for name in (pio.renderers.default or "").split("+") if name]
    named = all(isinstance(renderer, MimetypeRenderer) for renderer in chosen)
    return named and any(isinstance(renderer, PlotlyRenderer) for renderer in chosen)


def encode(still: bytes) -> str:
    """A PNG file in base64, as notebooks store it."""
    return base64.b64encode(still).decode()


def add_still_metadata(shown: dict[str, Any], figure: go.Figure) -> tuple[dict[str, Any], dict[str, Any]]:
    """A MIME bundle with the metadata of its still: width and alt text."""
    about = {"width": figure.layout.width or WIDTH_PX, "alt": describe(figure)[1]}
    return shown, {PNG: about} if PNG in shown else {}


def describe(figure: go.Figure) -> tuple[str, str]:
    """Title and description of a figure in plain words: its own where it has them, else its title without markup.

    >>> describe(go.Figure(layout={"title": {"text": "<b>Two</b><br>words"}, "meta": {"alt": "One < two."}}))
    ('Two words', 'One < two.')
    """
    meta = figure.layout.meta if isinstance(figure.layout.meta, dict) else {}
    shown, own = read_words(figure.layout.title.text or "figure"), " ".join(str(meta.get("title", "")).split())
    title = own if own and shown.startswith(own) else shown  # without the subtitle, which stands in the same text
    return title, str(meta.get("alt", title))
