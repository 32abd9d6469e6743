"""Results of the service as the bytes that the API answers. HTTP sends them; the embedded client reads the same ones.

The list and the log are encoded on a reader's thread (`then` of the service's reads), away from the event loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import UNSET

from ..errors import Invalid, SessionsError
from ..model import Event, Note
from ..store.protocol import Page
from ..wire import (
    API_VERSION,
    EventsView,
    HealthView,
    LagHealth,
    LogView,
    NotesView,
    QueueHealth,
    SessionListView,
    StoreHealth,
    encode,
    event_view,
    log_entry_view,
    note_view,
    session_row,
    session_view,
)
from .entries import parse_level
from .filters import ListRequest, make_next, parse_int, unknown_name
from .sessions import Appended, Changes, LogRequest, LogResult, Sessions, Stream

#: Items of one answer of an appended stream.
MAX_ITEMS = 10_000
LOG_PARAMETERS = ("cursor", "offset", "limit", "level", "q", "order")
STREAM_PARAMETERS = ("cursor", "limit")

Parameters = Mapping[str, Sequence[str]]


def check_parameters(given: Parameters, known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise unknown_name(name, known, "parameter")


def encode_list(self_id: str, request: ListRequest, result: Page | Changes) -> bytes:
    now = request.query.now
    if isinstance(result, Changes):
        view = SessionListView(
            self_id,
            [session_row(row, now) for row in result.rows],  # type: ignore[misc]  # see SessionListView
            result.total,
            total_is(result.exact),
            result.rev,
        )
    else:
        view = SessionListView(
            self_id,
            [session_view(row, now) for row in result.rows],
            result.total,
            total_is(result.exact),
            result.rev,
            make_next(request.query, result.next) if result.next else UNSET,
        )
    return encode(view)


def total_is(exact: bool) -> str:
    return "exact" if exact else "at_least"


def parse_log_request(given: Parameters) -> LogRequest:
    check_parameters(given, LOG_PARAMETERS)
    one = {name: values[-1] for name, values in given.items()}
    order = one.get("order", "asc")
    if order not in ("asc", "desc"):
        raise Invalid("order must be asc or desc.", reason="bad_query")
    return LogRequest(
        cursor=parse_int("cursor", one["cursor"]) if "cursor" in one else None,
        offset=parse_int("offset", one.get("offset", "0")),
        limit=min(parse_int("limit", one.get("limit", "1000")), MAX_ITEMS),
        min_level=parse_level(one["level"]) if "level" in one else None,
        q=one.get("q") or None,
        descending=order == "desc",
    )


def encode_log(result: LogResult) -> bytes:
    entries = [log_entry_view(entry) for entry in result.entries]
    return encode(LogView(result.cursor, len(entries), result.total, result.offset, result.dropped, entries))


def encode_appended(done: Appended) -> bytes:
    return b'{"appended":%d,"cursor":%d,"total":%d}' % (done.appended, done.cursor, done.total)


def parse_window(given: Parameters) -> tuple[int, int]:
    """Cursor and limit of an appended stream."""
    check_parameters(given, STREAM_PARAMETERS)
    cursor = parse_int("cursor", given.get("cursor", ["0"])[-1])
    return cursor, min(parse_int("limit", given.get("limit", ["1000"])[-1]), MAX_ITEMS)


def encode_events(stream: Stream[Event]) -> bytes:
    return encode(EventsView(stream.cursor, stream.total, stream.dropped, [event_view(e) for e in stream.items]))


def encode_notes(stream: Stream[Note]) -> bytes:
    return encode(NotesView(stream.cursor, stream.total, stream.dropped, [note_view(n) for n in stream.items]))


async def health(sessions: Sessions, uptime: float) -> HealthView:
    counts = await sessions.counts()
    rows, size = sessions.store.waiting()
    info = counts.info
    store = StoreHealth(info.kind, info.id, info.schema, info.bytes)
    return HealthView(
        "ok", API_VERSION, uptime, store, counts.open, counts.ended, QueueHealth(rows, size), LagHealth(0.0, 0.0)
    )


def degraded(problem: SessionsError, uptime: float) -> HealthView:
    return HealthView(
        "degraded", API_VERSION, uptime, None, None, None, QueueHealth(0, 0), LagHealth(0, 0), problem.message
    )
