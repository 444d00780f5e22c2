"""The events of one recording as a cloud in space and time."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from workbench.events import Events
from workbench.figures._figure import Figure
from workbench.figures._frames import OFF, ON
from workbench.figures._registry import public
from workbench.figures._style import GRID, PAPER, QUIET, dress, empty

DRAWN = 20_000  # events drawn at most
FIELDS = ("x", "y", "t", "p")
LENGTH = 2.1  # of the time axis, in widths of the sensor
POLARITIES = (("OFF", OFF, "circle", "●"), ("ON", ON, "diamond", "◆"))
EYE = {"x": 0.62, "y": -2.2, "z": 0.5}  # from the end of time, so that the image is not seen in a mirror
LARGER = {"circle": 1.3, "diamond": 1.0}  # so that both symbols look equally large


@public
def events(events: Events, shape: tuple[int, ...], window_us: float | None = None) -> go.Figure:
    """Every event of a recording where and when it happened: time (ms) to the right, the image upright across it.

    `events` is a structured array x, y, t (us), p as `recordings[i]` gives, `shape` that of the recordings (polarity,
    height, width), `window_us` the time the frames cover, if only that is to be shown. Of more than 20,000 events an
    even choice is drawn. ValueError for an array without these fields, another shape, or a window of no length.

    >>> from workbench import figures
    >>> one = np.array([(3, 1, 2500, True)], dtype=[("x", int), ("y", int), ("t", int), ("p", bool)])
    >>> [(trace.name, trace.x.tolist()) for trace in figures.events(one, (2, 4, 4)).data]
    [('OFF', []), ('ON', [2.5])]
    """
    _require(events, shape, window_us)
    inside = events if window_us is None else events[(events["t"] >= 0) & (events["t"] < window_us)]
    if len(inside) == 0:
        return empty("Events", "no events in this recording" if len(events) == 0 else "no events in this window")
    drawn = inside
    if len(inside) > DRAWN:
        drawn = inside[np.arange(DRAWN) * len(inside) // DRAWN]
    size = float(np.clip(60 / np.sqrt(len(drawn)), 1.4, 4.5))
    figure = Figure([_cloud(drawn, polarity, size) for polarity in (0, 1)])
    end_us = float(inside["t"].max()) + 1 if window_us is None else float(window_us)
    figure.update_layout(scene=_scene(shape, end_us), margin={"l": 30, "r": 30, "b": 10, "t": 80}, showlegend=False)
    return _dressed(figure, inside, len(drawn), end_us)


def _require(events: Events, shape: tuple[int, ...], window_us: float | None) -> None:
    missing = [field for field in FIELDS if field not in (getattr(events, "dtype", np.dtype(int)).names or ())]
    if missing:
        raise ValueError(
            f"figures.events: the events lack the field {', '.join(missing)}; give one recording as a structured array "
            "x, y, t (us), p, such as recordings[0]"
        )
    if len(shape) != 3:
        raise ValueError(f"figures.events: shape={shape!r} does not fit; expected (polarity, height, width)")
    if window_us is not None and not window_us > 0:
        raise ValueError(f"figures.events: window_us={window_us!r} must be a positive time in microseconds")


def _cloud(events: Events, polarity: int, size: float) -> go.Scatter3d:
    """The events of one polarity, time along x, the image's x along y, its y along z."""
    name, colour, symbol, _ = POLARITIES[polarity]
    chosen = events[events["p"].astype(bool) == bool(polarity)]
    return go.Scatter3d(
        name=name,
        mode="markers",
        x=(chosen["t"] / 1e3).astype(np.float32),
        y=chosen["x"].astype(np.int16),
        z=chosen["y"].astype(np.int16),
        marker={
            "color": colour,
            "symbol": symbol,
            "size": size * LARGER[symbol],
            "opacity": 0.75,
            "line": {"width": 0},
        },
        hovertemplate=f"<b>{name}</b><br>%{{x:.5~g}} ms<br>x %{{y}}, y %{{z}} (pixels)<extra></extra>",
    )


def _scene(shape: tuple[int, ...], end_us: float) -> dict[str, object]:
    """Time to the right, y downwards as in images, pixels square."""
    _, height, width = shape
    common = {
        "backgroundcolor": PAPER,
        "gridcolor": GRID,
        "linecolor": QUIET,
        "zerolinecolor": GRID,
        "showspikes": False,
        "nticks": 5,
        "tickfont": {"size": 11.5},
    }
    larger = max(height, width)
    return {
        "xaxis": {**common, "title": {"text": "time (ms)"}, "range": [0, end_us / 1e3], "nticks": 9},
        "yaxis": {**common, "title": {"text": "x (pixels)"}, "range": [-0.5, width - 0.5]},
        "zaxis": {**common, "title": {"text": "y (pixels)"}, "range": [height - 0.5, -0.5]},
        "aspectmode": "manual",
        "aspectratio": {"x": LENGTH, "y": width / larger, "z": height / larger},
        "camera": {"eye": EYE, "center": {"x": 0.05, "y": 0.0, "z": -0.2}, "projection": {"type": "perspective"}},
    }


def _dressed(figure: go.Figure, events: NDArray[np.void], drawn: int, end_us: float) -> go.Figure:
    on = int(events["p"].astype(bool).sum())
    off, milliseconds = len(events) - on, end_us / 1e3
    title = f"{len(events):,} events in {milliseconds:.4g} ms"
    counts = ", ".join(
        f"<b style='color:{colour}'>{symbol} {name}</b> {count:,}"
        for (name, colour, _, symbol), count in zip(POLARITIES, (off, on), strict=True)
    )
    some = "" if drawn == len(events) else f"; {drawn:,} drawn, chosen evenly"
    alt = f"Events of a recording in space and time: {title}, OFF {off:,}, ON {on:,}."
    return dress(figure, title, f"{counts}; {len(events) / milliseconds:.3g} per ms{some}.", alt, 540)
