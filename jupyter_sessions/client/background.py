"""The plain client's event loop: one per process, on a thread of its own, so that it works inside a running loop too.

A notebook's cell runs in the kernel's event loop, where nobody may wait; a call hands its work over here and waits.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from ..errors import SessionsError

T = TypeVar("T")

_EXIT_SECONDS = 3.0


class Background:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="jupyter-sessions-client", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for it here. An interrupt in this thread cancels it there."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError(
                "The plain client was called while it turned a value into text; it would wait for itself."
            )
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except SessionsError as exc:
            # The way through the loop explains nothing to the one who called.
            raise exc.with_traceback(None) from exc.__cause__
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_EXIT_SECONDS)


_lock = threading.Lock()
_current: Background | None = None
_left_behind: list[Background] = []


def run(work: Coroutine[Any, Any, T]) -> T:
    global _current
    with _lock:
        if _current is None:
            _current = Background()
    return _current.run(work)


@atexit.register
def _stop() -> None:
    if _current is not None:
        _current.stop()


def _after_fork() -> None:
    """The thread stayed with the parent. The next call starts a new one; the old loop is kept and never touched."""
    global _current, _lock
    _lock = threading.Lock()
    if _current is not None:
        _left_behind.append(_current)
        _current = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
