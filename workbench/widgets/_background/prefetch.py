"""Results computed ahead, in the background, for what may be asked for next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from typing import Generic, TypeVar

from workbench.widgets._background.worker import Worker
from workbench.widgets._base.lifetime import weakly

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Prefetch(Generic[Key, Value]):
    """A function whose results are kept, and computed ahead by one thread in the background.

    >>> square = Prefetch(lambda number: number**2, keep=3)
    >>> square.prepare([2, 3])
    >>> square(3), square.submit(2).result()
    (9, 4)
    """

    def __init__(self, compute: Callable[[Key], Value], keep: int = 32) -> None:
        self._compute, self._keep = compute, keep
        self._results: dict[Key, Future[Value]] = {}
        self._worker = Worker()
        self._lock = threading.RLock()  # over the results: who computes in the background asks as well

    def __call__(self, key: Key) -> Value:
        """The result, computed here and now if nobody has begun."""
        with self._lock:
            known = self._results.get(key)
            begun = known is not None and not known.cancel()
            if known is None or not begun:
                known = Future()
                known.set_running_or_notify_cancel()  # from now on others wait for it
                self._results[key] = known
        if not begun:
            try:
                known.set_result(self._compute(key))
            except Exception as error:
                known.set_exception(error)
            self._forget()
        return known.result()

    def submit(self, key: Key) -> Future[Value]:
        """The result, now or later."""
        with self._lock:
            if key not in self._results:
                self._results[key] = self._worker.submit(weakly(self._begin), key)
                self._forget()
            return self._results[key]

    def _begin(self, key: Key) -> Value:
        """Compute in the background, where nobody is kept alive for it but while it goes on."""
        return self._compute(key)

    def prepare(self, keys: Iterable[Key]) -> None:
        """Compute these in the background; what was asked for before and has not begun is left out."""
        wanted = list(keys)
        with self._lock:
            for key in [key for key, result in self._results.items() if key not in wanted and result.cancel()]:
                del self._results[key]
            for key in wanted:
                self.submit(key)

    def find(self, key: Key) -> Future[Value] | None:
        """The result that is there or under way, if anybody has asked for it."""
        with self._lock:
            return self._results.get(key)

    def release(self) -> None:
        """Let go of all results; what has not begun is left out, what has is waited for."""
        with self._lock:
            self._results.clear()
        self._worker.close()

    def _forget(self) -> None:
        """Let go of the oldest results."""
        with self._lock:
            for key in list(self._results)[: max(0, len(self._results) - self._keep)]:
                if self._results[key].done():
                    del self._results[key]
