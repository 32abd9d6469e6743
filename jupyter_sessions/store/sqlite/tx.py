"""Writing: one transaction, shared by all work that waited for it.

Sessions that are read stay in a cache and are changed in place; what became dirty, and all appended rows, go to
the file in a few many-row statements at the end (`flush`). Each statement lets go of the interpreter lock once,
so hundreds of small appends cost the event loop next to nothing.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ...model import Event, Gone, LogEntry, Note, ServerRun, Session
from ..protocol import EVERYTHING, SESSIONS, ListQuery, LogRows, Page, Stream
from .indexing import facet_value, facets, search_text
from .schema import COLUMNS, DOCUMENTS
from .view import SqliteView

#: What an append moves.
_HOT = ("last_activity_at", "log_count", "log_first", "event_count", "rev")
#: Evicted rows leave the file this many at a time; readers never see them (`log_first`).
_EVICT_STEP = 256
_CACHED_SESSIONS = 10_000

_ROW_COLUMNS = (*COLUMNS, "span_class")
_INSERT_SESSION = f"INSERT INTO sessions({', '.join(_ROW_COLUMNS)}) VALUES ({', '.join('?' * len(_ROW_COLUMNS))})"
_UPDATE_SESSION = f"UPDATE sessions SET {', '.join(f'{c} = ?' for c in _ROW_COLUMNS[1:])} WHERE sid = ?"
_LOG_INSERT = "INSERT INTO log(sid, idx, timestamp, level, message, logger, source, data) VALUES "
#: Lines of text that came together go in as one JSON list: SQLite takes it apart without the interpreter, in a quarter
#: of the time that binding each value takes.
_TEXT_INSERT = "INSERT INTO log(sid, idx, timestamp, message) SELECT ?, ? + key, ?, value FROM json_each(?)"
_TEXT_RUN = 32
_EVENT_INSERT = "INSERT INTO events(sid, idx, timestamp, type, data) VALUES "
_LAST_SID = """SELECT max((SELECT coalesce(max(sid), 0) FROM sessions),
  (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM store WHERE key = 'purged_sid'))"""
_GATHER = (256, 64, 16, 4, 1)


def _row(session: Session) -> list[Any]:
    length = 64 if session.ended_at is None else max(0, session.ended_at - session.created_at).bit_length()
    return [getattr(session, name) for name in COLUMNS] + [length]


class SqliteTx(SqliteView):
    """The writer's only transaction object; `begin` and `flush` frame each commit."""

    def __init__(self, db: sqlite3.Connection, store_id: str) -> None:
        super().__init__(db, store_id)
        self._cache: dict[str, Session] = {}
        self._data_version = self._file_version()
        #: Whether the cache, the rev and the next number are those of the file.
        self._fresh = False
        self._rev = 0
        self._next_sid = 1
        self._reset()

    def _reset(self) -> None:
        self._touched: dict[int, Session] = {}
        self._log_values: list[Any] = []
        self._log_texts: list[tuple[int, int, int, list[str]]] = []
        self._event_values: list[Any] = []
        self._evict: dict[int, int] = {}
        self.moved: set[Stream] = set()

    # Frame

    def begin(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        if self.others_wrote() or not self._fresh or len(self._cache) > _CACHED_SESSIONS:
            self._fresh = True
            self._cache.clear()
            self._rev = super().rev()
            self._next_sid = 1 + int(self.db.execute(_LAST_SID).fetchone()[0])

    def others_wrote(self) -> bool:
        """Whether another connection has committed since the last call; ours never count."""
        version = self._file_version()
        if version == self._data_version:
            return False
        self._data_version, self._fresh = version, False
        self.moved.add(EVERYTHING)
        return True

    def _file_version(self) -> int:
        return int(self.db.execute("PRAGMA data_version").fetchone()[0])

    def commit(self) -> set[Stream]:
        self.flush()
        self.db.execute("COMMIT")
        moved = self.moved
        self._reset()
        return moved

    def rollback(self) -> None:
        others = self.moved & {EVERYTHING}  # what another process wrote stays news
        self._reset()
        self.moved |= others
        self._fresh = False
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def written(self) -> tuple[int, int]:
        """Differs from before as soon as this transaction has something to write."""
        return self._rev, self.db.total_changes

    def flush(self) -> None:
        """Write what is pending, so that reads of this transaction see it."""
        if self._touched:
            columns = ", ".join(f"{name} = v.{name}" for name in _HOT)
            values = [value for s in self._touched.values() for value in (s.sid, *(getattr(s, name) for name in _HOT))]
            for part, marks in _parts(values, len(_HOT) + 1):
                self.db.execute(
                    f"WITH v(sid, {', '.join(_HOT)}) AS (VALUES {marks}) "
                    f"UPDATE sessions SET {columns} FROM v WHERE sessions.sid = v.sid",
                    part,
                )
            self._touched = {}
        if self._log_values:
            self._insert(_LOG_INSERT, self._log_values, 8)
            self._log_values = []
        for sid, index, timestamp, texts in self._log_texts:
            self.db.execute(_TEXT_INSERT, (sid, index, timestamp, msgspec.json.encode(texts).decode()))
        self._log_texts = []
        if self._event_values:
            self._insert(_EVENT_INSERT, self._event_values, 5)
            self._event_values = []
        for sid, below in self._evict.items():
            self.db.execute("DELETE FROM log WHERE sid = ? AND idx < ?", (sid, below))
        self._evict = {}

    def _insert(self, sql: str, values: list[Any], width: int) -> None:
        """Insert rows of so many values, which stand one after another."""
        for part, marks in _parts(values, width):
            self.db.execute(sql + marks, part)

    def _next_rev(self) -> int:
        self._rev += 1
        return self._rev

    # Reads see what is pending

    def session(self, reference: str) -> Session | None:
        found = self._cache.get(reference)
        if found is None:
            found = super().session(reference)
            if found is not None:
                # By id and by alias it must be the same object.
                found = self._cache.setdefault(found.id, found)
                self._cache[reference] = found
        return found

    def _own(self, sessions: Iterable[Session]) -> list[Session]:
        return [self._cache.setdefault(session.id, session) for session in sessions]

    def rev(self) -> int:
        return self._rev

    def sessions(self, query: ListQuery) -> Page:
        self.flush()
        page = super().sessions(query)
        page.rows = self._own(page.rows)
        return page

    def changed_sessions(self, after_rev: int, limit: int) -> list[Session | Gone]:
        self.flush()
        return super().changed_sessions(after_rev, limit)

    def _where(self, condition: str, *values: object) -> list[Session]:
        self.flush()
        return self._own(super()._where(condition, *values))

    def log(
        self,
        sid: int,
        first: int,
        limit: int,
        *,
        min_level: int | None = None,
        q: str | None = None,
        descending: bool = False,
        max_bytes: int = 8 << 20,
    ) -> LogRows:
        self.flush()
        return super().log(sid, first, limit, min_level=min_level, q=q, descending=descending, max_bytes=max_bytes)

    def events(self, sid: int, first: int, limit: int) -> list[Event]:
        self.flush()
        return super().events(sid, first, limit)

    # Sessions

    def insert(self, session: Session) -> None:
        session.sid = self._next_sid
        self._next_sid += 1
        session.rev = self._next_rev()
        self.db.execute(_INSERT_SESSION, _row(session))
        self.db.execute(
            "INSERT INTO session_documents VALUES (?, ?, ?, ?)",
            (session.sid, *(getattr(session, name) for name in DOCUMENTS)),
        )
        self._cache[session.id] = session
        self._index(session, facets(session), set())
        self.moved.add(SESSIONS)

    def save(self, session: Session) -> None:
        self._touched.pop(session.sid, None)
        session.rev = self._next_rev()
        old = self.db.execute(
            "SELECT metadata, dimensions FROM session_documents WHERE sid = ?", (session.sid,)
        ).fetchone()
        row = _row(session)
        self.db.execute(_UPDATE_SESSION, (*row[1:], session.sid))
        if old != (session.metadata, session.dimensions):
            before = msgspec.structs.replace(session, metadata=old[0], dimensions=old[1])
            had, has = facets(before), facets(session)
        else:
            had = has = set()
        self.db.execute(
            "UPDATE session_documents SET metadata = ?, dimensions = ?, timeout = ? WHERE sid = ?",
            (*(getattr(session, name) for name in DOCUMENTS), session.sid),
        )
        self._index(session, has - had, had - has)
        self.moved.add(SESSIONS)

    def touch(self, session: Session) -> None:
        session.rev = self._next_rev()
        self._touched[session.sid] = session
        self.moved.add(SESSIONS)

    def _index(self, session: Session, added: set[tuple[str, str]], removed: set[tuple[str, str]]) -> None:
        for key, value in removed:
            self.db.execute("DELETE FROM facets WHERE key = ? AND value = ? AND sid = ?", (key, value, session.sid))
        self._insert("INSERT OR IGNORE INTO facets VALUES ", [x for k, v in added for x in (k, v, session.sid)], 3)
        notes = super().notes(session.sid, 0, 10_000) if session.note_count else []
        text = search_text(session, notes)
        old = self.db.execute("SELECT text FROM search WHERE rowid = ?", (session.sid,)).fetchone()
        if old is None:
            self.db.execute("INSERT INTO search(rowid, text) VALUES (?, ?)", (session.sid, text))
        elif old[0] != text:
            self.db.execute("UPDATE search SET text = ? WHERE rowid = ?", (text, session.sid))

    def purge(self, session: Session) -> None:
        self.flush()
        sid = session.sid
        labels = {("label", facet_value(label)) for label in self._labels(sid)}
        for table in ("log", "events", "notes", "session_documents", "sessions"):
            self.db.execute(f"DELETE FROM {table} WHERE sid = ?", (sid,))
        for key, value in facets(session) | labels:
            self.db.execute("DELETE FROM facets WHERE key = ? AND value = ? AND sid = ?", (key, value, sid))
        self.db.execute("DELETE FROM search WHERE rowid = ?", (sid,))
        self.db.execute("INSERT INTO gone VALUES (?, ?)", (self._next_rev(), session.id))
        if sid == self._next_sid - 1:
            # Who still purges by number must never meet a session that was given the number anew.
            self.db.execute("INSERT OR REPLACE INTO store VALUES ('purged_sid', ?)", (str(sid),))
        self._cache.pop(session.id, None)
        if session.alias:
            self._cache.pop(session.alias, None)
        self.moved.add(SESSIONS)
        self.moved.update((topic, session.id) for topic in ("log", "events", "notes"))

    def _labels(self, sid: int) -> list[str]:
        return [
            row[0]
            for row in self.db.execute("SELECT DISTINCT label FROM notes WHERE sid = ? AND label IS NOT NULL", (sid,))
        ]

    # Streams

    def append_log(self, session: Session, entries: list[LogEntry], ring: int) -> int:
        first = session.log_count
        end = first + len(entries)
        if ring and len(entries) > ring:
            entries = entries[-ring:]
        sid, index = session.sid, end - len(entries)
        if len(entries) >= _TEXT_RUN and _only_text(entries):
            self._log_texts.append((sid, index, entries[0].timestamp, [entry.message for entry in entries]))
            entries = []
        values = self._log_values
        for entry in entries:
            values += (
                sid, index, entry.timestamp, entry.level, entry.message, entry.logger, entry.source, entry.data,
            )  # fmt: skip
            index += 1
        session.log_count = end
        if ring and end - session.log_first > ring:
            before, session.log_first = session.log_first, end - ring
            if session.log_first // _EVICT_STEP != before // _EVICT_STEP:
                self._evict[sid] = session.log_first
        self.touch(session)
        self.moved.add(("log", session.id))
        return first

    def append_event(self, session: Session, event: Event) -> None:
        event.index = session.event_count
        session.event_count += 1
        self._event_values += (session.sid, event.index, event.timestamp, event.type, event.data)
        self.touch(session)
        self.moved.add(("events", session.id))

    def append_note(self, session: Session, note: Note) -> None:
        note.index = session.note_count
        session.note_count += 1
        self.db.execute(
            "INSERT INTO notes(sid, timestamp, author, span, name, score, label, text, idx) VALUES (?,?,?,?,?,?,?,?,?)",
            (session.sid, *(getattr(note, name) for name in Note.__struct_fields__)),
        )
        if note.label is not None:
            self._insert("INSERT OR IGNORE INTO facets VALUES ", ["label", facet_value(note.label), session.sid], 3)
        self.save(session)
        self.moved.add(("notes", session.id))

    def drop_log(self, sid: int, below: int, limit: int) -> int:
        self.flush()
        return self.db.execute(
            "DELETE FROM log WHERE sid = ? AND idx < ? AND idx <= "
            "(SELECT max(idx) FROM (SELECT idx FROM log WHERE sid = ? ORDER BY idx LIMIT ?))",
            (sid, below, sid, limit),
        ).rowcount

    # Servers and leases

    def put_setting(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO store VALUES (?, ?)", (f"setting.{name}", value))

    def put_server(self, run: ServerRun) -> None:
        fields = ServerRun.__struct_fields__
        self.db.execute(
            f"INSERT OR REPLACE INTO servers({', '.join(fields)}) VALUES ({', '.join('?' * len(fields))})",
            [getattr(run, name) for name in fields],
        )

    def remove_server(self, server_id: str) -> None:
        self.db.execute("DELETE FROM servers WHERE server_id = ?", (server_id,))

    def acquire_lease(self, name: str, holder: str, now: int, until: int) -> bool:
        self.db.execute(
            "INSERT INTO leases VALUES (?, ?, ?) ON CONFLICT(name) DO UPDATE SET holder = excluded.holder, "
            "expires_at = excluded.expires_at WHERE leases.holder = excluded.holder OR leases.expires_at <= ?",
            (name, holder, until, now),
        )
        return bool(self.db.execute("SELECT holder = ? FROM leases WHERE name = ?", (holder, name)).fetchone()[0])

    def release_leases(self, holder: str) -> None:
        self.db.execute("DELETE FROM leases WHERE holder = ?", (holder,))


def _only_text(entries: list[LogEntry]) -> bool:
    stamp = entries[0].timestamp
    return all(
        e.timestamp == stamp and e.level is None and e.data is None and e.logger is None and e.source is None
        for e in entries
    )


def _parts(values: list[Any], width: int) -> Iterator[tuple[list[Any], str]]:
    """Cut rows into a few fixed numbers of rows, so that the statements for them are prepared once."""
    start = 0
    for rows in _GATHER:
        size = rows * width
        while len(values) - start >= size:
            yield values[start : start + size], _marks(rows, width)
            start += size


@functools.lru_cache(maxsize=256)
def _marks(rows: int, width: int) -> str:
    return ",".join(["(" + ",".join("?" * width) + ")"] * rows)
