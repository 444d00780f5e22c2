"""Processes that a call starts beside its own, and ends with it: no launcher, no script, a notebook will do."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # which torch does not declare

from workbench.training.processes.group import PATIENCE, Group, LostProcessError, working_together

HOST = "127.0.0.1"
GUARD = 'put the call below `if __name__ == "__main__":`'
Work = Callable[..., Any]
"""What every process does: work(group, *arguments), a function of a module."""


@dataclass(frozen=True)
class Seat:
    """The place of a process in its group."""

    rank: int
    size: int
    port: int
    kind: str
    threads: int

    @property
    def device(self) -> torch.device:
        """The device of this process: GPUs are numbered like the processes."""
        return torch.device("cpu") if self.kind == "cpu" else torch.device(self.kind, self.rank)


@contextmanager
def helped(size: int, kind: str, work: Work, arguments: tuple[Any, ...]) -> Iterator[Group]:
    """A group whose first process is this one; the others do work(group, *arguments) until this one is done.

    They are started anew, because a fork would hang in the threads of torch; so what they get must be made of what
    modules hold, and `require_sendable` says what is not. LostProcessError, with the words of the one that failed,
    where another ends before this one.
    """
    if dist.is_initialized():
        raise ValueError(
            f"fabric={size} starts processes itself, but this one is of a group of {dist.get_world_size()} already; "
            "give the Fabric that has launched it: fabric=fabric"
        )
    if current_process().daemon:
        raise ValueError(f"fabric={size} starts processes, which a daemon may not; leave fabric out in workers")
    store = TCPStore(HOST, 0, size, is_master=True, wait_for_workers=False, timeout=PATIENCE)
    before = torch.get_num_threads()
    seats = [Seat(rank, size, store.port, kind, max(1, before // size)) for rank in range(size)]
    helpers, own = list[_Helper](), seats[0].device
    try:
        for seat in seats[1:]:
            helpers.append(_start(seat, work, arguments))
        for helper in helpers:
            helper.await_ready()
        with _loopback(), _seated(seats[0], store), working_together(own, lambda: _explain(helpers)) as group:
            yield group
            for helper in helpers:
                helper.await_end()
    finally:
        torch.set_num_threads(before)
        for helper in helpers:
            helper.end()


def require_sendable(values: dict[str, Any], size: int) -> None:
    """ValueError, with the cure, for an option that other processes cannot be given, such as a lambda.

    >>> require_sendable({"loss": lambda answers, labels: answers.mean()}, 2)
    Traceback (most recent call last):
    ValueError: fabric=2: loss cannot be sent to other processes (...); define it in a module and import it
    """
    main = sys.modules["__main__"]
    for name, value in values.items():
        inner = getattr(value, "func", value)
        here = getattr(inner, "__module__", None) == "__main__" or type(value).__module__ == "__main__"
        if here and not hasattr(main, "__file__"):  # a notebook, which other processes cannot read
            raise ValueError(
                f"fabric={size}: {name} is defined in this notebook, which other processes cannot read; define it in a "
                "module and import it"
            )
        try:
            ForkingPickler.dumps(value)
        except Exception as error:  # whatever the one that pickles it says
            raise ValueError(
                f"fabric={size}: {name} cannot be sent to other processes ({error}); define it in a module and "
                "import it"
            ) from error


class _Helper:
    """A process at work: `pipe` brings None once it is ready, and words where it fails."""

    def __init__(self, seat: Seat, process: SpawnProcess, pipe: Connection) -> None:
        self.seat, self.process, self.pipe = seat, process, pipe
        self.ready = False
        self.words: str | None = None

    def await_ready(self) -> None:
        """Wait until it can work; LostProcessError where it ends before."""
        wait([self.pipe, self.process.sentinel])
        self.listen()
        if not self.ready:
            raise LostProcessError(f"{self.tell()}; it had not begun: in a script {GUARD}")

    def await_end(self) -> None:
        """Let it end by itself."""
        self.process.join(10)

    def listen(self) -> str | None:
        """Its words where it has failed."""
        try:
            while self.pipe.poll():
                self.words = self.pipe.recv()
                self.ready = self.ready or self.words is None
        except (EOFError, OSError):
            pass  # it has ended, and said nothing: `tell` says so
        return self.words

    def tell(self) -> str:
        """Why it has ended."""
        return f"process {self.seat.rank + 1} of {self.seat.size} has ended ({self.listen() or 'without a word'})"

    def end(self) -> None:
        """End it, if it has not."""
        if self.process.is_alive():
            self.process.terminate()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()
        self.pipe.close()


def _start(seat: Seat, work: Work, arguments: tuple[Any, ...]) -> _Helper:
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_help, args=(seat, theirs, work, arguments), daemon=True, name=f"training {seat.rank + 1}"
    )
    process.start()
    theirs.close()
    return _Helper(seat, process, ours)


def _explain(helpers: list[_Helper]) -> str:
    """Why a helper has ended; those that noticed come after the one that failed."""
    ended = wait([helper.process.sentinel for helper in helpers], timeout=5)
    spoken = [helper for helper in helpers if helper.listen() is not None]
    gone = [helper for helper in helpers if helper.process.sentinel in ended]
    first = [one for one in spoken if LostProcessError.__name__ not in (one.words or "")] or gone or spoken
    return first[0].tell() if first else f"another process did not answer for {PATIENCE}"


def _help(seat: Seat, pipe: Connection, work: Work, arguments: tuple[Any, ...]) -> None:
    """What a helper does, from its begin to its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears it, and tells all
    warnings.simplefilter("ignore")  # the first process gives them
    try:
        store = TCPStore(HOST, seat.port, seat.size, is_master=False, timeout=PATIENCE)
        pipe.send(None)
        why = "the first process has ended"
        with _loopback(), _seated(seat, store), working_together(seat.device, lambda: why) as group:
            work(group, *arguments)
    except BaseException as error:
        with suppress(OSError):  # the first process may be gone
            pipe.send(f"{type(error).__name__}: {error}")
        os._exit(1)


@contextmanager
def _seated(seat: Seat, store: TCPStore) -> Iterator[None]:
    """Take a place in a group of torch.distributed, with a share of the threads, and leave it."""
    torch.set_num_threads(seat.threads)
    if seat.kind == "cuda":
        torch.cuda.set_device(seat.device)
    backend = "nccl" if seat.kind == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=seat.rank, world_size=seat.size, timeout=PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


@contextmanager
def _loopback() -> Iterator[None]:
    """All processes are on this machine: gloo needs no network, and no name of the machine."""
    name = "GLOO_SOCKET_IFNAME"
    if sys.platform != "linux" or name in os.environ:
        yield
        return
    os.environ[name] = "lo"
    try:
        yield
    finally:
        del os.environ[name]
