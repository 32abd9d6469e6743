"""The quiet thread of a store: moves the WAL into the file.

A checkpoint writes and syncs the whole file; done here, no commit ever waits for one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading

from .schema import Settings, connect

_INTERVAL_SECONDS = 0.2
#: A WAL of this size is moved into the file while writers go on.
_CHECKPOINT_BYTES = 8 << 20
#: One that has outgrown this is cut back; our writer waits for that moment, and no longer than this for readers.
_TRUNCATE_BYTES = 128 << 20
_PATIENCE_MS = 20


class Maintenance:
    def __init__(self, settings: Settings, turn: threading.Lock) -> None:
        """`turn` is held by whoever commits: SQLite alone would let a busy writer starve us."""
        self._settings = settings
        self._turn = turn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jupyter-sessions-checkpoints", daemon=True)
        if settings.journal_mode == "wal":
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        db = connect(self._settings)
        db.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
        try:
            while not self._stop.wait(_INTERVAL_SECONDS):
                with contextlib.suppress(OSError, sqlite3.Error):  # locked or full: the next round tries again
                    size = os.stat(self._settings.path + "-wal").st_size
                    if size > _CHECKPOINT_BYTES:
                        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                    if size > _TRUNCATE_BYTES:
                        with self._turn:
                            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            db.close()
