"""Reading: a consistent snapshot of the file. Rows become model objects here and nowhere else."""

from __future__ import annotations

import re
import sqlite3

from ...model import Event, Gone, LogEntry, Note, ServerRun, Session
from ..protocol import ListQuery, LogRows, Page, StoreInfo
from .listing import matching_sids, read_page
from .schema import COLUMNS, DOCUMENTS

SESSION_COLUMNS = ", ".join([f"s.{name}" for name in COLUMNS] + [f"d.{name}" for name in DOCUMENTS])
FROM_SESSIONS = "FROM sessions s JOIN session_documents d ON d.sid = s.sid"
SELECT_SESSION = f"SELECT {SESSION_COLUMNS} {FROM_SESSIONS}"

_LOG_COLUMNS = "timestamp, message, level, data, logger, source, idx"
#: What LIKE can look for: it folds ASCII only, ends at a NUL and has a limit. It is quick.
_LIKE_READS = re.compile(r"[\x01-\x7f]{1,1000}\Z")
_SERVER_COLUMNS = ", ".join(ServerRun.__struct_fields__)


class SqliteView:
    def __init__(self, db: sqlite3.Connection, store_id: str) -> None:
        self.db = db
        self.store_id = store_id

    # Sessions

    def session(self, reference: str) -> Session | None:
        column = "alias" if reference.startswith("~") else "id"
        row = self.db.execute(f"{SELECT_SESSION} WHERE s.{column} = ?", (reference,)).fetchone()
        return Session(*row) if row else None

    def sessions(self, query: ListQuery) -> Page:
        return read_page(self.db, query, self.rev(), self._by_sids)

    def _by_sids(self, sids: list[int]) -> list[Session]:
        """In the order of `sids`."""
        found: dict[int, Session] = {}
        for start in range(0, len(sids), 500):
            part = sids[start : start + 500]
            marks = ",".join("?" * len(part))
            for row in self.db.execute(f"{SELECT_SESSION} WHERE s.sid IN ({marks})", part):
                session = Session(*row)
                found[session.sid] = session
        return [found[sid] for sid in sids]

    def changed_sessions(self, after_rev: int, limit: int) -> list[Session | Gone]:
        changed: list[Session | Gone] = [
            Session(*row)
            for row in self.db.execute(f"{SELECT_SESSION} WHERE s.rev > ? ORDER BY s.rev LIMIT ?", (after_rev, limit))
        ]
        gone = self.db.execute("SELECT id, rev FROM gone WHERE rev > ? ORDER BY rev LIMIT ?", (after_rev, limit))
        changed += [Gone(*row) for row in gone]
        changed.sort(key=lambda row: row.rev)
        return changed[:limit]

    def matching(self, sids: list[int], query: ListQuery) -> set[int]:
        return matching_sids(self.db, sids, query)

    def rev(self) -> int:
        sql = "SELECT max((SELECT coalesce(max(rev), 0) FROM sessions), (SELECT coalesce(max(rev), 0) FROM gone))"
        return int(self.db.execute(sql).fetchone()[0])

    def count(self, states: tuple[str, ...]) -> int:
        marks = ",".join("?" * len(states))
        sql = f"SELECT count(*) FROM sessions WHERE status IN ({marks})"
        return int(self.db.execute(sql, states).fetchone()[0])

    def _where(self, condition: str, *values: object) -> list[Session]:
        return [Session(*row) for row in self.db.execute(f"{SELECT_SESSION} WHERE {condition}", values)]

    def open_with_pid(self) -> list[Session]:
        return self._where("s.ended_at IS NULL AND s.pid IS NOT NULL")

    def open_of_server(self, server_id: str) -> list[Session]:
        return self._where("s.ended_at IS NULL AND s.server_id = ?", server_id)

    def due(self, now: int, limit: int) -> list[Session]:
        return self._where("s.expires_at <= ? AND s.ended_at IS NULL ORDER BY s.expires_at LIMIT ?", now, limit)

    def ended_before(self, moment: int, limit: int, *, archived: bool) -> list[Session]:
        kept = "" if archived else "AND s.status <> 'archived'"
        return self._where(f"s.ended_at < ? {kept} ORDER BY s.ended_at LIMIT ?", moment, limit)

    def ended_beyond(self, keep: int, limit: int, *, archived: bool) -> list[Session]:
        kept = "" if archived else "AND status <> 'archived'"
        total = int(self.db.execute(f"SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL {kept}").fetchone()[0])
        if total <= keep:
            return []
        kept = kept.replace("status", "s.status")
        return self._where(f"s.ended_at IS NOT NULL {kept} ORDER BY s.ended_at LIMIT ?", min(limit, total - keep))

    # Streams

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
        conditions, values = ["sid = ? AND idx >= ?"], [sid, first]  # type: list[str], list[object]
        if min_level is not None:
            conditions.append("level >= ?")
            values.append(min_level)
        if q:
            columns = ("message", "logger", "data")
            if _LIKE_READS.match(q):
                test, value = "{} LIKE ? ESCAPE '\\'", "%" + re.sub(r"([\\%_])", r"\\\1", q) + "%"
            else:
                test, value = "contains_folded({}, ?)", q.casefold()
            conditions.append("(" + " OR ".join(test.format(column) for column in columns) + ")")
            values += [value] * len(columns)
        order = "DESC" if descending else "ASC"
        cursor = self.db.execute(
            f"SELECT {_LOG_COLUMNS} FROM log WHERE {' AND '.join(conditions)} ORDER BY idx {order} LIMIT ?",
            (*values, limit),
        )
        entries: list[LogEntry] = []
        size = 0
        while size <= max_bytes and (rows := cursor.fetchmany(256 if max_bytes > 1 << 20 else 32)):
            for row in rows:
                entries.append(LogEntry(*row))
                size += len(row[1]) + len(row[3] or "") + 40
                if size > max_bytes:
                    break
        cut = size > max_bytes or len(entries) == limit
        if descending or not cut:
            end = self.db.execute("SELECT log_count FROM sessions WHERE sid = ?", (sid,)).fetchone()
            return LogRows(entries, max(first, int(end[0]) if end else 0))
        return LogRows(entries, entries[-1].index + 1)

    def events(self, sid: int, first: int, limit: int) -> list[Event]:
        sql = "SELECT timestamp, type, data, idx FROM events WHERE sid = ? AND idx >= ? ORDER BY idx LIMIT ?"
        return [Event(*row) for row in self.db.execute(sql, (sid, first, limit))]

    def notes(self, sid: int, first: int, limit: int) -> list[Note]:
        sql = (
            "SELECT timestamp, author, span, name, score, label, text, idx FROM notes "
            "WHERE sid = ? AND idx >= ? ORDER BY idx LIMIT ?"
        )
        return [Note(*row) for row in self.db.execute(sql, (sid, first, limit))]

    # The store itself

    def servers(self) -> list[ServerRun]:
        return [ServerRun(*row) for row in self.db.execute(f"SELECT {_SERVER_COLUMNS} FROM servers")]

    def setting(self, name: str) -> str | None:
        row = self.db.execute("SELECT value FROM store WHERE key = ?", (f"setting.{name}",)).fetchone()
        return str(row[0]) if row else None

    def info(self) -> StoreInfo:
        def pragma(name: str) -> int:
            return int(self.db.execute(f"PRAGMA {name}").fetchone()[0])

        used = (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")
        return StoreInfo("sqlite", self.store_id, pragma("user_version"), used)


def register_functions(db: sqlite3.Connection) -> None:
    db.create_function(
        "contains_folded", 2, lambda text, q: text is not None and q in text.casefold(), deterministic=True
    )
