"""A background thread that computes tasks in order, and exists only while there are any."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class Worker:
    """Computes submitted tasks in order; at the end of Python only the running task is waited for.

    >>> worker = Worker()
    >>> worker.submit(pow, 2, 10).result()
    1024
    >>> worker.close()
    """

    def __init__(self) -> None:
        self._tasks: deque[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._lock = threading.Lock()  # over the tasks and the thread
        self._thread: threading.Thread | None = None

    def submit(self, compute: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """The result of `compute(*arguments)` as a future; a task that has not begun can be cancelled."""
        outcome: Future[Any] = Future()
        with self._lock:
            self._tasks.append((outcome, compute, arguments))
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="workbench worker", daemon=True)
                thread.start()
                self._thread = thread
                _BUSY.add(self)
        return outcome

    def close(self) -> None:
        """Cancel tasks that have not begun and wait for the running one; tasks can be submitted again afterwards."""
        with self._lock:
            waiting, thread = list(self._tasks), self._thread
            self._tasks.clear()
        for outcome, _, _ in waiting:
            outcome.cancel()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _work(self) -> None:
        while self._compute_next():
            pass

    def _compute_next(self) -> bool:
        """Compute one task; False if there was none, which ends the thread."""
        with self._lock:
            if not self._tasks:
                self._thread = None
                _BUSY.discard(self)
                return False
            outcome, compute, arguments = self._tasks.popleft()
        if outcome.set_running_or_notify_cancel():
            try:
                outcome.set_result(compute(*arguments))
            except Exception as error:  # raised again by result()
                outcome.set_exception(error)
        return True


_BUSY: set[Worker] = set()


@atexit.register
def _end_all() -> None:
    for worker in list(_BUSY):
        worker.close()
