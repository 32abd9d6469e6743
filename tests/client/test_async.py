"""The async face has the same names and does the same."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import jupyter_sessions as js
from jupyter_sessions.client import AsyncClient, AsyncSession, AsyncTail, Client, Session, Tail
from jupyter_sessions.errors import ConnectionFailed, SessionClosed


@pytest.mark.parametrize(("plain", "awaited"), [(Client, AsyncClient), (Session, AsyncSession), (Tail, AsyncTail)])
def test_both_faces_have_the_same_names_and_arguments(plain: type, awaited: type) -> None:
    def names(face: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in inspect.getmembers(face, inspect.isfunction)
            if not name.startswith("_")
        }

    assert names(plain) == names(awaited)
    assert list(inspect.signature(js.connect).parameters) == list(inspect.signature(js.connect_async).parameters)


def run(place: dict[str, Any], work: Callable[[AsyncClient], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with await js.connect_async(**place) as client:
            await work(client)

    asyncio.run(main())


def test_a_session_from_its_begin_to_its_end(place: dict[str, Any], fresh: str) -> None:
    async def work(client: AsyncClient) -> None:
        session = await client.create("trip", id=fresh, metadata={"a": 1})
        await session.log(["one", "two"], level="info")
        await session.update(title="A title")
        await session.note(score=1.0)
        assert [entry.message for entry in await session.logs()] == ["one", "two"]
        assert [note.score for note in await session.notes()] == [1.0]
        assert [event.type for event in await session.events()] == ["created"]
        assert fresh in [one.id for one in await client.sessions()]
        assert fresh in [one.id async for one in client.iter_sessions()]
        assert (await session.end("done")).status == "ended"
        assert (await client.get(fresh)).title == "A title"
        with pytest.raises(SessionClosed):
            await session.log("late")
        await client.purge(fresh)
        assert (await client.health()).status == "ok"

    run(place, work)


def test_tail_follows_while_others_write(place: dict[str, Any], fresh: str) -> None:
    async def work(client: AsyncClient) -> None:
        session = await client.create("trip", id=fresh)

        async def write() -> None:
            for number in range(20):
                await session.log(str(number))
            await session.end()

        writing = asyncio.create_task(write())
        assert [entry.message async for entry in (await client.get(fresh)).tail(poll=0.01)] == [
            str(n) for n in range(20)
        ]
        await writing

    run(place, work)


def test_many_appends_at_once_share_commits(file: Path) -> None:
    async def work(client: AsyncClient) -> None:
        session = await client.create("trip")
        await asyncio.gather(*(session.log(str(number)) for number in range(500)))
        assert sorted(int(entry.message) for entry in await session.logs()) == list(range(500))

    run({"path": file}, work)


def test_a_closed_client_says_so(place: dict[str, Any]) -> None:
    async def main() -> None:
        client = await js.connect_async(**place)
        await client.close()
        await client.close()
        with pytest.raises(ConnectionFailed, match="closed"):
            await client.health()

    asyncio.run(main())
