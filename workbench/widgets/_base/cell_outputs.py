"""Panels are closed when the output of a notebook that showed them is replaced."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from workbench.figures._for_panels import read_request, running_shell


@dataclass
class Output:
    """What a cell shows: the request that ran it, and the panels in its output."""

    request: str
    panels: WeakSet[Any] = field(default_factory=WeakSet)


_OUTPUTS: dict[str, Output] = {}  # by the cell's name


def replace_panel(panel: Any) -> None:
    """Register the panel as output of the running cell, and close panels of an earlier run of this cell.

    Only in notebooks that send the id of the cell, as JupyterLab does; a panel that another cell shows stays open.
    """
    message = read_request()
    cell = message.get("metadata", {}).get("cellId")
    if cell is None:
        return
    request, before = message["header"]["msg_id"], _OUTPUTS.get(cell)
    if before is not None and before.request == request:
        before.panels.add(panel)
        return
    _OUTPUTS[cell] = Output(request, WeakSet([panel]))
    for old in list(before.panels) if before is not None else ():
        if not any(old in output.panels for output in _OUTPUTS.values()):
            old.close()
            forget(old, running_shell())


def forget(value: Any, shell: Any) -> None:
    """Remove a value from IPython's history of outputs (`Out`, `_`, `_12`), which keeps a reference to it."""
    history, names = shell.user_ns.get("_oh", {}), ("_", "__", "___")
    numbers = [number for number, each in history.items() if each is value]
    for number in numbers:
        del history[number]
    for space in (shell.user_ns, shell.user_ns_hidden, vars(shell.displayhook)):
        for number in numbers:
            space.pop(f"_{number}", None)
        for name in names:
            if space.get(name) is value:
                space[name] = ""
