"""What may be done with sessions: the rules. Knows the store, a clock and who asks; no HTTP, no SQL.

Each rule is a function that runs inside the store's transaction, so that checking and changing are one step:
a message that races an expiry cannot win twice. It checks first and writes afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from .. import lifecycle
from ..errors import Conflict, IllegalTransition, Invalid, SessionClosed, SessionExpired, SessionNotFound, TooLarge
from ..ids import alias_of, new_id, parse_id, parse_reference
from ..model import Event, Gone, LogEntry, Note, Origin, Session, Status
from ..store.protocol import LogRows, Page, Store, StoreInfo, Tx, View
from ..times import iso, now_ns
from .bodies import ActionBody, NoteBody, SessionBody, SessionPut, apply, checked_text
from .config import Config
from .entries import clean
from .filters import GROUPS, ListRequest
from .processes import is_dead, started_at

T = TypeVar("T")
Item = TypeVar("Item")

#: Actions of the API and the triggers behind them.
ACTIONS: dict[str, str] = {
    "complete": "complete",
    "fail": "fail",
    "escalate": "escalate",
    "resume": "resume",
    "end": "end",
    "kill": "kill",
    "archive": "archive",
}
#: Log rows that one transaction removes, and what such a step weighs among rows that wait: it holds no memory.
_PURGE_STEP = 1_000
_PURGE_WEIGHT = 100


class Appended(Struct):
    appended: int
    cursor: int
    total: int


class LogRequest(Struct, frozen=True):
    """With a cursor: entries from that index on. Else `offset` counts from the oldest that is kept."""

    cursor: int | None = None
    offset: int = 0
    limit: int = 1000
    min_level: int | None = None
    q: str | None = None
    descending: bool = False


class LogResult(Struct):
    cursor: int
    total: int
    offset: int
    dropped: int
    entries: list[LogEntry]


class Changes(Struct):
    """What moved after a rev, for one set of filters."""

    rows: list[Session | Gone]
    rev: int
    total: int
    exact: bool


class Stream(Struct, Generic[Item]):
    """A piece of an appended stream."""

    cursor: int
    total: int
    dropped: int
    items: list[Item]


class Counts(Struct):
    open: int
    ended: int
    info: StoreInfo


class Sessions:
    def __init__(
        self,
        store: Store,
        config: Config | None = None,
        *,
        clock: Callable[[], int] = now_ns,
        server_id: str | None = None,
    ) -> None:
        self.store = store
        self.config = config or Config()
        self.clock = clock
        self.server_id = server_id or new_id()
        #: The session of the server itself: it can be read, not ended.
        self.self_id = ""
        #: Servers that live besides this one; `servers.py` keeps it.
        self.living: frozenset[str] = frozenset()

    # Finding

    def _found(self, view: View, reference: str) -> Session:
        session = view.session(reference)
        if session is None:
            raise SessionNotFound(reference)
        return session

    def _open(self, tx: Tx, reference: str) -> Session:
        """The session for a write that only an open one takes."""
        session = self._found(tx, reference)
        if session.ended_at is not None:
            if session.status == Status.EXPIRED:
                raise SessionExpired(session.id, iso(session.ended_at))
            raise SessionClosed(session.id, session.status)
        if session.server_id != self.server_id and not self._living(tx, session.server_id):
            session.server_id = self.server_id  # its server died: who comes back is ours now
            tx.save(session)
        return session

    def _living(self, tx: Tx, server_id: str | None) -> bool:
        """Also one that began after our last look around: its sessions must not become ours."""
        if server_id in self.living:
            return True
        now = self.clock()
        self.living = frozenset(r.server_id for r in tx.servers() if not is_dead(r, now, self.config.server_dead_after))
        return server_id in self.living

    def _not_self(self, session: Session, what: str) -> None:
        if session.id == self.self_id:
            raise Conflict(f"This is the server's own session; it cannot be {what}.", reason="own_session")

    # Create, change

    async def put_session(
        self,
        session_id: str | None,
        body: SessionBody,
        *,
        owner: str | None = None,
        local: bool = False,
        origin: Origin = Origin.API,
        must_exist: bool = False,
    ) -> tuple[Session, bool]:
        """Create, or update an open one: fields that are present replace, absent ones stay."""
        reference = parse_reference(session_id) if session_id is not None else new_id()
        pid_started = started_at(body.pid) if local and isinstance(body.pid, int) else None
        now = self.clock()

        def work(tx: Tx) -> tuple[Session, bool]:
            if tx.session(reference) is not None:
                session = self._open(tx, reference)
                apply(body, session, self.config)
                if isinstance(body.pid, int):
                    session.pid_started = pid_started
                session.updated_at = max(now, session.updated_at)
                session.last_activity_at = max(now, session.last_activity_at)
                tx.save(session)
                return _copy(session), False
            if must_exist:
                raise SessionNotFound(reference)
            parse_id(reference)  # an alias that nobody has is no id for a new session
            if not isinstance(body.appname, str):
                raise Invalid("A session needs an appname.", reason="missing_field")
            session = Session(
                0, reference, alias_of(reference), "client", origin.value, "active", "", "", now, now, now,
                disposition="pending", owner=owner, server_id=self.server_id, pid_started=pid_started,
            )  # fmt: skip
            apply(body, session, self.config)
            session.status = lifecycle.initial_status(session.kind).value
            tx.insert(session)
            tx.append_event(session, event(now, "created", {"status": session.status, "origin": session.origin}))
            return _copy(session), True

        return await self.store.write(work)

    async def replace_metadata(self, reference: str, body: SessionPut) -> Session:
        reference = parse_reference(reference)
        now = self.clock()

        def work(tx: Tx) -> Session:
            session = self._open(tx, reference)
            apply(body, session, self.config)
            session.updated_at = max(now, session.updated_at)
            session.last_activity_at = max(now, session.last_activity_at)
            tx.save(session)
            return _copy(session)

        return await self.store.write(work)

    # Read

    async def session(self, reference: str) -> Session:
        reference = parse_reference(reference)
        return await self.store.read(lambda view: self._found(view, reference))

    async def find(self, request: ListRequest, then: Callable[[Page | Changes], T]) -> T:
        """`then` turns the result into an answer, still away from the event loop."""

        def work(view: View) -> T:
            if request.after_rev is None:
                return then(view.sessions(request.query))
            return then(self.changes(view, request))

        return await self.store.read(work)

    def changes(self, view: View, request: ListRequest, *, count: bool = True) -> Changes:
        after, query = request.after_rev or 0, request.query
        rows = view.changed_sessions(after, max(1, query.limit))
        known = [row for row in rows if isinstance(row, Session)]
        fitting = view.matching([session.sid for session in known], query)
        # A session that no longer fits the filters has left this list: to its reader it is gone.
        seen: list[Session | Gone] = [
            row if isinstance(row, Gone) or row.sid in fitting else Gone(row.id, row.rev) for row in rows
        ]
        rev = rows[-1].rev if rows and len(rows) >= query.limit else view.rev()
        if not count:
            return Changes(seen, max(rev, after), 0, False)
        page = view.sessions(msgspec.structs.replace(query, limit=0, after=None))
        return Changes(seen, max(rev, after), page.total, page.exact)

    async def counts(self) -> Counts:
        def work(view: View) -> Counts:
            opened, ended = (view.count(tuple(sorted(s.value for s in GROUPS[g]))) for g in ("active", "ended"))
            return Counts(opened, ended, view.info())

        return await self.store.read(work)

    # Lifecycle

    async def act(self, reference: str, action: str, body: ActionBody, by: str) -> Session:
        reference = parse_reference(reference)
        now = self.clock()
        if body.outcome is not None and (action != "end" or body.outcome not in lifecycle.OUTCOMES):
            raise Invalid(
                f"outcome is for 'end' only, and one of: {', '.join(lifecycle.OUTCOMES)}.", reason="bad_field"
            )
        reason = checked_text("reason", body.reason, self.config) if body.reason else None

        def work(tx: Tx) -> Session:
            session = self._found(tx, reference)
            if action in ("end", "kill", "archive", "complete", "fail"):
                self._not_self(session, "ended")
            self.move(tx, session, ACTIONS[action], now, by=by, reason=reason, outcome=body.outcome)
            return _copy(session)

        session = await self.store.write(work)
        if action == "archive":
            await self._drop_log(session)
        return session

    async def delete(self, reference: str, by: str) -> Session:
        """End it; once more answers the same."""
        reference = parse_reference(reference)
        now = self.clock()

        def work(tx: Tx) -> Session:
            session = self._found(tx, reference)
            self._not_self(session, "ended")
            if session.open:
                self.move(tx, session, "delete", now, by=by)
            return _copy(session)

        return await self.store.write(work)

    async def purge(self, reference: str, by: str) -> None:
        """Remove the session and all its rows; an open one is ended first."""
        session = await self.delete(reference, by)
        await self._drop_log(session)

        def work(tx: Tx) -> None:
            found = tx.session(session.id)
            if found is not None:
                tx.purge(found)

        await self.store.write(work)

    async def _drop_log(self, session: Session) -> None:
        """In steps, so that no other writer waits long behind a large log."""

        def hide(tx: Tx) -> None:
            found = tx.session(session.id)
            if found is not None:
                found.log_first = found.log_count
                tx.touch(found)

        await self.store.write(hide)
        below = session.log_count
        while await self.store.write(lambda tx: tx.drop_log(session.sid, below, _PURGE_STEP), rows=_PURGE_WEIGHT):
            pass

    async def reset(self, reference: str, by: str) -> Session:
        """A new session in place of a closed one, which never reopens."""
        reference = parse_reference(reference)
        now = self.clock()

        def work(tx: Tx) -> Session:
            old = self._found(tx, reference)
            if old.open:
                raise IllegalTransition(old.status, "reset")
            session = msgspec.structs.replace(
                old, sid=0, id=new_id(), alias=None, created_at=now, updated_at=now, last_activity_at=now,
                status=lifecycle.initial_status(old.kind).value, disposition="pending", status_reason=None,
                ended_by=None, ended_at=None, received_at=None, expires_at=None, pid=None, pid_started=None,
                parent_session_id=old.id, owner=by, server_id=self.server_id, renewal_count=0, settled=True,
                log_count=0, log_first=0, event_count=0, note_count=0, message_count=0, trace_count=0, run_count=0,
                error_count=0, tokens=None, cost_pico=None,
            )  # fmt: skip
            tx.insert(session)
            tx.append_event(session, event(now, "created", {"status": session.status, "reset_of": old.id}))
            return _copy(session)

        return await self.store.write(work)

    def move(
        self,
        tx: Tx,
        session: Session,
        trigger: str,
        now: int,
        *,
        by: str,
        reason: str | None = None,
        outcome: str | None = None,
    ) -> None:
        before = session.status
        lifecycle.transition(session, trigger, now, by=by, reason=reason, outcome=outcome)
        tx.save(session)
        data = {"from": before, "to": session.status, "by": by}
        if session.status_reason:
            data["reason"] = session.status_reason
        tx.append_event(session, event(session.updated_at, "status_changed", data))

    # Log

    async def append_log(self, reference: str, entries: list[LogEntry], size: int = 0) -> Appended:
        reference = parse_reference(reference)
        now = self.clock()
        ring = self.config.log_ring

        def work(tx: Tx) -> Appended:
            session = self._open(tx, reference)
            if entries:
                if now > session.last_activity_at:
                    session.last_activity_at = now
                tx.append_log(session, entries, ring)
            return Appended(len(entries), session.log_count, session.log_count - session.log_first)

        return await self.store.write(work, rows=len(entries) or 1, size=size)

    async def read_log(self, reference: str, request: LogRequest, then: Callable[[LogResult], T]) -> T:
        reference = parse_reference(reference)

        def work(view: View) -> T:
            return then(self.log_result(view, self._found(view, reference), request))

        return await self.store.read(work)

    def log_result(self, view: View, session: Session, request: LogRequest, *, max_bytes: int = 8 << 20) -> LogResult:
        oldest, end = session.log_first, session.log_count
        dropped = 0
        if request.cursor is None:
            first = min(oldest + request.offset, end)
        else:
            first = min(request.cursor, end)
            if first < oldest:
                dropped, first = oldest - first, oldest
        if request.limit == 0 or first >= end:
            found = LogRows([], first)
        else:
            found = view.log(
                session.sid, first, request.limit,
                min_level=request.min_level, q=request.q, descending=request.descending, max_bytes=max_bytes,
            )  # fmt: skip
        return LogResult(found.looked_to, end - oldest, first - oldest, dropped, found.entries)

    # Events and notes

    async def events(self, reference: str, cursor: int, limit: int) -> Stream[Event]:
        reference = parse_reference(reference)
        return await self.store.read(lambda v: self.event_stream(v, self._found(v, reference), cursor, limit))

    def event_stream(self, view: View, session: Session, cursor: int, limit: int) -> Stream[Event]:
        items = view.events(session.sid, cursor, limit) if limit else []
        return Stream(items[-1].index + 1 if items else min(cursor, session.event_count), session.event_count, 0, items)

    async def notes(self, reference: str, cursor: int, limit: int) -> Stream[Note]:
        reference = parse_reference(reference)
        return await self.store.read(lambda v: self.note_stream(v, self._found(v, reference), cursor, limit))

    def note_stream(self, view: View, session: Session, cursor: int, limit: int) -> Stream[Note]:
        items = view.notes(session.sid, cursor, limit) if limit else []
        return Stream(items[-1].index + 1 if items else min(cursor, session.note_count), session.note_count, 0, items)

    async def add_note(self, reference: str, body: NoteBody, author: str | None) -> Note:
        """Closed sessions take notes too: they are judged after the fact."""
        reference = parse_reference(reference)
        now = self.clock()
        if body.score is None and not body.label and not body.text:
            raise Invalid("A note needs a score, a label or a text.", reason="missing_field")
        size = len(body.text.encode()) if body.text else 0
        if size > self.config.max_document:
            raise TooLarge("The text of a note", f"{size} bytes", self.config.max_document)
        texts = {
            name: checked_text(name, value, self.config) if (value := getattr(body, name)) else None
            for name in ("author", "span", "name", "label")
        }

        def work(tx: Tx) -> Note:
            session = self._found(tx, reference)
            if session.status == Status.ARCHIVED:
                raise SessionClosed(session.id, session.status)
            note = Note(
                now, texts["author"] or author, texts["span"], texts["name"], body.score, texts["label"],
                clean(body.text) if body.text else None,
            )  # fmt: skip
            tx.append_note(session, note)
            return note

        return await self.store.write(work)


def event(now: int, kind: str, data: Mapping[str, object]) -> Event:
    return Event(now, kind, msgspec.json.encode(data).decode())


def _copy(session: Session) -> Session:
    """The writer goes on changing its own object; what leaves the transaction must stand still."""
    return msgspec.structs.replace(session)
