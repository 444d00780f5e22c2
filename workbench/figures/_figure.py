"""The figure that all figures are: one of plotly, which notebooks keep together with its picture."""

from __future__ import annotations

import base64
import uuid
from html.parser import HTMLParser
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio

from workbench.figures._browser import WIDTH_PX
from workbench.figures._ipython import running_notebook
from workbench.figures._stills import ALBUM
from workbench.figures._voila import PAGE, in_voila

PLOTLY, PNG, HTML, TEXT = "application/vnd.plotly.v1+json", "image/png", "text/html", "text/plain"


class Figure(go.Figure):  # type: ignore[misc]  # plotly carries no types
    """A plotly figure with a still: where plotly's data go into a notebook, a PNG of it goes with them.

    Renderers that somebody has chosen (`plotly.io.renderers`) are asked as ever.
    """

    def _repr_mimebundle_(self, *args: Any, **options: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super()._repr_mimebundle_(*args, **options)
        still = ALBUM.take(self) if PLOTLY in shown and PNG not in shown else None
        return shown | ({PNG: encode(still)} if still else {})

    def _ipython_display_(self) -> None:
        if pio.renderers.render_on_display:
            self.show()
        else:
            super()._ipython_display_()

    def show(self, *args: Any, **options: Any) -> None:
        """Show the figure as plotly does; where its data go into a notebook, with the still."""
        if args or "renderer" in options or not leaves_data() or running_notebook() is None:
            super().show(*args, **options)
        else:
            publish(self, describe(self)[1], **options)


def publish(figure: go.Figure, text: str, **options: Any) -> None:
    """Show a figure in the notebook that runs here: plotly's data at once, then the still beside them.

    JupyterLab draws at once what comes alone; of what comes with a picture it shows that until it is pointed at.
    """
    notebook = running_notebook().display_pub
    if in_voila():
        notebook.publish({HTML: PAGE.write(figure), TEXT: text})
        return
    live = {**go.Figure._repr_mimebundle_(figure, **options), TEXT: text}
    place = {"display_id": uuid.uuid4().hex}
    notebook.publish(live, transient=place)
    still = ALBUM.take(figure) if PNG not in live else None
    if still:
        notebook.publish(*attend({**live, PNG: encode(still)}, figure), transient=place, update=True)


def leaves_data() -> bool:
    """Whether figures are shown by plotly's data, as notebooks show them unless somebody has chosen otherwise."""
    from plotly.io.base_renderers import MimetypeRenderer, PlotlyRenderer  # which load IPython

    chosen = [pio.renderers[name] for name in (pio.renderers.default or "").split("+") if name]
    named = all(isinstance(renderer, MimetypeRenderer) for renderer in chosen)
    return named and any(isinstance(renderer, PlotlyRenderer) for renderer in chosen)


def encode(still: bytes) -> str:
    """A PNG file as notebooks hold it."""
    return base64.b64encode(still).decode()


def attend(shown: dict[str, Any], figure: go.Figure) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is shown, and about its still how wide it is meant and its words for those who cannot see it."""
    about = {"width": figure.layout.width or WIDTH_PX, "alt": describe(figure)[1]}
    return shown, {PNG: about} if PNG in shown else {}


def describe(figure: go.Figure) -> tuple[str, str]:
    """Title and description of a figure in plain words, without markup.

    >>> describe(go.Figure(layout={"title": {"text": "<b>Two</b><br>words"}, "meta": {"alt": "One &lt; two."}}))
    ('Two words', 'One < two.')
    """
    meta = figure.layout.meta if isinstance(figure.layout.meta, dict) else {}
    whole, own = read_words(figure.layout.title.text or "figure"), read_words(str(meta.get("title", "")))
    title = own if own and whole.startswith(own) else whole  # without the subtitle, which stands in the same text
    return title, read_words(str(meta.get("alt", title)))


def read_words(text: str) -> str:
    """Text without the markup of plotly: tags left out, a break as a space, entities as what they stand for."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return " ".join("".join(reader.found).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(" " if tag == "br" else "")

    def handle_data(self, data: str) -> None:
        self.found.append(data)
