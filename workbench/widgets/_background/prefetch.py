"""A cache whose results are computed in the background before they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from typing import Generic, TypeVar

from workbench.widgets._background.worker import Worker
from workbench.widgets._base.lifetime import weak_callback

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class PrefetchCache(Generic[Key, Value]):
    """A function whose latest results are kept, and can be computed in advance by a background thread.

    >>> square = PrefetchCache(lambda number: number**2, keep=3)
    >>> square.prepare([2, 3])
    >>> square(3), square.submit(2).result()
    (9, 4)
    """

    def __init__(self, compute: Callable[[Key], Value], keep: int = 32) -> None:
        self._compute, self._keep = compute, keep
        self._results: dict[Key, Future[Value]] = {}
        self._worker = Worker()
        self._lock = threading.RLock()  # over the results; the background thread uses them too

    def __call__(self, key: Key) -> Value:
        """The result; computed in this thread unless its computation has begun."""
        with self._lock:
            known = self._results.get(key)
            begun = known is not None and not known.cancel()
            if known is None or not begun:
                known = Future()
                known.set_running_or_notify_cancel()  # other threads wait for it from now on
                self._results[key] = known
        if not begun:
            try:
                known.set_result(self._compute(key))
            except Exception as error:
                known.set_exception(error)
            self._forget()
        return known.result()

    def submit(self, key: Key) -> Future[Value]:
        """The result as a future; computed in the background if it is not there."""
        with self._lock:
            if key not in self._results:
                self._results[key] = self._worker.submit(weak_callback(self._begin), key)
                self._forget()
            return self._results[key]

    def _begin(self, key: Key) -> Value:
        """Compute in the background; called through a weak reference, so that a queued task keeps no object alive."""
        return self._compute(key)

    def prepare(self, keys: Iterable[Key]) -> None:
        """Compute these in the background; earlier requests that have not begun are cancelled."""
        wanted = list(keys)
        with self._lock:
            for key in [key for key, result in self._results.items() if key not in wanted and result.cancel()]:
                del self._results[key]
            for key in wanted:
                self.submit(key)

    def find(self, key: Key) -> Future[Value] | None:
        """The result, done or under way, or None if it was not asked for."""
        with self._lock:
            return self._results.get(key)

    def release(self) -> None:
        """Drop all results: cancel what has not begun, wait for what has."""
        with self._lock:
            self._results.clear()
        self._worker.close()

    def _forget(self) -> None:
        """Drop the oldest results."""
        with self._lock:
            for key in list(self._results)[: max(0, len(self._results) - self._keep)]:
                if self._results[key].done():
                    del self._results[key]
