"""What a store is: rows in, rows out, no rules.

`Store.write` runs a function inside a transaction and returns when it is durable; `Store.read` runs one on a
consistent snapshot. The rules (service/) are those functions; they see `Tx` and `View`, never SQL. One test
suite (tests/store/) holds every implementation to this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from msgspec import Struct

from ..model import Event, Gone, LogEntry, Note, ServerRun, Session

T = TypeVar("T")

#: A stream that moved: (topic, session id). The list of sessions is ("sessions", "").
Stream = tuple[str, str]
SESSIONS: Stream = ("sessions", "")
#: Another process wrote: anything may have moved.
EVERYTHING: Stream = ("*", "")

#: Totals are exact up to here.
COUNT_CAP = 10_000

EQUALS = (
    "agent", "environment", "channel", "version", "deployment", "room", "user", "kind", "origin", "appname", "mode",
    "jobid",
)  # fmt: skip
SORTS = (
    "created_at", "updated_at", "last_activity_at", "ended_at", "appname", "agent", "status", "duration",
    "messages", "traces", "tokens", "cost", "errors",
)  # fmt: skip


class Position(Struct, frozen=True):
    """Where a page of a sorted list ended: the sort value and the id of its last row."""

    value: int | float | str | None
    id: str


class ListQuery(Struct, frozen=True):
    """Filters are AND across, OR within a tuple. `now` judges what still runs."""

    now: int
    states: tuple[str, ...] = ()
    equals: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: Values that a session may have several of: ("meta.a.b", ...), ("dim.k", ...), ("label", ...), ("model", ...).
    facets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    q: str | None = None
    since: int | None = None
    until: int | None = None
    min_duration: int | None = None
    has_errors: bool | None = None
    sort: str = "created_at"
    descending: bool = True
    limit: int = 1000
    after: Position | None = None
    count_all: bool = False


class Page(Struct):
    rows: list[Session]
    total: int
    exact: bool
    next: Position | None
    rev: int


class LogRows(Struct):
    entries: list[LogEntry]
    #: The index after the last one looked at, also where a filter skipped it.
    looked_to: int


class StoreInfo(Struct):
    kind: str
    id: str
    schema: int
    bytes: int


class View(Protocol):
    """A consistent snapshot."""

    def session(self, reference: str) -> Session | None:
        """By id or alias."""

    def sessions(self, query: ListQuery) -> Page: ...

    def changed_sessions(self, after_rev: int, limit: int) -> list[Session | Gone]:
        """What changed since, each row once in its newest form, in the order of `rev`."""

    def matching(self, sids: list[int], query: ListQuery) -> set[int]:
        """Which of these sessions the query's filters let through."""

    def rev(self) -> int: ...

    def count(self, states: tuple[str, ...]) -> int:
        """How many sessions are in these states."""

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
        """At most `limit` entries, and no more once their text has passed `max_bytes`."""

    def events(self, sid: int, first: int, limit: int) -> list[Event]: ...

    def notes(self, sid: int, first: int, limit: int) -> list[Note]: ...

    def open_with_pid(self) -> list[Session]:
        """Open sessions whose client told its pid."""

    def open_of_server(self, server_id: str) -> list[Session]: ...

    def due(self, now: int, limit: int) -> list[Session]:
        """Open sessions whose deadline has passed."""

    def ended_before(self, moment: int, limit: int, *, archived: bool) -> list[Session]:
        """The longest ended first; `archived` includes those that are archived."""

    def ended_beyond(self, keep: int, limit: int, *, archived: bool) -> list[Session]:
        """The longest ended of all but the newest `keep`."""

    def servers(self) -> list[ServerRun]: ...

    def setting(self, name: str) -> str | None:
        """What all who write to this store must agree on."""

    def info(self) -> StoreInfo: ...


class Tx(View, Protocol):
    """A transaction. Work checks first and writes afterwards: a refusal must leave nothing behind."""

    def insert(self, session: Session) -> None:
        """Takes a session with sid 0 and gives it its number."""

    def save(self, session: Session) -> None:
        """Write every field of a changed session."""

    def touch(self, session: Session) -> None:
        """Write only what an append moves: counters and last_activity_at."""

    def append_log(self, session: Session, entries: list[LogEntry], ring: int) -> int:
        """Number and keep the entries, evict what the ring (0 = none) has no room for; the first index."""

    def append_event(self, session: Session, event: Event) -> None: ...

    def append_note(self, session: Session, note: Note) -> None: ...

    def drop_log(self, sid: int, below: int, limit: int) -> int:
        """Remove up to `limit` of the oldest log rows below an index; how many went."""

    def purge(self, session: Session) -> None:
        """Remove the session and every row of it."""

    def put_setting(self, name: str, value: str) -> None: ...

    def put_server(self, run: ServerRun) -> None: ...

    def remove_server(self, server_id: str) -> None: ...

    def acquire_lease(self, name: str, holder: str, now: int, until: int) -> bool:
        """True when `holder` has the lease until then; one holder at a time."""

    def release_leases(self, holder: str) -> None:
        """Whatever the holder had is free for others."""


class Store(Protocol):
    def on_news(self, listener: Callable[[set[Stream]], None]) -> Callable[[], None]:
        """Call `listener` in the event loop with the streams that moved; returns how to stop."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def write(self, work: Callable[[Tx], T], *, rows: int = 1, size: int = 0) -> T:
        """Run `work` in a transaction; returns when it is committed. Raises Busy when too much waits."""

    async def read(self, work: Callable[[View], T]) -> T:
        """Run `work` on a snapshot, away from the event loop."""

    def waiting(self) -> tuple[int, int]:
        """Rows and bytes that wait to be written."""

    async def reclaim(self) -> None:
        """Give freed space back to the disk, in small steps."""
