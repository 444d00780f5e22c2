"""A thread in the background that computes one thing after the other, and lets Python end."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any


class Worker:
    """Computes in order what is submitted; when Python ends, only what is being computed is waited for.

    >>> worker = Worker()
    >>> worker.submit(pow, 2, 10).result()
    1024
    >>> worker.close()
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None] = SimpleQueue()
        self._open = True
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def submit(self, compute: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """What `compute(*arguments)` gives or raises, later; cancel() leaves out what has not begun."""
        outcome: Future[Any] = Future()
        self._tasks.put((outcome, compute, arguments))
        return outcome

    def close(self) -> None:
        """Begin nothing more, and wait for what has begun."""
        self._open = False
        self._tasks.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None and self._open:
            outcome, compute, arguments = task
            if outcome.set_running_or_notify_cancel():
                try:
                    outcome.set_result(compute(*arguments))
                except Exception as error:  # raised to who asks for the result
                    outcome.set_exception(error)
