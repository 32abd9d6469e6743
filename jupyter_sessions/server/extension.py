"""The Jupyter Server extension: configuration in traits, the routes, and what runs beside them.

`Running` is what handlers get: the service while it runs, and a clear refusal while it does not. A store that
cannot be opened never keeps the notebook server from starting.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import jupyter_server
import msgspec
from jupyter_server.extension.application import ExtensionApp
from tornado.ioloop import IOLoop
from traitlets import Bool, Enum, Float, Integer, Unicode

from .._version import __version__
from ..errors import SessionsError, StoreError
from ..ids import new_id
from ..model import Origin
from ..paths import default_store_path
from ..service import liveness, retention
from ..service.bodies import SessionBody
from ..service.config import MIB, Config
from ..service.filters import parse_list
from ..service.servers import Servers
from ..service.sessions import Sessions
from ..store.sqlite import Settings, SqliteStore
from ..wire import encode, session_view
from .base import UnknownRoute
from .live import LiveHub
from .openapi import OpenApi
from .ownlog import OwnLog
from .routes import ROUTES, pattern
from .socket import LiveSocket

T = TypeVar("T")

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
        extension = self.extension
        sys.setswitchinterval(extension.switch_interval)
        try:
            store = SqliteStore(
                extension.store_settings(),
                poll_seconds=extension.poll_interval,
                max_waiting_rows=extension.max_waiting_rows,
                max_waiting_bytes=extension.max_waiting_bytes,
            )
            await store.open()
            sessions = Sessions(store, self.config)
            await self._begin(sessions)
        except SessionsError as exc:
            self._problem = exc
            self.log.error("jupyter-sessions does not record: %s", exc.message)
            return
        except Exception as exc:
            self._problem = StoreError("The store could not be opened; the server's log says why.")
            self.log.exception("jupyter-sessions does not record: %s", exc)
            return
        self._sessions = sessions
        self._hub = LiveHub(sessions)
        self._every(self.config.heartbeat, self._beat)
        self._every(self.config.pid_poll, lambda: liveness.end_of_gone_processes(sessions))
        self._every(self.config.retention_interval, lambda: retention.sweep(sessions), self.config.retention_first)
        self._every(extension.push_interval, self._push)
        self.log.info("jupyter-sessions %s records to %s", __version__, extension.store_settings().path)

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
            title="This server",
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
                    socket.send(frame, _nothing)

        self._greetings.add(task := asyncio.get_running_loop().create_task(send()))
        task.add_done_callback(self._greetings.discard)

    async def plain_list(self) -> bytes:
        """The list for clients that do not subscribe: the newest sessions, open and closed."""
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
            return encode(view)

        return await sessions.find(request, frame)

    async def _push(self) -> None:
        if not self.plain:
            return
        frame = await self.plain_list()
        for socket in tuple(self.plain):
            if not socket.blocked():
                socket.send(frame, _nothing)


def _nothing() -> None:
    """A plain client is not read for when it has drained: the next push comes by itself."""


class SessionsExtension(ExtensionApp):
    """Records sessions: agent conversations, client processes, kernels, rooms."""

    name = "jupyter_sessions"
    extension_url = "/sessions"
    load_other_extensions = True

    store_path = Unicode(
        help="The SQLite file that holds everything. Default: the file named by JUPYTER_SESSIONS_DB, "
        "or jupyter_sessions/sessions.db in Jupyter's data directory."
    ).tag(config=True)
    journal_mode = Enum(
        ["wal", "delete", "truncate"], "wal",
        help="SQLite's journal. Use 'delete' where the file lies on a network home (NFS): WAL needs shared memory.",
    ).tag(config=True)  # fmt: skip
    synchronous = Enum(
        ["FULL", "NORMAL", "EXTRA"], "FULL",
        help="FULL: an answer means that the data is on the disk. NORMAL survives a crash of the server, "
        "not a power cut.",
    ).tag(config=True)  # fmt: skip
    busy_timeout = Float(10.0, help="Seconds to wait while another program holds the file.").tag(config=True)
    poll_interval = Float(0.1, help="Seconds between looks at whether another process wrote to the file.").tag(
        config=True
    )
    switch_interval = Float(
        0.0005, help="Python's thread switch interval in seconds: how long recording may keep the notebook waiting."
    ).tag(config=True)
    push_interval = Float(2.0, help="Seconds between the session lists that a plain socket client gets.").tag(
        config=True
    )

    log_ring = Integer(10_000, min=0, help="Log entries that each session keeps; 0 keeps all.").tag(config=True)
    retention_days = Float(365.0, min=0, help="Closed sessions older than this are archived or purged; 0 never.").tag(
        config=True
    )
    retention_sessions = Integer(0, min=0, help="Closed sessions to keep; 0 does not count them.").tag(config=True)
    retention_bytes = Integer(
        5 * 1024 * MIB, min=0, help="Beyond this much data the oldest closed sessions are purged; 0 never."
    ).tag(config=True)
    retention_action = Enum(
        ["archive", "purge"], "archive",
        help="archive keeps structure and figures and drops log and payload; purge removes the session.",
    ).tag(config=True)  # fmt: skip
    retention_interval = Float(3600.0, help="Seconds between two rounds of retention.").tag(config=True)
    retention_first = Float(30.0, help="Seconds after the start of the first round of retention.").tag(config=True)

    heartbeat = Float(30.0, help="Seconds between signs of life of this server in the store.").tag(config=True)
    server_dead_after = Float(
        120.0, help="Seconds without a sign of life after which a server on another host is taken for dead."
    ).tag(config=True)
    reattach_grace = Float(
        60.0, help="Seconds that clients have to come back after their server died, before their sessions are ended."
    ).tag(config=True)
    pid_poll = Float(5.0, help="Seconds between looks at whether the processes of clients still live.").tag(config=True)

    max_body = Integer(10 * MIB, min=1, help="Bytes of a request body, decoded.").tag(config=True)
    max_message = Integer(256 * 1024, min=1, help="Bytes of one log message.").tag(config=True)
    max_document = Integer(64 * 1024, min=2, help="Bytes of a metadata or data object.").tag(config=True)
    max_depth = Integer(32, min=1, help="Levels of nesting in a metadata or data object.").tag(config=True)
    max_entries = Integer(50_000, min=1, help="Log entries in one request.").tag(config=True)
    max_sockets = Integer(2000, min=0, help="Live sockets at a time.").tag(config=True)
    max_subscriptions = Integer(100, min=1, help="Streams that one live socket follows.").tag(config=True)
    max_waiting_rows = Integer(20_000, min=1, help="Rows that may wait to be written; more is a 503.").tag(config=True)
    max_waiting_bytes = Integer(64 * MIB, min=1, help="Bytes that may wait to be written; more is a 503.").tag(
        config=True
    )
    record_server_log = Bool(True, help="Record the server's own log as the log of its own session.").tag(config=True)

    def store_settings(self) -> Settings:
        return Settings(
            path=os.path.abspath(os.path.expanduser(self.store_path or default_store_path())),
            journal_mode=self.journal_mode,
            synchronous=self.synchronous,
            busy_timeout_ms=int(self.busy_timeout * 1000),
        )

    def service_config(self) -> Config:
        return Config(**{name: getattr(self, name) for name in Config.__struct_fields__ if self.has_trait(name)})

    def initialize_settings(self) -> None:
        self.running = Running(self)
        if self.running.debug:
            self.log.setLevel("DEBUG")
        if self.record_server_log and self.serverapp is not None:
            self.running.own_log.attach(self.serverapp.log, self.log)
        # Works with every Jupyter Server: the store opens as soon as the event loop runs.
        IOLoop.current().add_callback(self.running.start)

    def initialize_handlers(self) -> None:
        given = {"running": self.running}
        self.handlers.extend(
            [
                ("/sessions/ws/?", LiveSocket, given),
                ("/sessions/openapi.json/?", OpenApi, given),
                *((pattern(route), route.handler, given) for route in ROUTES),
                ("/sessions/.*", UnknownRoute, given),
            ]
        )

    async def stop_extension(self) -> None:
        await self.running.stop()
