"""The SQLite file: its tables, how it is opened, how an older one is brought up to date.

`user_version` is 1000 x major + minor. A minor step only adds, so older code works on; a file of a newer
major is never written. Only a server or the CLI migrates (`migrate=True`), never a kernel.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import uuid
from pathlib import Path

from msgspec import Struct

from ...errors import StoreError
from ...model import Session

MAJOR = 1
VERSION = 1001
MIN_SQLITE = (3, 37, 0)

#: Columns that most filters name. Each has an index that begins with it and created_at and holds all the others,
#: so that any two of them are answered from one index, without a look at the rows.
FACET_COLUMNS = ("status", "kind", "appname", "agent", "environment", "channel", "room", "user")

DOCUMENTS = ("metadata", "dimensions", "timeout")
COLUMNS = tuple(name for name in Session.__struct_fields__ if name not in DOCUMENTS)

_TABLES = """
CREATE TABLE store(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Narrow on purpose: a sort without an index reads this table alone. Documents are apart.
CREATE TABLE sessions(
  sid INTEGER PRIMARY KEY,
  -- What sorts and filters read comes first: a scan decodes no column behind the one it needs.
  id TEXT NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER, status TEXT NOT NULL, kind TEXT NOT NULL,
  error_count INTEGER NOT NULL, message_count INTEGER NOT NULL, trace_count INTEGER NOT NULL,
  tokens INTEGER, cost_pico INTEGER, updated_at INTEGER NOT NULL, last_activity_at INTEGER NOT NULL,
  appname TEXT NOT NULL, agent TEXT, environment TEXT, channel TEXT, room TEXT, user TEXT,
  mode TEXT NOT NULL, origin TEXT NOT NULL, jobid TEXT, version TEXT, deployment TEXT,
  alias TEXT, title TEXT, disposition TEXT, status_reason TEXT, ended_by TEXT,
  received_at INTEGER, expires_at INTEGER, platform TEXT, pid INTEGER, pid_started REAL,
  parent_session_id TEXT, owner TEXT, server_id TEXT, renewal_count INTEGER NOT NULL, settled INTEGER NOT NULL,
  log_count INTEGER NOT NULL, log_first INTEGER NOT NULL, event_count INTEGER NOT NULL, note_count INTEGER NOT NULL,
  run_count INTEGER NOT NULL, rev INTEGER NOT NULL,
  -- Sessions of like length share a class (bits of the duration in ns; 64 while open), so that a time range which
  -- must also find long sessions that began before it reads a narrow piece of each class.
  span_class INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX sessions_id ON sessions(id);
CREATE UNIQUE INDEX sessions_alias ON sessions(alias) WHERE alias IS NOT NULL;
CREATE UNIQUE INDEX sessions_rev ON sessions(rev);
CREATE INDEX sessions_created_at ON sessions(created_at);
CREATE INDEX sessions_updated_at ON sessions(updated_at);
CREATE INDEX sessions_last_activity_at ON sessions(last_activity_at);
CREATE INDEX sessions_ended_at ON sessions(ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expires_at ON sessions(expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX sessions_jobid ON sessions(jobid) WHERE jobid IS NOT NULL;
CREATE INDEX sessions_server_id ON sessions(server_id) WHERE ended_at IS NULL AND server_id IS NOT NULL;

CREATE TABLE session_documents(
  sid INTEGER PRIMARY KEY, metadata TEXT NOT NULL, dimensions TEXT NOT NULL, timeout TEXT) STRICT;

-- Every scalar that a filter can name: meta.a.b, dim.k, label, model.
CREATE TABLE facets(key TEXT NOT NULL, value TEXT NOT NULL, sid INTEGER NOT NULL,
  PRIMARY KEY(key, value, sid)) STRICT, WITHOUT ROWID;

-- One document per session (rowid = sid): its id, title, names, metadata and notes.
CREATE VIRTUAL TABLE search USING fts5(text, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3');

-- A removed row leaves its rev behind, so that readers after a rev hear of it.
CREATE TABLE gone(rev INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT;

CREATE TABLE log(
  sid INTEGER NOT NULL, idx INTEGER NOT NULL, timestamp INTEGER NOT NULL, level INTEGER,
  message TEXT NOT NULL, logger TEXT, source TEXT, data TEXT,
  PRIMARY KEY(sid, idx)) STRICT, WITHOUT ROWID;

CREATE TABLE events(
  sid INTEGER NOT NULL, idx INTEGER NOT NULL, timestamp INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY(sid, idx)) STRICT, WITHOUT ROWID;

CREATE TABLE notes(
  sid INTEGER NOT NULL, idx INTEGER NOT NULL, timestamp INTEGER NOT NULL, author TEXT, span TEXT, name TEXT,
  score REAL, label TEXT, text TEXT,
  PRIMARY KEY(sid, idx)) STRICT, WITHOUT ROWID;

CREATE TABLE servers(
  server_id TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, pid_started REAL NOT NULL,
  started_at INTEGER NOT NULL, heartbeat_at INTEGER NOT NULL, base_url TEXT, session_id TEXT, stopped_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE leases(name TEXT PRIMARY KEY, holder TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""


def _facet_indexes() -> str:
    held = (*FACET_COLUMNS, "ended_at")
    statements = [
        f"CREATE INDEX sessions_{column} ON sessions({column}, created_at, "
        f"{', '.join(other for other in held if other != column)});"
        for column in FACET_COLUMNS
    ]
    statements.append(f"CREATE INDEX sessions_span ON sessions(span_class, created_at, {', '.join(reversed(held))});")
    return "\n".join(statements)


#: Steps from one version to the next; each only adds. (to_version, script)
_STEPS: tuple[tuple[int, str], ...] = ()


class Settings(Struct, frozen=True):
    """How the file is opened."""

    path: str
    journal_mode: str = "wal"
    synchronous: str = "FULL"
    busy_timeout_ms: int = 10_000
    cache_kib: int = 16_384
    mmap_bytes: int = 256 << 20


def connect(settings: Settings, *, readonly: bool = False) -> sqlite3.Connection:
    """A connection of ours to an existing file, for use by one thread at a time."""
    db = sqlite3.connect(
        f"{Path(settings.path).absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        timeout=settings.busy_timeout_ms / 1000,
    )
    try:
        wal = settings.journal_mode == "wal"
        db.execute(f"PRAGMA cache_size = -{settings.cache_kib}")
        db.execute(f"PRAGMA synchronous = {settings.synchronous}")
        db.execute(f"PRAGMA mmap_size = {settings.mmap_bytes if wal else 0}")
        db.execute("PRAGMA temp_store = MEMORY")
        # What is purged is overwritten; some builds of SQLite do so by themselves, others do not.
        db.execute("PRAGMA secure_delete = ON")
        # Checkpoints cost an fsync of the whole file: the maintenance thread does them, not a commit.
        db.execute(f"PRAGMA wal_autocheckpoint = {0 if wal else 1000}")
        if readonly:
            db.execute("PRAGMA query_only = 1")
    except BaseException:
        db.close()
        raise
    return db


def prepare(settings: Settings, *, migrate: bool = True) -> str:
    """Create, check or upgrade the file. Returns the id of the store."""
    if sqlite3.sqlite_version_info < MIN_SQLITE:
        raise StoreError(
            f"Python's SQLite is {sqlite3.sqlite_version}; jupyter-sessions needs "
            f"{'.'.join(map(str, MIN_SQLITE))} or newer. Use a newer Python."
        )
    path = Path(settings.path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # Prompts and logs are private: the file is its owner's alone.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        _look(path)
        db = connect(settings)
    except (OSError, sqlite3.Error) as exc:
        raise explain(exc, path) from exc
    deadline = time.monotonic() + settings.busy_timeout_ms / 1000
    try:
        while True:
            try:
                return _prepare(db, settings, path, migrate)
            except sqlite3.OperationalError as exc:
                # Of two that make the file at once SQLite lets one fail where it could wait.
                if "locked" not in str(exc) or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)
    except sqlite3.Error as exc:
        raise explain(exc, path) from exc
    finally:
        db.close()


def _look(path: Path) -> None:
    """Refuse a file that is not for us before SQLite opens it to write: closing would move its WAL."""
    with contextlib.suppress(sqlite3.Error):  # a file that cannot be read is explained when it is opened
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
        try:
            _judge(db, path)
        finally:
            db.close()


def _judge(db: sqlite3.Connection, path: Path) -> int:
    """The version, 0 of a new file; refuses one that is another program's or of a newer major."""
    db.execute("BEGIN")  # one snapshot: another process may be making the file
    try:
        version = _version(db)
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    finally:
        db.execute("COMMIT")
    if (version or tables) and not tables >= {"store", "sessions"}:
        raise StoreError(f"{path} is an SQLite database of another program. Set SessionsExtension.store_path.")
    if version // 1000 > MAJOR:
        raise StoreError(
            f"{path} was written by a newer jupyter-sessions (schema {version}, this one knows {VERSION}). "
            "Upgrade jupyter-sessions, or set SessionsExtension.store_path to another file."
        )
    return version


def _prepare(db: sqlite3.Connection, settings: Settings, path: Path, migrate: bool) -> str:
    version = _judge(db, path)
    if version == 0:
        db.execute("PRAGMA page_size = 8192")
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute(f"PRAGMA journal_mode = {settings.journal_mode}")
    if version < VERSION and (migrate or version == 0):
        db.execute("BEGIN IMMEDIATE")
        try:
            version = _version(db)  # another process may have been faster
            if version == 0:
                _run(db, _TABLES)
                _run(db, _facet_indexes())
                db.execute("INSERT INTO store VALUES('id', ?)", (str(uuid.uuid4()),))
            else:
                for to_version, script in _STEPS:
                    if version < to_version:
                        _run(db, script)
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
    problem = db.execute("PRAGMA quick_check(1)").fetchone()[0] if path.stat().st_size < (64 << 20) else "ok"
    if problem != "ok":
        raise sqlite3.DatabaseError(f"database disk image is malformed: {problem}")
    return str(db.execute("SELECT value FROM store WHERE key = 'id'").fetchone()[0])


def _run(db: sqlite3.Connection, script: str) -> None:
    # executescript() would commit first.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def explain(exc: Exception, path: Path) -> StoreError:
    """The start message for a file that cannot be used: what is wrong, what to do."""
    text = str(exc)
    # On a read-only disk SQLite cannot make the files beside it, and says no more than that.
    not_writable = ("readonly", "read-only", "unable to open")
    if any(words in text.lower() for words in not_writable) or isinstance(exc, PermissionError):
        return StoreError(f"{path} cannot be written. Check its permissions, or set SessionsExtension.store_path.")
    if "malformed" in text or "not a database" in text or "disk I/O error" in text:
        return StoreError(
            f"{path} is damaged ({text}). Move it aside (keep its -wal file with it) and start again; "
            "a new one is made."
        )
    if "locked" in text:
        return StoreError(f"{path} is locked by another program. Close it and start again.")
    if "full" in text or "No space left" in text:
        return StoreError(f"The disk that holds {path} is full.")
    return StoreError(f"{path} cannot be opened: {text}.")
