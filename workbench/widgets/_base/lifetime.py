"""Widgets that are garbage-collected: one lives as long as it is referenced or a page shows it.

ipywidgets keeps a reference to every widget until it is closed, so that all widgets of a notebook, and everything they
refer to, would stay in memory.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import ipywidgets
from ipywidgets.widgets import widget as registry

_SHOWN: dict[int, ipywidgets.Widget] = {}  # by identity: figures compare by what they show


class ClosableWidget(ipywidgets.Widget):  # type: ignore[misc]  # ipywidgets carries no types
    """A widget that is collected with the last reference to it, unless it has been shown and is not yet closed."""

    def open(self) -> None:
        """Connect the widget to a page; ipywidgets' own registry gets weak references only."""
        super().open()
        self.comm.on_msg(weak_callback(self._handle_msg))
        self.comm.on_close(weak_callback(self._leave))
        registry._instances[self.model_id] = weakref.proxy(self)

    def close(self) -> None:
        """Disconnect from the page; shown again, the widget opens again."""
        _SHOWN.pop(id(self), None)
        super().close()
        self.__dict__.pop("_repr_mimebundle_", None)  # None is how ipywidgets says that it cannot be shown any more

    def _appear(self) -> None:
        """Keep the widget until it is closed: a page is about to show it."""
        if self.comm is None:
            self.open()
        _SHOWN[id(self)] = self

    def _leave(self, message: Any) -> None:
        """Close as well: the page has closed its side."""
        self.close()


def weak_callback(method: Callable[..., Any]) -> Callable[..., Any]:
    """A bound method that does not keep its object alive, and does nothing when that is gone.

    >>> words = type("Words", (list,), {"add": lambda self, word: self.append(word)})()
    >>> add = weak_callback(words.add)
    >>> add("one"), words
    (None, ['one'])
    >>> del words
    >>> add("two")
    """
    found = weakref.WeakMethod(method)

    def call(*arguments: Any) -> Any:
        bound = found()
        return None if bound is None else bound(*arguments)

    return call
