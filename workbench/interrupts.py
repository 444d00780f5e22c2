"""Interrupts (Ctrl-C, the stop button) that wait for the end of what must not be left half done."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def holding_interrupts() -> Iterator[None]:
    """What is done here is done whole; an interrupt that comes meanwhile is heard at its end.

    Python interrupts nothing but the main thread, so in any other this does nothing.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    heard: list[Any] = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if heard and callable(before):
            before(*heard[-1])
        elif heard:
            os.kill(os.getpid(), signal.SIGINT)


class Interrupts:
    """Whether an interrupt was heard while interrupts were noted."""

    def __init__(self) -> None:
        self.heard = False


@contextmanager
def noting_interrupts() -> Iterator[Interrupts]:
    """An interrupt that comes here is noted, for whoever looks; a second one is heard at once.

    Python interrupts nothing but the main thread, so in any other this does nothing.

    >>> import signal
    >>> with noting_interrupts() as noted:
    ...     signal.raise_signal(signal.SIGINT)
    >>> noted.heard
    True
    """
    noted, before = Interrupts(), signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield noted
        return

    def note(number: int, frame: Any) -> None:
        if noted.heard:
            before(number, frame)
        noted.heard = True

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
