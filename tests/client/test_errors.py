"""Refusals are the same exceptions, wherever they come from; a server that is not there is a sentence."""

from __future__ import annotations

import pickle
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

import jupyter_sessions as js
from jupyter_sessions import errors
from jupyter_sessions.client.http import error_of
from jupyter_sessions.errors import ConnectionFailed, Forbidden, Invalid, SessionsError
from jupyter_sessions.server.errors import status_of
from jupyter_sessions.wire import encode, error_view
from tests.support.jupyter import JupyterServer, free_port, running

RAISED: list[SessionsError] = [
    errors.Invalid("What is this?", reason="bad_field", detail={"name": "x"}),
    errors.Invalid("The text of a note is too long.", reason="too_large"),
    errors.NotFound("No route."),
    errors.SessionNotFound("a"),
    errors.Conflict("This is the server's own session.", reason="own_session"),
    errors.SessionClosed("a", "ended"),
    errors.IllegalTransition("ended", "fail"),
    errors.SessionExpired("a", "2026-01-01T00:00:00Z"),
    errors.TooLarge("A log message", "9 bytes", 8),
    errors.UnsupportedMedia("Not this."),
    errors.LimitReached("Slowly.", 3),
    errors.Busy("Full.", 5),
    errors.StoreError("Damaged."),
    errors.DiskFull(),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_wire(error: SessionsError) -> None:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    again = error_of(httpx.Response(status_of(error), content=encode(error_view(error)), headers=headers), "here")

    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert str(again) == str(error)


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_an_error_survives_a_worker_process(error: SessionsError) -> None:
    again = pickle.loads(pickle.dumps(error))

    assert (type(again), vars(again), str(again)) == (type(error), vars(error), str(error))


def test_when_it_expired_is_known() -> None:
    assert errors.SessionExpired("a", "2026-01-01T00:00:00Z").expires_at == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("filters", "reason"),
    [({"statsu": "all"}, "unknown_filter"), ({"status": "open"}, "bad_query"), ({"sort": "size"}, "bad_query")],
)
def test_a_slip_in_a_query_is_the_same_refusal(place: dict[str, Any], filters: dict[str, str], reason: str) -> None:
    with js.connect(**place) as client, pytest.raises(Invalid) as caught:
        client.sessions(**filters)  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_refusals_of_both_transports_are_equal(server: JupyterServer, file: Path, fresh: str) -> None:
    def refusals(client: js.Client) -> list[tuple[type, str, str, object]]:
        session = client.create("trip", id=fresh)
        session.end()
        found: list[tuple[type, str, str, object]] = []
        for call in (
            lambda: client.get(f"{fresh}-none"),
            lambda: session.log("late"),
            lambda: session.log("x", level="loud"),
            lambda: session.note(),
            lambda: session.note(text="x" * 100_000),
            lambda: client.create(""),
            lambda: client.create("x", metadata={"a": "x" * 100_000}),
            lambda: client.create("x", title=7),
            lambda: session.logs(limit=-1),
            lambda: session.logs(order="up"),
            lambda: client.sessions(kind="robot"),
        ):
            with pytest.raises(SessionsError) as caught:
                call()  # type: ignore[no-untyped-call]
            found.append((type(caught.value), caught.value.message, caught.value.reason, caught.value.detail))
        return found

    with js.connect(server.url, server.token) as over_http, js.connect(path=file) as embedded:
        assert refusals(over_http) == refusals(embedded)


def test_a_named_server_that_is_not_there_is_an_error(file: Path) -> None:
    with pytest.raises(ConnectionFailed, match="cannot be reached"):
        js.connect(f"http://127.0.0.1:{free_port()}/", "token")


def test_a_wrong_token_is_an_error(server: JupyterServer) -> None:
    with pytest.raises(Forbidden, match="Is the token right"):
        js.connect(server.url, "wrong")


def test_a_server_without_us_is_an_error(server: JupyterServer) -> None:
    with pytest.raises(ConnectionFailed, match="no sessions API"):
        js.connect(f"{server.url}api/", server.token)


def test_url_and_path_exclude_each_other(file: Path) -> None:
    with pytest.raises(Invalid):
        js.connect("http://localhost:1/", path=file)
    with pytest.raises(Invalid):
        js.connect(token="x")
    with pytest.raises(Invalid, match="no address"):
        js.connect("localhost:8888")


def test_a_server_that_stops_is_an_error_and_one_that_comes_back_is_used_again(tmp_path: Path) -> None:
    with running(tmp_path / "server") as server, js.connect(server.url, server.token) as client:
        session = client.create("trip")
        session.log("before")
        server.kill()
        with pytest.raises(ConnectionFailed, match="cannot be reached"):
            session.log("lost")
        server.start()
        session.log("after")
        assert [entry.message for entry in session.logs()] == ["before", "after"]


class _Stranger(BaseHTTPRequestHandler):
    status, body, location = 200, b"<html>", ""

    def do_GET(self) -> None:
        self.send_response(self.status)
        if self.location:
            self.send_header("Location", self.location)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stranger() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), type("Handler", (_Stranger,), {})) as stranger:
        thread = threading.Thread(target=stranger.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield stranger
        stranger.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"body": b"<html>"}, "not a sessions API"),
        ({"body": b"[]"}, "not a sessions API"),
        ({"body": b'{"api_version":"2","status":"ok"}'}, "speaks version 2"),
        ({"status": 302, "location": "/hub/login"}, "/hub/login"),
        ({"status": 502, "body": b"<html>Bad gateway"}, "answered 502"),
        ({"status": 404, "body": b"<html>"}, "no sessions API"),
    ],
)
def test_what_is_no_sessions_server_is_told_apart(stranger: HTTPServer, answer: dict[str, Any], message: str) -> None:
    for name, value in answer.items():
        setattr(stranger.RequestHandlerClass, name, value)
    with pytest.raises(ConnectionFailed, match=message):
        js.connect(f"http://127.0.0.1:{stranger.server_port}/", "token")


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_sessions.client.opening._NAMED_SECONDS", 0.2)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(ConnectionFailed, match="did not answer in time"):
            js.connect(f"http://127.0.0.1:{mute.getsockname()[1]}/", "token")
