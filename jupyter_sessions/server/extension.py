"""The Jupyter Server extension: its configuration in traits, and its routes."""

from __future__ import annotations

import os

from jupyter_server.extension.application import ExtensionApp
from tornado.ioloop import IOLoop
from traitlets import Bool, Enum, Float, Integer, Unicode

from ..paths import default_store_path
from ..service.config import MIB, Config
from ..store.sqlite import Settings
from .base import UnknownRoute
from .routes import ROUTES, pattern
from .running import Running
from .socket import LiveSocket


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
                *((pattern(route), route.handler, given) for route in ROUTES),
                ("/sessions/.*", UnknownRoute, given),
            ]
        )

    async def stop_extension(self) -> None:
        await self.running.stop()
