"""How the model looks to a client: the JSON shapes of the API, as types. The API's description is generated from them.

Absent optional fields are left out; figures that are unknown are null; times are ISO text.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from .errors import SessionsError
from .model import LEVEL_NAMES, Event, Gone, Kind, LogEntry, Note, Origin, Session, Status
from .times import iso

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Json = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]

encode = msgspec.json.Encoder().encode

#: Of the whole API; a client asks for it before anything else.
API_VERSION = "1"


class SessionView(Struct, omit_defaults=True):
    """A session as every route answers it."""

    id: str
    appname: str
    mode: str
    kind: Kind
    origin: Origin
    status: Status
    open: bool
    metadata: Json
    dimensions: Json
    created_at: Time
    updated_at: Time
    last_activity_at: Time
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
    alias: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    jobid: str | UnsetType = UNSET
    agent: str | UnsetType = UNSET
    user: str | UnsetType = UNSET
    room: str | UnsetType = UNSET
    environment: str | UnsetType = UNSET
    channel: str | UnsetType = UNSET
    version: str | UnsetType = UNSET
    deployment: str | UnsetType = UNSET
    platform: str | UnsetType = UNSET
    pid: int | UnsetType = UNSET
    parent_session_id: str | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    server_id: str | UnsetType = UNSET
    ended_at: Time | UnsetType = UNSET
    received_at: Time | UnsetType = UNSET
    expires_at: Time | UnsetType = UNSET
    disposition: str | UnsetType = UNSET
    status_reason: str | UnsetType = UNSET
    ended_by: str | UnsetType = UNSET
    renewal_count: int | UnsetType = UNSET
    timeout: Json | UnsetType = UNSET


def _time(ns: int | None) -> str | UnsetType:
    return UNSET if ns is None else iso(ns)


def _given(text: str | None) -> str | UnsetType:
    return UNSET if text is None else text


def session_view(s: Session, now: int) -> SessionView:
    is_open = s.ended_at is None
    return SessionView(
        s.id,
        s.appname,
        s.mode,
        s.kind,  # type: ignore[arg-type]  # the store holds the enum's text
        s.origin,  # type: ignore[arg-type]
        s.status,  # type: ignore[arg-type]
        is_open,
        Raw(s.metadata.encode()),
        Raw(s.dimensions.encode()),
        iso(s.created_at),
        iso(s.updated_at),
        iso(s.last_activity_at),
        max(0, (now if s.ended_at is None else s.ended_at) - s.created_at) // 1000 / 1000,
        bool(s.settled),
        s.rev,
        s.log_count,
        s.message_count,
        s.trace_count,
        s.run_count,
        s.error_count,
        s.note_count,
        s.tokens,
        None if s.cost_pico is None else s.cost_pico / 1e12,
        _given(s.alias),
        _given(s.title),
        _given(s.jobid),
        _given(s.agent),
        _given(s.user),
        _given(s.room),
        _given(s.environment),
        _given(s.channel),
        _given(s.version),
        _given(s.deployment),
        _given(s.platform),
        UNSET if s.pid is None else s.pid,
        _given(s.parent_session_id),
        _given(s.owner),
        _given(s.server_id),
        _time(s.ended_at),
        _time(s.received_at),
        _time(s.expires_at),
        _given(s.disposition),
        _given(s.status_reason),
        _given(s.ended_by),
        s.renewal_count if s.timeout else UNSET,
        Raw(s.timeout.encode()) if s.timeout else UNSET,
    )


class GoneView(Struct):
    """A row that left a changing stream."""

    key: str
    id: str
    gone: bool = True


def session_row(row: Session | Gone, now: int) -> SessionView | GoneView:
    return GoneView(row.id, row.id) if isinstance(row, Gone) else session_view(row, now)


class SessionListView(Struct, omit_defaults=True):
    self_id: str
    #: After a rev, rows that are gone stand among them (GoneView).
    sessions: list[SessionView]
    total: int
    total_is: str
    rev: int
    next: str | UnsetType = UNSET


class LogEntryView(Struct, omit_defaults=True):
    index: int
    timestamp: Time
    message: str
    level: str | UnsetType = UNSET
    data: Json | UnsetType = UNSET
    logger: str | UnsetType = UNSET
    source: str | UnsetType = UNSET


def log_entry_view(e: LogEntry) -> LogEntryView:
    return LogEntryView(
        e.index,
        iso(e.timestamp),
        e.message,
        UNSET if e.level is None else LEVEL_NAMES[e.level],
        UNSET if e.data is None else Raw(e.data.encode()),
        _given(e.logger),
        _given(e.source),
    )


class LogView(Struct):
    cursor: int
    count: int
    total: int
    offset: int
    dropped: int
    entries: list[LogEntryView]


class AppendedView(Struct):
    appended: int
    cursor: int
    total: int


class EventView(Struct):
    index: int
    timestamp: Time
    type: str
    data: Json


def event_view(e: Event) -> EventView:
    return EventView(e.index, iso(e.timestamp), e.type, Raw(e.data.encode()))


class NoteView(Struct, omit_defaults=True):
    index: int
    timestamp: Time
    author: str | UnsetType = UNSET
    span: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    score: float | UnsetType = UNSET
    label: str | UnsetType = UNSET
    text: str | UnsetType = UNSET


def note_view(n: Note) -> NoteView:
    return NoteView(
        n.index,
        iso(n.timestamp),
        _given(n.author),
        _given(n.span),
        _given(n.name),
        UNSET if n.score is None else n.score,
        _given(n.label),
        _given(n.text),
    )


class EventsView(Struct):
    """An appended stream, read after a cursor."""

    cursor: int
    total: int
    dropped: int
    items: list[EventView]


class NotesView(Struct):
    cursor: int
    total: int
    dropped: int
    items: list[NoteView]


class ErrorView(Struct, omit_defaults=True):
    message: str
    reason: str
    detail: dict[str, Any] | UnsetType = UNSET


def error_view(error: SessionsError) -> ErrorView:
    return ErrorView(error.message, error.reason, error.detail or UNSET)


class StoreHealth(Struct):
    kind: str
    id: str
    schema: int
    bytes: int


class QueueHealth(Struct):
    rows: int
    bytes: int


class LagHealth(Struct):
    figures_s: float
    index_s: float


class HealthView(Struct, omit_defaults=True):
    status: str
    api_version: str
    uptime_s: float
    store: StoreHealth | None
    open: int | None
    ended: int | None
    queue: QueueHealth
    lag: LagHealth
    message: str | UnsetType = UNSET
