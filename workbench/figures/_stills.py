"""Stills: figures as small PNG pictures, for viewers of a notebook that do not run plotly."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import plotly.graph_objects as go

from workbench.figures._browser import CURE, NoBrowserError, draw
from workbench.figures._ipython import is_moving
from workbench.figures._voila import in_voila

DOTS_PER_PX = 2
COLOURS = 256  # of a palette: a figure has few, and their blends along its edges


@dataclass
class StillMaker:
    """Draws stills, until it finds no browser: then it warns once and draws no more."""

    refused: bool = False

    def make(self, figure: go.Figure) -> bytes | None:
        """The still of a figure as a PNG file of two dots per px; None, with a warning that says why, if there is none.

        There is none, and no warning, while a control of a page is being answered, which must not wait for it, and in
        Voila, whose pages are not saved.
        """
        if self.refused or is_moving() or in_voila():
            return None
        try:
            return reduce_colours(draw(figure, "png", DOTS_PER_PX))
        except NoBrowserError as error:
            self.refused = True
            cure = "then restart the kernel. All else goes on."
            warnings.warn(f"figures are shown without a picture for other readers: {error}; {cure}", stacklevel=2)
        except ValueError as error:
            warnings.warn(f"this figure is shown without a picture for other readers: {error}", stacklevel=2)
        return None


STILLS = StillMaker()


def reduce_colours(png: bytes) -> bytes:
    """The same picture in a palette of 256 colours, a third of the bytes or less; NoBrowserError without pillow."""
    try:
        from PIL import Image
    except ImportError as error:
        raise NoBrowserError(f"pillow is not installed; {CURE}") from error
    with Image.open(io.BytesIO(png)) as picture:
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture.convert("RGBA"))
    palette = paper.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    palette.save(file, "PNG")  # optimised it would be a tenth smaller, and take longer than its drawing
    return file.getvalue()
