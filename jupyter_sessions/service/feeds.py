"""What a live reader follows: a topic, a filter and where it stands. Reading it gives the next piece.

News says only that a stream moved; a feed reads from its own cursor. So a reader holds no queue, and a slow one
misses nothing but what retention dropped, and is told.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ..errors import Invalid, SessionNotFound
from ..ids import parse_reference
from ..store.protocol import SESSIONS, Stream, View
from ..wire import encode, event_view, log_entry_view, note_view, session_row
from .entries import decoded, parse_level
from .filters import ListRequest, parse_list, unknown_name
from .sessions import LogRequest, Sessions

TOPICS = ("sessions", "log", "events", "notes")
_DEFAULT_LIMIT = 1000
_MAX_LIMIT = 5000
#: A frame stays small, whatever the messages are: a slow socket holds one.
_MAX_BYTES = 256 * 1024


MAX_SUBSCRIPTION_ID = 200
SubscriptionId = Annotated[str, Meta(max_length=MAX_SUBSCRIPTION_ID)] | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class SubscribeOp(Struct):
    """`{"op":"subscribe","id":"a","topic":"log","session":"S","cursor":0}`"""

    op: str
    id: SubscriptionId
    topic: str = ""
    session: str | None = None
    cursor: int | None = None
    after_rev: int | None = None
    limit: int | None = None
    filter: dict[str, Any] | UnsetType = UNSET


_decode_op = msgspec.json.Decoder(SubscribeOp).decode


class Feed(Struct, frozen=True):
    topic: str
    #: Which news concern it.
    stream: Stream
    session: str
    request: ListRequest | LogRequest


class Piece(Struct):
    """The rest of a frame behind its id, and where its reader stands then."""

    body: bytes
    cursor: int
    empty: bool
    more: bool


def parse_op(text: bytes) -> SubscribeOp:
    op: SubscribeOp = decoded(_decode_op, text)
    return op


def make_feed(op: SubscribeOp, now: int) -> tuple[Feed, int]:
    """The feed that an op asks for, and where it begins."""
    if op.topic not in TOPICS:
        raise unknown_name(op.topic, TOPICS, "topic")
    given = {} if op.filter is UNSET else op.filter
    assert isinstance(given, dict)
    limit = _DEFAULT_LIMIT if op.limit is None else op.limit
    if limit < 1:
        raise Invalid("limit must be at least 1.", reason="bad_query")
    limit = min(limit, _MAX_LIMIT)
    start = (op.after_rev if op.topic == "sessions" else op.cursor) or 0
    if start < 0 or start >= 2**63:
        raise Invalid("A cursor is a whole number from 0.", reason="bad_query")
    if op.topic == "sessions":
        params = {name: [_text(part) for part in (v if isinstance(v, list) else [v])] for name, v in given.items()}
        request = parse_list({**params, "limit": [str(limit)]}, now)
        return Feed("sessions", SESSIONS, "", request), start
    if op.session is None:
        raise Invalid(f"The topic {op.topic!r} needs a session.", reason="missing_field")
    level = q = None
    for name, value in given.items():
        if op.topic == "log" and name == "level":
            level = parse_level(_text(value))
        elif op.topic == "log" and name == "q":
            q = _text(value)
        else:
            raise unknown_name(name, ("level", "q") if op.topic == "log" else ())
    session = parse_reference(op.session)
    return Feed(op.topic, (op.topic, session), session, LogRequest(limit=limit, min_level=level, q=q)), start


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def read_piece(sessions: Sessions, view: View, feed: Feed, cursor: int) -> Piece:
    """Runs on a reader's thread; the bytes serve every socket that stands at the same place."""
    if isinstance(feed.request, ListRequest):
        now = sessions.clock()
        query = msgspec.structs.replace(feed.request.query, now=now)
        request = ListRequest(query, cursor)
        changes = sessions.changes(view, request, count=False)
        items = [encode(session_row(row, now)) for row in changes.rows]
        return _piece(feed.topic, b'"rev":', changes.rev, 0, items, len(changes.rows) >= query.limit)
    session = view.session(feed.session)
    if session is None:
        raise SessionNotFound(feed.session)
    limit = feed.request.limit
    if feed.topic == "log":
        request_log = msgspec.structs.replace(feed.request, cursor=cursor)
        result = sessions.log_result(view, session, request_log, max_bytes=_MAX_BYTES)
        items = [encode(log_entry_view(entry)) for entry in result.entries]
        more = result.cursor < session.log_count
        return _piece(feed.topic, b'"cursor":', result.cursor, result.dropped, items, more)
    if feed.topic == "events":
        events = sessions.event_stream(view, session, cursor, limit)
        items = [encode(event_view(item)) for item in events.items]
        return _piece(feed.topic, b'"cursor":', events.cursor, 0, items, events.cursor < events.total)
    notes = sessions.note_stream(view, session, cursor, limit)
    items = [encode(note_view(item)) for item in notes.items]
    return _piece(feed.topic, b'"cursor":', notes.cursor, 0, items, notes.cursor < notes.total)


def _piece(topic: str, position: bytes, cursor: int, dropped: int, items: list[bytes], more: bool) -> Piece:
    body = b',"topic":"%b",%b%d,"dropped":%d,"items":[%b]}' % (
        topic.encode(), position, cursor, dropped, b",".join(items),
    )  # fmt: skip
    return Piece(body, cursor, not items and not dropped, more)


def frame_start(subscription_id: str | int) -> bytes:
    return b'{"id":' + encode(subscription_id)
