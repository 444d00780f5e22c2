"""Progress of what takes long: a bar with an estimate, once a piece of work has gone on for some time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")
DELAY_S = 1.5
"""How long a piece of work goes on before its bar is shown: what is done sooner shows nothing."""


class Progress:
    """How far a piece of work has come; a bar from the first step behind `DELAY_S` on, if somebody is there to see it.

    Notebooks get a widget. Where standard error is neither a terminal nor a notebook, as in a log, nothing is shown.
    """

    def __init__(self, total: int, what: str, unit: str, shown: bool, done: int) -> None:
        self.done = done
        self._begun, self._notes = time.time(), dict[str, str]()
        self._options = {"total": total, "desc": what, "unit": f" {unit}", "initial": done}
        self._shown = shown
        self._bar: Any = None

    def advance(self, steps: int = 1) -> None:
        """Say that so many more steps are done."""
        self.done += steps
        if self._bar is not None:
            self._bar.update(steps)
        elif self._shown and time.time() >= self._begun + DELAY_S and is_watched():
            self._show()

    def track(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, each a step that is done when the next one is asked for."""
        for item in items:
            yield item
            self.advance()

    def note(self, **notes: str) -> None:
        """Words to stand behind the bar, by name: they replace the last ones."""
        self._notes = notes
        if self._bar is not None:
            self._bar.set_postfix(notes)

    def close(self) -> None:
        """Leave the bar, if there is one, as it stands."""
        if self._bar is not None:
            self._bar.close()

    def _show(self) -> None:
        from tqdm.auto import tqdm  # a bar in a terminal, a widget in a notebook

        # the mean speed since the work began, for steps are not equally long
        self._bar = tqdm(**self._options, mininterval=0.2, miniters=1, smoothing=0, dynamic_ncols=True)
        self._bar.start_t, self._bar.n = self._begun, self.done
        self._bar.set_postfix(self._notes)


@contextmanager
def show_progress(total: int, what: str, unit: str, progress: bool = True, *, done: int = 0) -> Iterator[Progress]:
    """A piece of work of so many steps, of which some may be done already; `progress=False` shows nothing.

    `what` stands before the bar, `unit` is what one step is. The bar ends with the block, however that ends.

    >>> with show_progress(3, "count", "number") as bar:
    ...     for number in bar.track(range(3)):
    ...         pass
    >>> bar.done
    3
    """
    bar = Progress(total, what, unit, progress, done)
    try:
        yield bar
    finally:
        bar.close()


def is_watched() -> bool:
    """Whether a bar has somebody to look at it: in a notebook, or at a terminal.

    The environment can say that it has nobody: WORKBENCH_PROGRESS=0, for notebooks that are executed to be kept.
    """
    if os.environ.get("WORKBENCH_PROGRESS") == "0":
        return False
    return in_notebook() or (sys.stderr is not None and sys.stderr.isatty())


def in_notebook() -> bool:
    """Whether this is the kernel of a notebook.

    >>> in_notebook()
    False
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return shell is not None and "IPKernelApp" in shell.config
