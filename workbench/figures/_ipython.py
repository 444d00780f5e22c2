"""The running IPython, if there is one, and the request that it answers."""

from __future__ import annotations

import sys
from typing import Any


def running_shell() -> Any:
    """The running IPython shell, or None; IPython is not imported for that."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def running_notebook() -> Any:
    """The running IPython shell if it serves a notebook, whose outputs can be updated, else None."""
    shell = running_shell()
    return shell if hasattr(shell, "kernel") else None


def read_request() -> dict[str, Any]:
    """The message of the front end that is being answered; empty where there is none."""
    notebook = running_notebook()
    return (notebook.get_parent() or {}) if notebook is not None else {}


def is_moving() -> bool:
    """Whether a message of a widget is being answered, and no cell is run."""
    kind: str = read_request().get("header", {}).get("msg_type", "execute_request")
    return kind != "execute_request"
