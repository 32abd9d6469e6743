"""The service of one server while it runs, and what runs beside it: what handlers get.

While the store is not open, or cannot be, asking for the service is a clear refusal. A store that cannot be opened
never keeps the notebook server from starting.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import jupyter_server
import msgspec

from .._version import __version__
from ..errors import SessionsError, StoreError
from ..ids import new_id
from ..model import Origin
from ..service import liveness, retention
from ..service.bodies import SessionBody
from ..service.filters import parse_list
from ..service.servers import Servers
from ..service.sessions import Sessions
from ..store.sqlite import SqliteStore
from ..wire import encode, session_view
from .live import LiveHub, text_message
from .ownlog import OwnLog

if TYPE_CHECKING:
    from .extension import SessionsExtension
    from .socket import LiveSocket

T = TypeVar("T")

#: Seconds until a store that could not be opened is tried again.
_OPEN_AGAIN_SECONDS = 5.0

#: The plain list of the live socket ends here.
PLAIN_LIST = 1000


class Running:
    """The service of one server, from its start to its end."""

    def __init__(self, extension: SessionsExtension) -> None:
        self.extension = extension
        self.log = extension.log
        self.config = extension.service_config()
        self.max_sockets = extension.max_sockets
        self.max_subscriptions = extension.max_subscriptions
        self.debug = os.environ.get("JUPYTER_SESSIONS_DEBUG", "") not in ("", "0")
        self.sockets: set[LiveSocket] = set()
        self.plain: set[LiveSocket] = set()
        self.own_log = OwnLog(logging.DEBUG if self.debug else logging.INFO)
        self._started = time.monotonic()
        self._sessions: Sessions | None = None
        self._problem: SessionsError = StoreError("The store is being opened; try again in a moment.")
        self._problem.retry_after = 1
        self._tasks: list[asyncio.Task[None]] = []
        self._servers: Servers | None = None
        self._greetings: set[asyncio.Task[None]] = set()

    @property
    def sessions(self) -> Sessions:
        if self._sessions is None:
            raise self._problem
        return self._sessions

    @property
    def hub(self) -> LiveHub:
        if self._sessions is None:
            raise self._problem
        return self._hub

    def uptime(self) -> float:
        return time.monotonic() - self._started

    async def off_loop(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(None, work, *args)

    # Start and stop

    async def start(self) -> None:
        # A thread that computes keeps the event loop waiting for at most this long.
        sys.setswitchinterval(self.extension.switch_interval)
        # What the server made while it started stays; the collector need not walk it (some 100 ms) again and again.
        gc.collect()
        gc.freeze()
        self._tasks.append(asyncio.get_running_loop().create_task(self._open()))

    async def _open(self) -> None:
        """Open the store, however often it takes: a lock goes, a disk gets room, a file is moved aside."""
        said = ""
        while True:
            try:
                sessions = await self._opened()
                break
            except SessionsError as exc:
                self._problem = exc
            except Exception as exc:
                self._problem = StoreError(f"The store could not be opened ({exc}); the server's log says more.")
                self.log.debug("jupyter-sessions: opening the store failed", exc_info=True)
            if self._problem.message != said:
                said = self._problem.message
                self.log.error("jupyter-sessions does not record: %s", said)
            await asyncio.sleep(_OPEN_AGAIN_SECONDS)
        self._sessions = sessions
        self._hub = LiveHub(sessions)
        self._every(self.config.heartbeat, self._beat)
        self._every(self.config.pid_poll, lambda: liveness.end_of_gone_processes(sessions))
        self._every(self.config.retention_interval, lambda: retention.sweep(sessions), self.config.retention_first)
        self._every(self.extension.push_interval, self._push)
        self.log.info("jupyter-sessions %s records to %s", __version__, self.extension.store_settings().path)

    async def _opened(self) -> Sessions:
        extension = self.extension
        store = SqliteStore(
            extension.store_settings(),
            poll_seconds=extension.poll_interval,
            max_waiting_rows=extension.max_waiting_rows,
            max_waiting_bytes=extension.max_waiting_bytes,
        )
        await store.open()
        try:
            sessions = Sessions(store, self.config)
            await self._begin(sessions)
        except BaseException:
            await store.close()
            raise
        return sessions

    async def _begin(self, sessions: Sessions) -> None:
        """Say that we live, end what dead servers left, open our own session."""
        server = self.extension.serverapp
        assert server is not None
        self._servers = Servers(sessions)
        sessions.self_id = new_id()
        await self._servers.register(server.base_url, sessions.self_id)
        metadata = {
            "jupyter_sessions": __version__,
            "jupyter_server": jupyter_server.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "base_url": server.base_url,
        }
        body = SessionBody(
            appname="jupyter-server",
            metadata=msgspec.Raw(encode(metadata)),
            platform=sys.platform,
            pid=os.getpid(),
        )
        await sessions.put_session(sessions.self_id, body, local=True, origin=Origin.API)
        await self._servers.repair()
        self.own_log.start(sessions)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.own_log.detach()
        sessions, self._sessions = self._sessions, None
        self._problem = StoreError("The server is stopping.")
        if sessions is None:
            return
        for socket in tuple(self.sockets):
            socket.close(1001, "The server is stopping.")
        await self._hub.close()
        await self.own_log.stop(sessions)
        own, sessions.self_id = sessions.self_id, ""
        with contextlib.suppress(SessionsError):
            await sessions.delete(own, "server_stop")
            assert self._servers is not None
            await self._servers.leave()
        await sessions.store.close()

    # Beside the routes

    def _every(self, seconds: float, work: Callable[[], Awaitable[object]], first: float | None = None) -> None:
        async def run() -> None:
            await asyncio.sleep(seconds if first is None else first)
            while True:
                try:
                    await work()
                except SessionsError as exc:
                    self.log.debug("jupyter-sessions: %s", exc.message)
                except Exception:
                    self.log.exception("jupyter-sessions: a background task failed; it goes on")
                await asyncio.sleep(seconds)

        self._tasks.append(asyncio.get_running_loop().create_task(run()))

    async def _beat(self) -> None:
        assert self._servers is not None
        await self._servers.beat()
        await self._servers.repair()

    def greet(self, socket: LiveSocket) -> None:
        async def send() -> None:
            with contextlib.suppress(SessionsError):
                frame = await self.plain_list()
                if socket in self.plain:
                    socket.send(frame)

        self._greetings.add(task := asyncio.get_running_loop().create_task(send()))
        task.add_done_callback(self._greetings.discard)

    async def plain_list(self) -> bytes:
        """The message for clients that do not subscribe: the newest sessions, open and closed."""
        sessions = self.sessions
        now = sessions.clock()
        request = parse_list({"status": ["all"], "limit": [str(PLAIN_LIST)]}, now)

        def frame(page: Any) -> bytes:
            view = {
                "type": "sessions",
                "self_id": sessions.self_id,
                "sessions": [session_view(row, now) for row in page.rows],
                "total": page.total,
                "total_is": "exact" if page.exact else "at_least",
            }
            return text_message(encode(view))

        return await sessions.find(request, frame)

    async def _push(self) -> None:
        if not self.plain:
            return
        frame = await self.plain_list()
        for socket in tuple(self.plain):
            # One that has not read the list before gets the next one.
            if not socket.blocked():
                socket.send(frame)
