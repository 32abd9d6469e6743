"""The embedded store: one SQLite file, one writer thread, a few read connections.

Several processes may have the file open. Each hears of its own writes at once and of the others' by asking
`PRAGMA data_version` while its writer is idle, which costs microseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from ...errors import Busy, StoreError
from ..protocol import Stream, Tx, View
from .maintenance import Maintenance
from .schema import Settings, connect, explain, prepare
from .view import SqliteView, register_functions
from .writer import Writer

T = TypeVar("T")

__all__ = ["Settings", "SqliteStore"]

_RECLAIM_PAGES = 500


class SqliteStore:
    def __init__(
        self,
        settings: Settings,
        *,
        migrate: bool = True,
        readers: int = 2,
        poll_seconds: float = 0.1,
        max_waiting_rows: int = 20_000,
        max_waiting_bytes: int = 64 << 20,
    ) -> None:
        self.settings = settings
        self._migrate = migrate
        self._reader_count = readers
        self._poll_seconds = poll_seconds
        self._max_waiting = (max_waiting_rows, max_waiting_bytes)
        self._listeners: list[Callable[[set[Stream]], None]] = []
        self._local = threading.local()
        self._read_connections: list[sqlite3.Connection] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: Writer | None = None
        self.id = ""

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._readers = ThreadPoolExecutor(self._reader_count, thread_name_prefix="jupyter-sessions-reader")
        rows, size = self._max_waiting

        def start() -> Writer:
            self.id = prepare(self.settings, migrate=self._migrate)
            return Writer(
                connect(self.settings),
                self.id,
                self._announce,
                max_rows=rows,
                max_bytes=size,
                poll_seconds=self._poll_seconds,
            )

        try:
            self._writer = await self._loop.run_in_executor(self._readers, start)
        except BaseException:
            self._readers.shutdown(wait=False)
            raise
        self._maintenance = Maintenance(self.settings, self._writer.turn)

    async def close(self) -> None:
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._maintenance.stop)
        await loop.run_in_executor(None, writer.close)
        await loop.run_in_executor(None, self._readers.shutdown)
        for connection in self._read_connections:
            connection.close()
        self._read_connections.clear()

    # Work

    async def write(self, work: Callable[[Tx], T], *, rows: int = 1, size: int = 0) -> T:
        if self._writer is None:
            raise StoreError("The store is closed.")
        result: T = await self._writer.submit(work, rows, size)
        return result

    async def read(self, work: Callable[[View], T]) -> T:
        if self._writer is None:
            raise StoreError("The store is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Callable[[View], T]) -> T:
        view = getattr(self._local, "view", None)
        if view is None:
            connection = connect(self.settings, readonly=True)
            register_functions(connection)
            self._read_connections.append(connection)
            view = self._local.view = SqliteView(connection, self.id)
        try:
            view.db.execute("BEGIN")
            try:
                return work(view)
            finally:
                if view.db.in_transaction:
                    view.db.execute("COMMIT")
        except sqlite3.OperationalError as exc:
            if "locked" in str(exc):
                raise Busy("Another program holds the store's file. Try again.") from exc
            raise explain(exc, Path(self.settings.path)) from exc
        except sqlite3.DatabaseError as exc:
            raise explain(exc, Path(self.settings.path)) from exc

    def waiting(self) -> tuple[int, int]:
        return (self._writer.waiting_rows, self._writer.waiting_bytes) if self._writer else (0, 0)

    async def reclaim(self) -> None:
        while await self.write(_incremental_vacuum):
            pass

    # News

    def on_news(self, listener: Callable[[set[Stream]], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def _announce(self, moved: set[Stream]) -> None:
        if self._loop is not None and self._listeners:
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody listens
                self._loop.call_soon_threadsafe(self._tell, moved)

    def _tell(self, moved: set[Stream]) -> None:
        for listener in tuple(self._listeners):
            listener(moved)


def _incremental_vacuum(tx: Tx) -> bool:
    """One step; whether there is more."""
    db: sqlite3.Connection = tx.db  # type: ignore[attr-defined]  # only our own transactions come here
    db.execute(f"PRAGMA incremental_vacuum({_RECLAIM_PAGES})").fetchall()
    return int(db.execute("PRAGMA freelist_count").fetchone()[0]) > 0
