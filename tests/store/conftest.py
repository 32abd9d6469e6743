"""Every test that asks for `store` or `stores` runs against each implementation of the Store protocol.

A new implementation adds one function to IMPLEMENTATIONS: it gives a store that is not open yet, and each call with
the same directory gives another one on the same data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_sessions.store.protocol import Store
from jupyter_sessions.store.sqlite import Settings, SqliteStore
from tests.support.stores import Desk


def sqlite(where: Path, **options: Any) -> Store:
    # What a power cut does is not the question here, so nothing waits for the disk.
    return SqliteStore(Settings(str(where / "sessions.db"), synchronous="OFF"), **options)


IMPLEMENTATIONS: dict[str, Callable[..., Store]] = {"sqlite": sqlite}


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def stores(
    request: pytest.FixtureRequest, tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> Iterator[Callable[..., Desk]]:
    """Opens a store; called again, another one on the same data."""
    opened: list[Desk] = []

    def open_one(**options: Any) -> Desk:
        opened.append(Desk(IMPLEMENTATIONS[request.param](tmp_path, **options), loop).open())
        return opened[-1]

    yield open_one
    for desk in opened:
        desk.close()


@pytest.fixture
def store(stores: Callable[..., Desk]) -> Desk:
    return stores()
