"""What a client hands out: sessions, log entries, notes, events as typed values. Decoded from the API's JSON, no I/O.

Times are `datetime` in UTC, documents are dicts, what is not there is None.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

Item = TypeVar("Item")
S = TypeVar("S", bound="SessionInfo")

_SHOWN_ROWS = 40
_SHOWN_CHARACTERS = 160


class SessionInfo(Struct, frozen=True, kw_only=True, eq=False):
    """The attributes of a session, as they were when it was last read."""

    id: str
    appname: str
    mode: str
    kind: str
    origin: str
    status: str
    open: bool
    metadata: dict[str, Any]
    dimensions: dict[str, str]
    created_at: datetime
    updated_at: datetime
    last_activity_at: datetime
    duration_ms: float
    settled: bool
    rev: int
    log_count: int
    message_count: int
    trace_count: int
    run_count: int
    error_count: int
    note_count: int
    tokens: int | None
    cost_usd: float | None
    alias: str | None = None
    title: str | None = None
    jobid: str | None = None
    agent: str | None = None
    user: str | None = None
    room: str | None = None
    environment: str | None = None
    channel: str | None = None
    version: str | None = None
    deployment: str | None = None
    platform: str | None = None
    pid: int | None = None
    parent_session_id: str | None = None
    owner: str | None = None
    server_id: str | None = None
    ended_at: datetime | None = None
    received_at: datetime | None = None
    expires_at: datetime | None = None
    disposition: str | None = None
    status_reason: str | None = None
    ended_by: str | None = None
    renewal_count: int | None = None
    timeout: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """All attributes by name."""
        return {name: getattr(self, name) for name in SessionInfo.__struct_fields__}

    def _take(self, newer: SessionInfo) -> None:
        # Frozen to its reader, so that `session.title = "x"` is an error and not a change that is never saved.
        for name in SessionInfo.__struct_fields__:
            msgspec.structs.force_setattr(self, name, getattr(newer, name))

    def __repr__(self) -> str:
        title = f" {shown(self.title, 60)!r}" if self.title else ""
        lines = f"{self.log_count} log {'entry' if self.log_count == 1 else 'entries'}"
        name = type(self).__name__
        return f"<{name} {shown(self.id, 60)} {shown(self.appname, 60)}{title} {self.status}, {lines}>"


class LogEntry(Struct, frozen=True):
    """One line of a log. `index` is its number ever appended to the session."""

    index: int
    timestamp: datetime
    message: str
    level: str | None = None
    data: dict[str, Any] | None = None
    logger: str | None = None
    source: str | None = None

    def __str__(self) -> str:
        data = f"  {self.data}" if self.data else ""
        return f"{self.index:>6}  {self.timestamp:%H:%M:%S}  {self.level or '':<5}  {self.message}{data}"


class Event(Struct, frozen=True):
    """Lifecycle news of a session: created, status_changed, ..."""

    index: int
    timestamp: datetime
    type: str
    data: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.index:>6}  {self.timestamp:%H:%M:%S}  {self.type}  {self.data}"


class Note(Struct, frozen=True):
    """A score, a label or a text on a session or on one of its spans."""

    index: int
    timestamp: datetime
    author: str | None = None
    span: str | None = None
    name: str | None = None
    score: float | None = None
    label: str | None = None
    text: str | None = None

    def __str__(self) -> str:
        said = [str(part) for part in (self.name, self.score, self.label, self.text) if part is not None]
        return f"{self.index:>6}  {self.author or ''}  {'  '.join(said)}"


class Rows(list[Item]):
    """A list that prints one row per line."""

    def __repr__(self) -> str:
        lines = [shown(str(item), _SHOWN_CHARACTERS) for item in self[:_SHOWN_ROWS]]
        if len(self) > _SHOWN_ROWS:
            lines.append(f"... and {len(self) - _SHOWN_ROWS} more")
        return "\n".join(lines) or "(none)"


class SessionList(Rows[S]):
    """Sessions, and how many there are in all: `total` is exact or, from 10,000 on, `at_least`."""

    def __init__(self, items: Iterable[S], total: int, total_is: str) -> None:
        super().__init__(items)
        self.total = total
        self.total_is = total_is


class LogPage(Rows[LogEntry]):
    """A piece of a log: read on from `cursor`; `dropped` older entries were asked for and are no longer kept."""

    def __init__(self, items: Iterable[LogEntry], cursor: int, total: int, dropped: int) -> None:
        super().__init__(items)
        self.cursor = cursor
        self.total = total
        self.dropped = dropped


def shown(text: str, limit: int) -> str:
    """One line that a terminal can be trusted with: recorded text may hold anything."""
    text = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


# The answers themselves


class ListAnswer(Struct, Generic[S]):
    sessions: list[S]
    total: int
    total_is: str
    next: str | None = None


class LogAnswer(Struct):
    cursor: int
    total: int
    offset: int
    dropped: int
    entries: list[LogEntry]


class StreamAnswer(Struct, Generic[Item]):
    cursor: int
    total: int
    dropped: int
    items: list[Item]
