"""How long a widget lives: as long as somebody holds it or a page shows it.

ipywidgets holds every widget until it is closed, so that whatever has been made in a notebook, and all that it refers
to, stays in memory for ever.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import ipywidgets
from ipywidgets.widgets import widget as registry

_SHOWN: dict[int, ipywidgets.Widget] = {}  # by identity: figures compare by what they show


class Mortal(ipywidgets.Widget):  # type: ignore[misc]  # ipywidgets carries no types
    """A widget that ends with the last reference to it, unless it has been shown and is not yet closed."""

    def open(self) -> None:
        """Open the widget to a page; whatever is made of it is told by weak references only."""
        super().open()
        self.comm.on_msg(weakly(self._handle_msg))
        self.comm.on_close(weakly(self._leave))
        registry._instances[self.model_id] = weakref.proxy(self)

    def close(self) -> None:
        """Leave the page; shown again, the widget opens again."""
        _SHOWN.pop(id(self), None)
        super().close()
        self.__dict__.pop("_repr_mimebundle_", None)  # None is how ipywidgets says that it cannot be shown any more

    def _appear(self) -> None:
        """Stay alive until closed: a page is about to show the widget."""
        if self.comm is None:
            self.open()
        _SHOWN[id(self)] = self

    def _leave(self, message: Any) -> None:
        """Follow the page, which has closed its side."""
        self.close()


def weakly(method: Callable[..., Any]) -> Callable[..., Any]:
    """A bound method that does not keep its object alive, and does nothing when that is gone.

    >>> words = type("Words", (list,), {"add": lambda self, word: self.append(word)})()
    >>> add = weakly(words.add)
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
