"""One server of the defaults for all modules that need no other; sessions are told apart by their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.jupyter import JupyterServer, running

_numbers = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture
def fresh() -> str:
    """An id that nobody has used."""
    return f"session-{next(_numbers)}"


@pytest.fixture
def session(server: JupyterServer, fresh: str) -> str:
    """The id of an open session."""
    assert server.post(f"sessions/{fresh}", json={"appname": "test"}).status_code == 201
    return fresh


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The directory of a server that one module has to itself."""
    return tmp_path_factory.mktemp(request.module.__name__.rpartition(".")[2])


Create = Callable[..., dict[str, Any]]


@pytest.fixture
def create(server: JupyterServer) -> Create:
    def create(session_id: str, **fields: Any) -> dict[str, Any]:
        answer = server.post(f"sessions/{session_id}", json={"appname": "test", **fields})
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    return create
