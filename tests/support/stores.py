"""What tests of stores share: a store with a synchronous face, and rows to put into it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from jupyter_sessions.ids import alias_of
from jupyter_sessions.model import LogEntry, Session
from jupyter_sessions.store.protocol import ListQuery, Store, Stream, Tx, View

T = TypeVar("T")

#: A moment; everything in these tests happens around it.
T0 = 1_700_000_000_000_000_000
SECOND = 10**9


class Desk:
    """A store whose calls return when they are done, so that a test reads straight on."""

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self.store = store
        self.loop = loop
        self.news: list[set[Stream]] = []
        self._is_open = False

    def open(self) -> Desk:
        self.loop.run_until_complete(self.store.open())
        self._is_open = True
        self.store.on_news(self.news.append)
        return self

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self.loop.run_until_complete(self.store.close())

    def write(self, work: Callable[[Tx], T], *, rows: int = 1, size: int = 0) -> T:
        return self.loop.run_until_complete(self.store.write(work, rows=rows, size=size))

    def read(self, work: Callable[[View], T]) -> T:
        return self.loop.run_until_complete(self.store.read(work))

    def together(self, *works: Callable[[Tx], Any]) -> list[Any]:
        """All of them wait while the writer is held up, so that one commit takes them; results or errors, in order."""

        async def all_of_them() -> list[Any]:
            held = threading.Event()
            first = asyncio.ensure_future(self.store.write(lambda tx: held.wait(10)))
            rest = [asyncio.ensure_future(self.store.write(work)) for work in works]
            await asyncio.sleep(0)
            held.set()
            await first
            return await asyncio.gather(*rest, return_exceptions=True)

        return self.loop.run_until_complete(all_of_them())

    def settle(self) -> None:
        """Let all news of what was written arrive: the writer tells of one commit before it begins the next."""
        self.write(lambda tx: None)
        self.loop.run_until_complete(asyncio.sleep(0))

    def heard(self, *streams: Stream) -> bool:
        self.settle()
        return set(streams) <= set().union(*self.news)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 5.0) -> float:
        """How long it took until this was true; the loop runs meanwhile."""
        started = time.monotonic()
        while not condition():
            assert time.monotonic() - started < seconds, "it did not happen in time"
            self.loop.run_until_complete(asyncio.sleep(0.005))
        return time.monotonic() - started

    # What most tests begin with

    def insert(self, *sessions: Session) -> None:
        def work(tx: Tx) -> None:
            for session in sessions:
                tx.insert(msgspec.structs.replace(session))

        self.write(work)

    def append(self, session_id: str, *messages: str, ring: int = 0) -> int:
        """One batch; the first index."""
        entries = [LogEntry(T0, message) for message in messages]
        return self.write(lambda tx: tx.append_log(found(tx, session_id), entries, ring))

    def session(self, session_id: str) -> Session:
        return self.read(lambda view: msgspec.structs.replace(found(view, session_id)))

    def ids(self, **query: Any) -> list[str]:
        return [row.id for row in self.read(lambda view: view.sessions(a_query(**query))).rows]


def found(view: View, reference: str) -> Session:
    session = view.session(reference)
    assert session is not None, f"no session {reference!r}"
    return session


def a_session(id: str, **fields: Any) -> Session:
    """An open one, made at T0; `ended_at` without a status ends it."""
    created = fields.get("created_at", T0)
    values: dict[str, Any] = {
        "alias": alias_of(id),
        "kind": "client",
        "origin": "api",
        "status": "ended" if fields.get("ended_at") is not None else "active",
        "appname": "build",
        "mode": "",
        "created_at": created,
        "updated_at": created,
        "last_activity_at": created,
        "disposition": "pending",
    }
    for name in ("metadata", "dimensions"):
        if isinstance(fields.get(name), dict):
            fields[name] = msgspec.json.encode(fields[name]).decode()
    return Session(0, id, **(values | fields))


def a_query(**fields: Any) -> ListQuery:
    return ListQuery(**({"now": T0 + 1000 * SECOND} | fields))
