"""The vocabulary: what a session, a log entry, an event and a note are. No I/O, no rules, no wire format.

Field names are the same in the database, the API, the DataFrame and the column header. Times are UTC
nanoseconds (`times.py`), JSON documents are kept as the text that arrived. How these look on the wire
is in `wire.py`; what may happen to them is in `lifecycle.py`.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Kind(str, Enum):
    ROOM = "room"
    CONVERSATION = "conversation"
    CLIENT = "client"
    KERNEL = "kernel"


class Origin(str, Enum):
    API = "api"
    FACADE = "facade"
    SDK = "sdk"
    TELEMETRY = "telemetry"
    KERNEL = "kernel"
    ROOM = "room"
    IMPORT = "import"


class Status(str, Enum):
    ACTIVE = "active"
    IDLE = "idle"
    ESCALATED = "escalated"
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"
    EXPIRED = "expired"
    ENDED = "ended"
    ARCHIVED = "archived"


OPEN = frozenset({Status.ACTIVE, Status.IDLE, Status.ESCALATED})
CLOSED = frozenset({Status.COMPLETED, Status.FAILED, Status.ABANDONED, Status.EXPIRED, Status.ENDED})


class Level(int, Enum):
    """Severity of a log line; the number orders them."""

    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40


LEVEL_NAMES: dict[int, str] = {level.value: level.name.lower() for level in Level}


class Session(Struct, gc=False):
    """One run, as a row of the store. `sid` is the store's own number for it and never leaves the store."""

    sid: int
    id: str
    alias: str | None
    kind: str
    origin: str
    status: str
    appname: str
    mode: str
    created_at: int
    updated_at: int
    last_activity_at: int
    disposition: str | None = None
    status_reason: str | None = None
    ended_by: str | None = None
    ended_at: int | None = None
    received_at: int | None = None
    expires_at: int | None = None
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
    pid_started: float | None = None
    parent_session_id: str | None = None
    owner: str | None = None
    server_id: str | None = None
    renewal_count: int = 0
    settled: bool = True
    # Counters. `*_count` of an appended stream is its next index, so it counts what was evicted too.
    log_count: int = 0
    log_first: int = 0
    event_count: int = 0
    note_count: int = 0
    message_count: int = 0
    trace_count: int = 0
    run_count: int = 0
    error_count: int = 0
    tokens: int | None = None
    #: Cost in 1e-12 US dollars: integer sums are exact, and unknown is None.
    cost_pico: int | None = None
    rev: int = 0
    # JSON documents, kept in a table of their own.
    metadata: str = "{}"
    dimensions: str = "{}"
    timeout: str | None = None

    @property
    def open(self) -> bool:
        return self.ended_at is None


class Gone(Struct, gc=False):
    """What a changing stream says of a row that was removed."""

    id: str
    rev: int


class LogEntry(Struct, gc=False):
    """`index` is the entry's number ever appended to its session; the store gives it."""

    timestamp: int
    message: str
    level: int | None = None
    data: str | None = None
    logger: str | None = None
    source: str | None = None
    index: int = -1


class Event(Struct, gc=False):
    """Lifecycle news of a session: created, status_changed, ended, ..."""

    timestamp: int
    type: str
    data: str = "{}"
    index: int = -1


class Note(Struct, gc=False):
    """A score, label or comment on a session or one of its spans, by a person or an evaluator."""

    timestamp: int
    author: str | None = None
    span: str | None = None
    name: str | None = None
    score: float | None = None
    label: str | None = None
    text: str | None = None
    index: int = -1


class ServerRun(Struct):
    """One run of a server (or of an embedded writer) on a store: who may repair whose rows depends on it."""

    server_id: str
    host: str
    pid: int
    pid_started: float
    started_at: int
    heartbeat_at: int
    base_url: str | None = None
    session_id: str | None = None
    stopped_at: int | None = None
