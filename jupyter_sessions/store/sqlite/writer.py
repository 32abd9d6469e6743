"""The one thread that writes. It takes everything that waits into one transaction and answers after the commit."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

from ...errors import Busy, DiskFull, SessionsError, StoreError
from ..protocol import EVERYTHING, Stream
from .tx import SqliteTx

#: Another process waits behind our transaction, so it stays short.
_MAX_ROWS = 2_000
_MAX_SECONDS = 0.025


class Job:
    __slots__ = ("error", "future", "loop", "result", "rows", "size", "work")

    def __init__(self, work: Callable[[SqliteTx], Any], rows: int, size: int, loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.rows = rows
        self.size = size
        self.loop = loop
        self.future: asyncio.Future[Any] = loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None


class Writer:
    def __init__(
        self,
        db: sqlite3.Connection,
        store_id: str,
        on_commit: Callable[[set[Stream]], None],
        *,
        max_rows: int,
        max_bytes: int,
        poll_seconds: float,
    ) -> None:
        self._db = db
        self._poll_seconds = poll_seconds
        self._tx = SqliteTx(db, store_id)
        self._on_commit = on_commit
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        #: Held during a commit; the maintenance takes it to cut back the WAL.
        self.turn = threading.Lock()
        self.waiting_rows = 0
        self.waiting_bytes = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="jupyter-sessions-writer", daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[SqliteTx], Any], rows: int, size: int) -> Any:
        if self._closed:
            raise StoreError("The store is closed.")
        # One batch larger than the whole queue may pass when nothing else waits.
        if self.waiting_rows and (
            self.waiting_rows + rows > self._max_rows or self.waiting_bytes + size > self._max_bytes
        ):
            raise Busy(
                f"{self.waiting_rows} rows wait to be written; the limit is {self._max_rows} rows "
                f"or {self._max_bytes} bytes. Nothing of this request was kept; send it again."
            )
        job = Job(work, rows, size, asyncio.get_running_loop())
        with self._lock:
            self.waiting_rows += rows
            self.waiting_bytes += size
        self._queue.put(job)
        return await job.future

    def close(self) -> None:
        """Write what waits, then stop."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                first = self._queue.get(timeout=self._poll_seconds)
            except queue.Empty:
                self._listen_to_others()
                continue
            if first is None:
                break
            jobs, rows = [first], first.rows
            deadline = time.monotonic() + _MAX_SECONDS
            stopping = False
            while rows < _MAX_ROWS and time.monotonic() < deadline:
                try:
                    job = self._queue.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    stopping = True
                    break
                jobs.append(job)
                rows += job.rows
            with self.turn:
                self._commit(jobs)
            if stopping:
                break
        self._db.close()

    def _listen_to_others(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._tx.others_wrote()
            if self._tx.moved:
                self._tx.moved.clear()
                self._on_commit({EVERYTHING})

    def _commit(self, jobs: list[Job]) -> None:
        try:
            self._tx.begin()
            for job in jobs:
                written = self._tx.written()
                try:
                    job.result = job.work(self._tx)
                except SessionsError as exc:
                    if self._tx.written() != written:
                        raise  # too late for a refusal: what it wrote must go
                    job.error = exc
            moved = self._tx.commit()
        except BaseException as exc:
            self._rollback()
            error = _explain(exc)
            if len(jobs) > 1 and error is exc:
                # One of them is to blame: each alone, so that it takes no other down with it.
                for job in jobs:
                    job.result = job.error = None
                    self._commit([job])
                return
            for job in jobs:
                job.error = error
            moved = set()
        self._answer(jobs, moved)

    def _rollback(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # what failed the transaction may also have ended it
            self._tx.rollback()

    def _answer(self, jobs: list[Job], moved: set[Stream]) -> None:
        with self._lock:
            self.waiting_rows -= sum(job.rows for job in jobs)
            self.waiting_bytes -= sum(job.size for job in jobs)
        by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        for job in jobs:
            by_loop.setdefault(job.loop, []).append(job)
        for loop, answered in by_loop.items():
            with contextlib.suppress(RuntimeError):  # that loop is gone, and with it everyone who waited
                loop.call_soon_threadsafe(_resolve, answered)
        if moved:
            self._on_commit(moved)


def _resolve(jobs: list[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)


def _explain(exc: BaseException) -> BaseException:
    """What a refusal of the file means; everybody meets it alike. Any other error is returned as it is."""
    text = str(exc)
    if isinstance(exc, sqlite3.Error):
        if "full" in text:
            return DiskFull()
        if "locked" in text or "busy" in text:
            return Busy("Another program holds the store's file. Nothing of this request was kept; send it again.", 5)
        if "readonly" in text:
            return StoreError("The store's file cannot be written any more. Nothing of this request was kept.")
        if "disk I/O" in text or "malformed" in text or "not a database" in text:
            return StoreError(f"The store's file cannot be used ({text}). Nothing of this request was kept.")
    return exc
