"""The async face: the same names as in `sync.py`, awaited. A client belongs to the event loop that it was made in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from os import PathLike
from typing import Any

from ..wire import HealthView
from .calls import Calls, TailReader
from .encoding import list_parameters, log_bodies
from .opening import open_transport
from .records import Event, LogEntry, LogPage, Note, Rows, SessionInfo, SessionList
from .transport import Transport

_PAGE = 1000


async def connect_async(
    url: str | None = None, token: str | None = None, *, path: str | PathLike[str] | None = None
) -> AsyncClient:
    """`connect`, awaited."""
    return AsyncClient(await open_transport(url, token, path))


class AsyncClient:
    """`Client`, awaited."""

    def __init__(self, transport: Transport) -> None:
        self._calls = Calls(transport, AsyncSession, self._adopt)

    def _adopt(self, session: AsyncSession) -> AsyncSession:
        session.__dict__["_client"] = self
        return session

    async def create(
        self,
        appname: str,
        *,
        id: str | None = None,
        mode: str = "",
        jobid: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> AsyncSession:
        return await self._calls.create(appname, id, mode, jobid, metadata, fields)

    async def get(self, id: str) -> AsyncSession:
        return await self._calls.session(id)

    async def sessions(
        self, status: str | None = None, limit: int | None = 1000, **filters: Any
    ) -> SessionList[AsyncSession]:
        return await self._calls.sessions(limit, {"status": status, **filters})

    async def iter_sessions(self, status: str | None = None, **filters: Any) -> AsyncIterator[AsyncSession]:
        params = list_parameters({"status": status, **filters})
        page = await self._calls.page(params, _PAGE, None)
        while True:
            for session in page.sessions:
                yield session
            if page.next is None:
                return
            page = await self._calls.page(params, _PAGE, page.next)

    async def end(self, id: str, reason: str | None = None) -> AsyncSession:
        return await self._calls.end(id, reason)

    async def purge(self, id: str) -> None:
        await self._calls.purge(id)

    async def health(self) -> HealthView:
        return await self._calls.health()

    async def close(self) -> None:
        await self._calls.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncClient {self._calls.where}>"


class AsyncSession(SessionInfo, frozen=True, kw_only=True, eq=False, dict=True):
    """`Session`, awaited."""

    @property
    def _calls(self) -> Calls[AsyncSession]:
        client: AsyncClient = self.__dict__["_client"]
        return client._calls

    async def refresh(self) -> AsyncSession:
        self._take(await self._calls.session(self.id))
        return self

    async def update(self, **fields: Any) -> AsyncSession:
        self._take(await self._calls.update(self.id, fields))
        return self

    async def log(self, message: Any, level: str | None = None, data: Mapping[str, Any] | None = None) -> None:
        for body in log_bodies(message, level, data):
            await self._calls.append(self.id, body)

    async def logs(
        self,
        cursor: int = 0,
        limit: int | None = 1000,
        level: str | None = None,
        q: str | None = None,
        order: str | None = None,
    ) -> LogPage:
        return await self._calls.logs(self.id, cursor, limit, level, q, order)

    def tail(
        self,
        follow: bool = True,
        cursor: int | None = None,
        poll: float = 0.25,
        level: str | None = None,
        q: str | None = None,
    ) -> AsyncTail:
        return AsyncTail(TailReader(self._calls, self.id, follow, cursor or 0, poll, level, q))

    async def note(
        self,
        *,
        score: float | None = None,
        label: str | None = None,
        text: str | None = None,
        name: str | None = None,
        span: str | None = None,
        author: str | None = None,
    ) -> Note:
        fields = {"score": score, "label": label, "text": text, "name": name, "span": span, "author": author}
        return await self._calls.note(self.id, fields)

    async def notes(self, cursor: int = 0, limit: int | None = None) -> Rows[Note]:
        return await self._calls.notes(self.id, cursor, limit)

    async def events(self, cursor: int = 0, limit: int | None = None) -> Rows[Event]:
        return await self._calls.events(self.id, cursor, limit)

    async def end(self, reason: str | None = None) -> AsyncSession:
        self._take(await self._calls.end(self.id, reason))
        return self


class AsyncTail:
    """`Tail`, awaited."""

    def __init__(self, reader: TailReader[AsyncSession]) -> None:
        self._reader = reader

    @property
    def cursor(self) -> int:
        return self._reader.cursor

    @property
    def dropped(self) -> int:
        return self._reader.dropped

    def __aiter__(self) -> AsyncTail:
        return self

    async def __anext__(self) -> LogEntry:
        if not self._reader.buffer and not await self._reader.fetch():
            raise StopAsyncIteration
        return self._reader.buffer.popleft()
