"""The client's operations, once: arguments in, records out, over whatever transport. Both faces stand on it.

`S` is the class that sessions are made of: `Session` of the plain client, `AsyncSession` of the async one.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from ..errors import ConnectionFailed, IllegalTransition
from ..ids import parse_id, parse_reference
from ..wire import HealthView
from .encoding import dumps, list_parameters, session_body
from .records import Event, Item, ListAnswer, LogAnswer, LogEntry, LogPage, Note, Rows, S, SessionList, StreamAnswer
from .transport import Parameters, Transport

T = TypeVar("T")

_LIST_PAGE = 1000
_LOG_PAGE = 10_000
_TAIL_PAGE = 1000


class Calls(Generic[S]):
    def __init__(self, transport: Transport, face: type[S], adopt: Callable[[S], S]) -> None:
        self._transport: Transport | None = transport
        self._where = transport.where
        self._pid = os.getpid()
        self._adopt = adopt
        self._decode = msgspec.json.Decoder(face).decode
        listed: Any = ListAnswer[face]  # type: ignore[valid-type]  # msgspec reads it at run time
        self._decode_list: Callable[[bytes], ListAnswer[S]] = msgspec.json.Decoder(listed).decode

    @property
    def transport(self) -> Transport:
        if self._transport is None:
            raise ConnectionFailed("This client is closed. Connect again.")
        if self._pid != os.getpid():
            self._transport, self._pid = self._transport.renewed(), os.getpid()
        return self._transport

    @property
    def where(self) -> str:
        return self._where

    async def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None and self._pid == os.getpid():
            await transport.close()

    def _session(self, answer: bytes) -> S:
        return self._adopt(self._decode(answer))

    # Sessions

    async def create(
        self,
        appname: str,
        session_id: str | None,
        mode: str,
        jobid: str | None,
        metadata: Mapping[str, Any] | None,
        fields: Mapping[str, Any],
    ) -> S:
        # What is not given is not sent: an open session of this id keeps it.
        given = {"appname": appname, "mode": mode or None, "jobid": jobid, "metadata": metadata}
        sent = {name: value for name, value in given.items() if value is not None} | dict(fields)
        if session_id is not None:
            session_id = parse_id(session_id)
        if self.transport.local:
            # Whoever records can tell when this process is gone, and ends what it left open.
            sent.setdefault("pid", os.getpid())
        return self._session(await self.transport.put(session_id, session_body(sent)))

    async def session(self, session_id: str) -> S:
        return self._session(await self.transport.session(parse_reference(session_id)))

    async def update(self, session_id: str, fields: dict[str, Any]) -> S:
        return self._session(await self.transport.put(session_id, session_body(fields), must_exist=True))

    async def page(self, params: dict[str, list[str]], limit: int, after: str | None) -> ListAnswer[S]:
        asked = {**params, "limit": [str(limit)]}
        if after is not None:
            asked["next"] = [after]
        page = self._decode_list(await self.transport.sessions(asked))
        for session in page.sessions:
            self._adopt(session)
        return page

    async def sessions(self, limit: int | None, filters: Mapping[str, Any]) -> SessionList[S]:
        params = list_parameters(filters)
        page = await self.page(params, _piece(limit, 0, _LIST_PAGE), None)
        found: SessionList[S] = SessionList(page.sessions, page.total, page.total_is)
        while page.next is not None and (limit is None or len(found) < limit):
            page = await self.page(params, _piece(limit, len(found), _LIST_PAGE), page.next)
            found += page.sessions
        return found

    async def end(self, session_id: str, reason: str | None) -> S:
        reference = parse_reference(session_id)
        if reason is None:
            return self._session(await self.transport.delete(reference))
        try:
            return self._session(await self.transport.act(reference, "end", dumps({"reason": reason})))
        except IllegalTransition:  # it has ended already; saying it twice is no mistake, with a reason or without
            return await self.session(reference)

    async def purge(self, session_id: str) -> None:
        await self.transport.purge(parse_reference(session_id))

    async def health(self) -> HealthView:
        return msgspec.json.decode(await self.transport.health(), type=HealthView)

    # Streams

    async def append(self, session_id: str, body: bytes) -> None:
        await self.transport.append(session_id, body)

    async def log_page(
        self, session_id: str, cursor: int, limit: int, level: str | None, q: str | None, order: str | None = None
    ) -> LogAnswer:
        params = {"cursor": [str(cursor)], "limit": [str(limit)]}
        params.update({n: [v] for n, v in (("level", level), ("q", q), ("order", order)) if v is not None})
        return _decode_log(await self.transport.log(session_id, params))

    async def logs(
        self, session_id: str, cursor: int, limit: int | None, level: str | None, q: str | None, order: str | None
    ) -> LogPage:
        page = await self.log_page(session_id, cursor, _piece(limit, 0, _LOG_PAGE), level, q, order)
        found = LogPage(page.entries, page.cursor, page.total, page.dropped)
        # The position behind the newest entry: what `offset` counts from is the oldest one kept.
        end = cursor + page.dropped - page.offset + page.total
        while order != "desc" and found.cursor < end and (limit is None or len(found) < limit):
            page = await self.log_page(session_id, found.cursor, _piece(limit, len(found), _LOG_PAGE), level, q)
            found += page.entries
            found.cursor, found.total, found.dropped = page.cursor, page.total, found.dropped + page.dropped
        return found

    async def note(self, session_id: str, fields: Mapping[str, Any]) -> Note:
        given = {name: value for name, value in fields.items() if value is not None}
        return msgspec.json.decode(await self.transport.add_note(session_id, dumps(given)), type=Note)

    async def notes(self, session_id: str, cursor: int, limit: int | None) -> Rows[Note]:
        return await _stream(lambda p: self.transport.notes(session_id, p), _decode_notes, cursor, limit)

    async def events(self, session_id: str, cursor: int, limit: int | None) -> Rows[Event]:
        return await _stream(lambda p: self.transport.events(session_id, p), _decode_events, cursor, limit)


class TailReader(Generic[S]):
    """Follows one log by its cursor. What it waits for may be interrupted or fail; the next `fetch` goes on there."""

    def __init__(
        self, calls: Calls[S], session_id: str, follow: bool, cursor: int, poll: float, level: str | None, q: str | None
    ) -> None:
        self._calls = calls
        self._session_id = session_id
        self._follow = follow
        self._poll = poll
        self._level = level
        self._q = q
        self._next = cursor
        self.buffer: deque[LogEntry] = deque()
        self.dropped = 0

    @property
    def cursor(self) -> int:
        return self.buffer[0].index if self.buffer else self._next

    async def fetch(self) -> bool:
        """Wait until there is something in the buffer; False when nothing more will come."""
        while True:
            # The state first, the log second: a log that is read to the end after its session closed is complete.
            session = await self._calls.session(self._session_id)
            if self._next < session.log_count:
                page = await self._calls.log_page(self._session_id, self._next, _TAIL_PAGE, self._level, self._q)
                self._next = page.cursor
                self.dropped += page.dropped
                self.buffer.extend(page.entries)
                if self.buffer:
                    return True
            elif not session.open or not self._follow:
                return False
            else:
                await asyncio.sleep(self._poll)


_decode_log = msgspec.json.Decoder(LogAnswer).decode
_decode_notes = msgspec.json.Decoder(StreamAnswer[Note]).decode
_decode_events = msgspec.json.Decoder(StreamAnswer[Event]).decode


def _piece(limit: int | None, have: int, page: int) -> int:
    return page if limit is None else min(page, limit - have)


async def _stream(
    fetch: Callable[[Parameters], Awaitable[bytes]],
    decode: Callable[[bytes], StreamAnswer[Item]],
    cursor: int,
    limit: int | None,
) -> Rows[Item]:
    found: Rows[Item] = Rows()
    while limit is None or len(found) < limit:
        params = {"cursor": [str(cursor)], "limit": [str(_piece(limit, len(found), _LOG_PAGE))]}
        answer = decode(await fetch(params))
        found += answer.items
        cursor = answer.cursor
        if not answer.items or cursor >= answer.total:
            break
    return found
