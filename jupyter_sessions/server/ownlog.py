"""The server's own log, recorded as the log of the server's own session.

A logging handler must never block, raise or feed itself: records go into a bounded buffer, and a task of the
event loop writes them from there. What was logged before the store is up waits in the buffer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import traceback
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar

import msgspec

from ..errors import SessionsError
from ..model import Level, LogEntry
from ..service.sessions import Sessions

_BUFFER = 5_000
_BATCH = 1_000
_FLUSH_SECONDS = 0.1
_MAX_MESSAGE = 64 * 1024
_SECRET = re.compile(r"(?i)((?:token|_xsrf|password|api_key|auth)=)[^&\s\"']+")
#: Records below this level are not recorded, in the context of what runs now.
_threshold: ContextVar[int] = ContextVar("jupyter_sessions_threshold", default=0)
ALL = logging.CRITICAL + 1


@contextlib.contextmanager
def left_out(below: int = ALL) -> Iterator[None]:
    """Answering a request for the log must not make the log grow: what is logged on the way is left out."""
    before = _threshold.set(below)
    try:
        yield
    finally:
        _threshold.reset(before)


def _level(number: int) -> int:
    if number >= logging.ERROR:
        return Level.ERROR.value
    if number >= logging.WARNING:
        return Level.WARN.value
    return Level.INFO.value if number >= logging.INFO else Level.DEBUG.value


class OwnLog(logging.Handler):
    def __init__(self, level: int = logging.INFO) -> None:
        super().__init__(level)
        self._waiting: deque[LogEntry] = deque(maxlen=_BUFFER)
        self._dropped = 0
        self._last: logging.LogRecord | None = None
        self._task: asyncio.Task[None] | None = None
        self._loggers: list[logging.Logger] = []

    def attach(self, *loggers: logging.Logger) -> None:
        """Jupyter hangs tornado's loggers below the server's own, so that one hears them too."""
        for logger in loggers:
            if self not in logger.handlers:
                logger.addHandler(self)
                self._loggers.append(logger)

    def detach(self) -> None:
        for logger in self._loggers:
            logger.removeHandler(self)
        self._loggers.clear()

    # Any thread

    def emit(self, record: logging.LogRecord) -> None:
        # A record climbs from a logger to its parents: once is enough.
        if record is self._last or record.levelno < _threshold.get():
            return
        self._last = record
        with contextlib.suppress(Exception):  # logging must never harm who logs
            message = record.getMessage()
            if record.exc_info and record.exc_info[0] is not None:
                message += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
            message = _SECRET.sub(r"\1[secret]", message).replace("\0", "\ufffd")[:_MAX_MESSAGE]
            data = msgspec.json.encode({"file": record.pathname, "line": record.lineno}).decode()
            if len(self._waiting) == _BUFFER:
                self._dropped += 1
            self._waiting.append(
                LogEntry(int(record.created * 1e6) * 1000, message, _level(record.levelno), data, record.name, "server")
            )

    # Event loop

    def start(self, sessions: Sessions) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(sessions))

    async def stop(self, sessions: Sessions) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(SessionsError):
            await self._flush(sessions)

    async def _run(self, sessions: Sessions) -> None:
        with left_out():  # whatever writing the log logs itself
            while True:
                await asyncio.sleep(_FLUSH_SECONDS)
                with contextlib.suppress(SessionsError):  # full or busy: the buffer waits for better times
                    await self._flush(sessions)

    async def _flush(self, sessions: Sessions) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            dropped, self._dropped = self._dropped, 0
            if dropped:
                text = f"{dropped} lines were dropped: they came faster than the store took them."
                batch.insert(
                    0, LogEntry(batch[0].timestamp, text, Level.WARN.value, None, "jupyter_sessions", "server")
                )
            try:
                await sessions.append_log(sessions.self_id, batch)
            except SessionsError:
                self._dropped += dropped
                self._waiting.extendleft(reversed(batch[bool(dropped) :]))
                raise
