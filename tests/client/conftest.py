"""One suite, two transports: `client` is a client of a real server and, once more, one on a file of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

import jupyter_sessions as js
from jupyter_sessions.client import Client, Session
from tests.support.jupyter import ROOT, JupyterServer, running

_numbers = count(1)

Python = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with running(tmp_path_factory.mktemp("client-server")) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture(autouse=True)
def runtime_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the user's Jupyter is found, and nothing of it is written."""
    for name in list(os.environ):
        if name.startswith(("JUPYTER", "JPY_")):
            monkeypatch.delenv(name)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "0")
    return runtime


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sessions.db"


@pytest.fixture(params=["http", "embedded"])
def place(request: pytest.FixtureRequest) -> dict[str, object]:
    """What to tell `connect` to come to the same store."""
    if request.param == "http":
        server: JupyterServer = request.getfixturevalue("server")
        return {"url": server.url, "token": server.token}
    return {"path": request.getfixturevalue("file")}


@pytest.fixture
def client(place: dict[str, object]) -> Iterator[Client]:
    with js.connect(**place) as client:  # type: ignore[arg-type]
        yield client


@pytest.fixture
def fresh() -> str:
    """An id that nobody has used."""
    return f"session-{next(_numbers)}"


@pytest.fixture
def session(client: Client, fresh: str) -> Session:
    return client.create("test", id=fresh)


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Python]:
    """Run code in a process of its own; it does not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def run(code: str, *args: object, flags: tuple[str, ...] = ("-W", "error"), **env: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *flags, "-c", code, *map(str, args)],
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def output(process: subprocess.Popen[str]) -> str:
    """What it printed, once it has ended well and without a complaint."""
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, ""), err
    return out.strip()
