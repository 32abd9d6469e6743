from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_sessions.model import LogEntry, Session
from jupyter_sessions.service.bodies import SessionBody
from jupyter_sessions.service.config import Config
from jupyter_sessions.service.sessions import Sessions
from jupyter_sessions.store.sqlite import Settings, SqliteStore
from tests.support.stores import SECOND, T0


class Clock:
    """Stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> int:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


class Service:
    """The rules over a real store, with calls that return when they are done."""

    def __init__(self, loop: asyncio.AbstractEventLoop, store: SqliteStore, config: Config, clock: Clock, name: str):
        self.loop = loop
        self.clock = clock
        self.sessions = Sessions(store, config, clock=clock, server_id=name)

    def do(self, call: Any) -> Any:
        return self.loop.run_until_complete(call)

    def create(self, session_id: str, **fields: Any) -> Session:
        if "metadata" in fields:
            fields["metadata"] = msgspec.Raw(msgspec.json.encode(fields["metadata"]))
        local = fields.pop("local", False)
        body = SessionBody(**({"appname": "build"} | fields))
        return self.do(self.sessions.put_session(session_id, body, local=local))[0]

    def append(self, session_id: str, *messages: str) -> None:
        self.do(self.sessions.append_log(session_id, [LogEntry(self.clock(), message) for message in messages]))

    def end(self, session_id: str) -> None:
        self.do(self.sessions.delete(session_id, "me"))

    def get(self, session_id: str) -> Session:
        session: Session = self.do(self.sessions.session(session_id))
        return session

    def read(self, work: Any) -> Any:
        return self.do(self.sessions.store.read(work))

    def write(self, work: Any) -> Any:
        return self.do(self.sessions.store.write(work))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service_at(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Service]]:
    """Services of several servers on one file: `service_at("a", log_ring=5)`."""
    loop = asyncio.new_event_loop()
    stores: list[SqliteStore] = []

    def make(name: str, **config: Any) -> Service:
        stores.append(SqliteStore(Settings(str(tmp_path / "sessions.db"), synchronous="OFF")))
        loop.run_until_complete(stores[-1].open())
        return Service(loop, stores[-1], Config(**config), clock, name)

    yield make
    for store in stores:
        loop.run_until_complete(store.close())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def service(service_at: Callable[..., Service]) -> Service:
    return service_at("a")
