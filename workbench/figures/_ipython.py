"""The IPython that runs here, if one does, and what it has been asked to do."""

from __future__ import annotations

import sys
from typing import Any


def running_shell() -> Any:
    """The IPython that runs here, or None; it is not imported for that."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def running_notebook() -> Any:
    """The IPython that runs here if it serves a notebook, else None: what one shows can be added to afterwards."""
    shell = running_shell()
    return shell if hasattr(shell, "kernel") else None


def read_request() -> dict[str, Any]:
    """The message of the notebook's page that is being answered now; empty where there is none."""
    notebook = running_notebook()
    return (notebook.get_parent() or {}) if notebook is not None else {}


def is_moving() -> bool:
    """Whether a control of a page is being answered now, and no cell."""
    kind: str = read_request().get("header", {}).get("msg_type", "execute_request")
    return kind != "execute_request"
