"""The headless browser of this process that renders figures: started when needed, closed when idle."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import signal
import threading
from contextlib import suppress
from functools import cache
from typing import Any

import plotly.graph_objects as go

WIDTH_PX, HEIGHT_PX = 900, 450  # of a picture whose figure does not say; what figures are laid out for
IDLE_S = 120.0  # after which the browser is closed: it takes some 400 MB
TIMEOUT_S = 60.0  # for starting the browser, and for one drawing
CLOSING_S = 3.0
CURE = (
    "a picture needs Chrome or Chromium on this machine (Debian: apt-get install chromium) and "
    "kaleido with pillow (pip install kaleido pillow)"
)


class NoBrowserError(RuntimeError):
    """No browser that can render figures; the message says why, and the cure."""


def draw(figure: go.Figure, kind: str, scale: float = 1.0) -> bytes:
    """A figure as a picture, "png" or "svg", of `scale` dots per px; 900 px wide unless the figure says otherwise.

    NoBrowserError where there is no browser, or where it does not start or answer; ValueError for a figure that
    plotly itself cannot draw.
    """
    layout = figure.layout
    size = {"width": layout.width or WIDTH_PX, "height": layout.height or HEIGHT_PX}
    return _shared_browser(os.getpid()).draw(figure.to_dict(), {"format": kind, "scale": scale, **size})


class Browser:
    """A browser in a background thread that renders one figure after the other, for any thread."""

    def __init__(self, idle_s: float = IDLE_S, timeout_s: float = TIMEOUT_S) -> None:
        self._idle_s, self._timeout_s = idle_s, timeout_s
        self._kaleido: Any = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._lock = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        logging.getLogger("choreographer.channels.pipe").addFilter(_is_no_goodbye)  # the same again is not added
        self._thread = threading.Thread(target=self._loop.run_forever, name="workbench browser", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def draw(self, figure: dict[str, Any], options: dict[str, Any]) -> bytes:
        """The picture of a figure under kaleido's options (format, width, height, scale)."""
        return asyncio.run_coroutine_threadsafe(self._draw(figure, options), self._loop).result()

    def close(self) -> None:
        """Close the browser; it starts again when it is needed."""
        if self._thread.is_alive():  # not so in the child of a fork, whose parent keeps the browser
            asyncio.run_coroutine_threadsafe(self._close_when_free(), self._loop).result()

    async def _draw(self, figure: dict[str, Any], options: dict[str, Any]) -> bytes:
        async with self._lock:
            if self._idle_timer is not None:
                self._idle_timer.cancel()
            kept = self._kaleido is not None
            try:
                return await self._try(figure, options)
            except NoBrowserError:
                if not kept:
                    raise
                return await self._try(figure, options)  # it may have ended since; a new one is not tried twice
            finally:
                self._idle_timer = self._loop.call_later(
                    self._idle_s, lambda: self._loop.create_task(self._close_when_free())
                )

    async def _try(self, figure: dict[str, Any], options: dict[str, Any]) -> bytes:
        from kaleido.errors import JavascriptError, KaleidoError

        await self._open()
        try:
            return bytes(await asyncio.wait_for(self._kaleido.calc_fig(figure, opts=options), self._timeout_s))
        except (JavascriptError, KaleidoError) as error:
            raise ValueError(f"plotly cannot draw this figure: {error}") from error
        except Exception as error:
            await self._close_browser()
            raise NoBrowserError(f"the browser does not draw ({_describe_error(error)}); {CURE}") from error

    async def _open(self) -> None:
        if self._kaleido is not None:
            return
        from kaleido import Kaleido
        from kaleido.errors import ChromeNotFoundError

        try:
            self._kaleido = Kaleido(mathjax=False)  # by default it would be asked of a server
            await asyncio.wait_for(self._kaleido.open(), self._timeout_s)
        except ChromeNotFoundError as error:
            raise NoBrowserError(f"there is no browser; {CURE}") from error
        except Exception as error:
            await self._close_browser()
            raise NoBrowserError(f"the browser does not start ({_describe_error(error)}); {CURE}") from error

    def _close_soon(self) -> None:
        self._loop.create_task(self._close_when_free())

    async def _close_when_free(self) -> None:
        async with self._lock:
            await self._close_browser()

    async def _close_browser(self) -> None:
        kaleido, self._kaleido = self._kaleido, None
        if kaleido is None:
            return
        try:
            await asyncio.wait_for(kaleido.close(), CLOSING_S)
        except Exception:  # one that does not answer does not close either
            with suppress(AttributeError, ProcessLookupError):  # it has not begun, or has ended
                os.killpg(kaleido.subprocess.pid, signal.SIGKILL)


@cache
def _shared_browser(process: int) -> Browser:
    """The browser of a process; a forked child has its own."""
    try:
        import kaleido  # noqa: F401  # only whether it is there; it is used in the thread that draws
    except ImportError as error:
        raise NoBrowserError(f"kaleido is not installed; {CURE}") from error
    return Browser()


def _is_no_goodbye(record: logging.LogRecord) -> bool:
    """Whether a log record is any but the one of choreographer 1.4 that takes its browser's last word for damage.

    Its browser writes {bye} when it ends; read in one piece with what came before, that is logged as broken JSON.
    """
    error = record.exc_info[1] if record.exc_info else None
    return str(getattr(error and error.__cause__, "doc", "")).strip() != "{bye}"


def _describe_error(error: Exception) -> str:
    """Kind and first sentence of an error."""
    return f"{type(error).__name__}: {error.args[0] if error.args else error}".strip(": ")
