"""Edits that code makes itself, told from those that others make at the same time."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Edits(threading.local):
    """Decides which edits of a widget are heard; what one thread skips is not skipped for another.

    >>> edits = Edits()
    >>> with edits.skip(1):
    ...     edits.passes(), edits.passes()
    (False, True)
    """

    _skipped = 0.0  # how many of the next

    @contextmanager
    def skip(self, count: float = math.inf) -> Iterator[None]:
        """Skip the first edits made inside, all of them by default."""
        before, self._skipped = self._skipped, count
        try:
            yield
        finally:
            self._skipped = before

    def passes(self) -> bool:
        """Count one more edit, and tell whether it is to be heard."""
        skipped, self._skipped = self._skipped > 0, max(0.0, self._skipped - 1)
        return not skipped
