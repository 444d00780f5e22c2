"""Values show their pictures in the notebook that runs here; figures are imported when the first one is shown."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any


def install_display(kinds: Iterable[type]) -> None:
    """Let the notebook that runs here, if one does, show values of these kinds; a plain Python is left alone.

    IPython is not imported for that, and nothing is drawn before a value is shown.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return
    for kind in kinds:
        shell.display_formatter.mimebundle_formatter.for_type(kind, _bundle)
        if hasattr(shell, "kernel"):  # a notebook, where a figure that is shown can be given its still afterwards
            shell.display_formatter.ipython_display_formatter.for_type(kind, _publish)


def _bundle(value: Any) -> Any:
    from workbench.figures._notebook_display import show

    return show(value)


def _publish(value: Any) -> None:
    from workbench.figures._notebook_display import show_live

    show_live(value)
