"""The controls of panels: their widths, and what they say in words."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import ipywidgets

from workbench.figures._for_panels import QUIET, wrap

LABELLED: dict[str, Any] = {"style": {"description_width": "8.5em"}, "layout": {"width": "27em"}}
CLOCK: dict[str, Any] = {"style": {"description_width": "4em"}, "layout": {"width": "27em"}}
SEARCH: dict[str, Any] = {"style": {"description_width": "4em"}, "layout": {"width": "22em"}}
NARROW: dict[str, Any] = {"style": {"description_width": "4em"}, "layout": {"width": "15.5em"}}
FOOTER_LETTERS, FOOTER_PX = 130, 17  # in a line, and its height


def find_controls(widget: ipywidgets.Widget, *, searches: bool = True) -> Iterator[ipywidgets.Widget]:
    """Everything in a widget that can be moved, chosen or pressed, in the order in which it is seen.

    Without `searches` what only finds something to look at, a part that says so of itself, is left out.

    >>> row = ipywidgets.HBox([ipywidgets.IntSlider(description="frames"), ipywidgets.HTML()])
    >>> [control.description for control in find_controls(row)]
    ['frames']
    """
    for child in getattr(widget, "children", ()):
        if hasattr(child, "disabled") and hasattr(child, "description"):
            yield child
        elif searches or not getattr(child, "searches", False):
            yield from find_controls(child, searches=searches)


def describe_controls(widget: ipywidgets.Widget) -> str:
    """What the controls in a widget say, without those that search, have no value of their own or cannot be moved.

    >>> describe_controls(ipywidgets.HBox([ipywidgets.Dropdown(options=["all", "none"], description="nodes")]))
    'nodes all'
    """
    moved = [
        control
        for control in find_controls(widget, searches=False)
        if hasattr(control, "value") and not control.disabled and not isinstance(control, ipywidgets.Play)
    ]
    return ", ".join(f"{control.description} {_say(control)}" for control in moved)


def _say(control: ipywidgets.Widget) -> str:
    if hasattr(control, "label"):
        return str(control.label)
    if isinstance(control.value, tuple):
        return " to ".join(f"{end:.4g}" for end in control.value)
    return str(control.value)


def write_footer(words: str) -> dict[str, Any]:
    """Words as markup to be written below a title, and the height that it takes in px.

    >>> write_footer("a < b")["px"], write_footer("")
    (17, {'text': '', 'px': 0})
    """
    if not words:
        return {"text": "", "px": 0}
    lines = wrap(html.escape(words, quote=False), FOOTER_LETTERS)
    style = f"font-size:12px;color:{QUIET}"
    return {"text": f"<br><span style='{style}'>{lines}</span>", "px": FOOTER_PX * (1 + lines.count("<br>"))}
