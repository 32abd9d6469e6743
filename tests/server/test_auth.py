"""Who may come in: every route and verb refuses the anonymous, what the authorizer denies, and a forged write."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from jupyter_sessions.server.routes import ROUTES
from jupyter_sessions.service.sessions import ACTIONS
from tests.support.jupyter import TOKEN, JupyterServer, running

AUTHORIZER = """
from jupyter_server.auth import Authorizer

class ByHeader(Authorizer):
    '''The request says what its user may do with our resource; other resources are open.'''

    def is_authorized(self, handler, user, action, resource):
        allowed = handler.request.headers.get("X-May", "read write execute").split()
        return resource != "jupyter_sessions" or action in allowed

c.ServerApp.authorizer_class = ByHeader
"""

CASES: list[tuple[str, str]] = [
    (verb.upper(), "sessions/" + route.path.replace("{action}", action).replace("{id}", "some-id"))
    for route in ROUTES
    for action in (ACTIONS if "{action}" in route.path else [""])
    for verb in route.verbs
]
CASES += [("GET", "sessions"), ("GET", "sessions/ws")]
CASES += [(verb, "sessions/no/such/route") for verb in ("GET", "POST", "PUT", "PATCH", "DELETE")]
CASES += [("PATCH", "sessions/some-id"), ("POST", "sessions/ws"), ("POST", "sessions/openapi.json")]
WRITES = [case for case in CASES if case[0] != "GET"]
READS = [case for case in CASES if case[0] == "GET"]


def named(case: tuple[str, str]) -> str:
    return " ".join(case)


@pytest.fixture(scope="module")
def guarded(home: Path) -> Iterator[JupyterServer]:
    (home / "config").mkdir()
    (home / "config" / "jupyter_server_config.py").write_text(AUTHORIZER)
    with running(home) as server:
        server.post("sessions/some-id", json={"appname": "guarded"})
        yield server


@pytest.fixture(scope="module")
def anonymous(guarded: JupyterServer) -> Iterator[httpx.Client]:
    with guarded.client(headers={}) as client:
        yield client


@pytest.fixture
def browser(guarded: JupyterServer) -> Iterator[httpx.Client]:
    """Logged in as a browser is: with cookies alone."""
    with guarded.client(headers={}) as client:
        # The login form brings `_xsrf`, and a token in an address the login cookie.
        client.get("login")
        client.get("sessions/health", params={"token": TOKEN})
        assert "_xsrf" in client.cookies
        assert any(name.startswith("username-") for name in client.cookies)
        yield client


def refusal(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The body of a refusal: JSON that says what and why, no page and no traceback."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    body: dict[str, Any] = answer.json()
    assert body["message"]
    assert body["reason"]
    assert "<" not in body["message"]
    assert "Traceback" not in answer.text
    return body


def ask(client: httpx.Client, case: tuple[str, str], **options: Any) -> httpx.Response:
    return client.request(*case, **({} if case[0] == "GET" else {"json": {}}), **options)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_anonymous_are_refused(anonymous: httpx.Client, case: tuple[str, str]) -> None:
    assert refusal(ask(anonymous, case), 403)["reason"] == "forbidden"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_wrong_token_is_refused(anonymous: httpx.Client, case: tuple[str, str]) -> None:
    refusal(ask(anonymous, case, headers={"Authorization": "token wrong"}), 403)


def upgrade(case: tuple[str, str]) -> dict[str, str]:
    if case != ("GET", "sessions/ws"):
        return {}
    return {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip


#: What does not exist needs no authorizer: 404 and 405 say nothing about anybody's data.
UNROUTED = {("PATCH", "sessions/some-id"), ("POST", "sessions/ws"), ("POST", "sessions/openapi.json")}


@pytest.mark.parametrize("case", [c for c in CASES if c not in UNROUTED], ids=named)
def test_who_may_do_nothing_is_refused(guarded: JupyterServer, case: tuple[str, str]) -> None:
    refusal(guarded.request(*case, headers={"X-May": "nothing"} | upgrade(case)), 403)


@pytest.mark.parametrize("case", [c for c in WRITES if c not in UNROUTED], ids=named)
def test_who_may_only_read_cannot_write(guarded: JupyterServer, case: tuple[str, str]) -> None:
    refusal(guarded.request(*case, headers={"X-May": "read"}), 403)


@pytest.mark.parametrize("case", [c for c in READS if c[1] not in ("sessions/ws", "sessions/no/such/route")], ids=named)
def test_who_may_only_read_reads(guarded: JupyterServer, case: tuple[str, str]) -> None:
    assert guarded.request(*case, headers={"X-May": "read"}).status_code == 200


def test_a_refusal_reaches_a_client_that_still_sends(anonymous: httpx.Client) -> None:
    assert refusal(anonymous.post("sessions/some-id/log", content=b"x" * 5_000_000), 403)


def test_a_refusal_does_not_close_the_connection(guarded: JupyterServer, anonymous: httpx.Client) -> None:
    with socket.create_connection(("127.0.0.1", guarded.port), 10) as connection:
        for verb in ("GET", "POST", "GET", "DELETE"):
            head = f"{verb} /user/x/sessions/ HTTP/1.1\r\nHost: 127.0.0.1:{guarded.port}\r\nContent-Length: 0\r\n\r\n"
            connection.sendall(head.encode())
            time.sleep(0.05)
            assert connection.recv(65536).startswith(b"HTTP/1.1 403")


def test_a_refused_write_changes_nothing(guarded: JupyterServer, anonymous: httpx.Client) -> None:
    before = guarded.get("sessions/some-id").json()
    anonymous.delete("sessions/some-id", params={"purge": "true"})
    anonymous.post("sessions/some-id/log", content="forged")
    guarded.put("sessions/some-id", json={"metadata": {"a": 1}}, headers={"X-May": "read"})
    after = guarded.get("sessions/some-id").json()
    assert after["rev"] == before["rev"]


@pytest.mark.parametrize("case", WRITES, ids=named)
def test_a_cookie_alone_cannot_write(browser: httpx.Client, case: tuple[str, str]) -> None:
    assert "_xsrf" in refusal(browser.request(*case, json={}), 403)["message"]


@pytest.mark.parametrize("case", WRITES, ids=named)
def test_a_cookie_with_its_xsrf_token_may_write(browser: httpx.Client, case: tuple[str, str]) -> None:
    answer = browser.request(*case, json={}, headers={"X-XSRFToken": browser.cookies["_xsrf"]})
    assert answer.status_code != 403


@pytest.mark.parametrize("case", [c for c in READS if c[1] not in ("sessions/ws", "sessions/no/such/route")], ids=named)
def test_a_cookie_alone_reads(browser: httpx.Client, case: tuple[str, str]) -> None:
    assert browser.request(*case).status_code == 200


@pytest.mark.parametrize("scheme", ["token", "Bearer"])
def test_a_token_in_the_header_needs_no_xsrf(anonymous: httpx.Client, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {TOKEN}"}
    assert anonymous.post("sessions/", json={"appname": "by token"}, headers=headers).status_code == 201


def test_a_token_in_the_address_is_taken_and_is_no_filter(anonymous: httpx.Client) -> None:
    assert anonymous.get("sessions/", params={"token": TOKEN}).status_code == 200


def test_a_page_of_another_origin_gets_nothing_by_cookie(browser: httpx.Client) -> None:
    answer = browser.get("sessions/", headers={"Origin": "https://elsewhere.example"})
    assert refusal(answer, 404)
    assert "sessions" not in answer.json()


# The socket


def live(guarded: JupyterServer, query: str = "", **headers: str) -> Any:
    address = guarded.url.replace("http://", "ws://") + "sessions/ws" + query
    origin = headers.pop("origin", None)
    return connect(address, origin=origin, additional_headers=headers)  # type: ignore[arg-type]


def cookies(browser: httpx.Client) -> str:
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def status_of_refused(guarded: JupyterServer, query: str = "", **headers: str) -> int:
    with pytest.raises(InvalidStatus) as refused, live(guarded, query, **headers):
        pass
    body = refused.value.response.body or b""
    assert b"<html" not in body.lower()
    return refused.value.response.status_code


def test_an_anonymous_socket_is_refused(guarded: JupyterServer) -> None:
    assert status_of_refused(guarded) == 403


def test_a_socket_with_a_wrong_token_is_refused(guarded: JupyterServer) -> None:
    assert status_of_refused(guarded, "?token=wrong") == 403


def test_a_socket_that_may_not_read_is_refused(guarded: JupyterServer) -> None:
    assert status_of_refused(guarded, f"?token={TOKEN}", **{"X-May": "write"}) == 403


def test_a_socket_comes_in_with_a_token_in_its_address(guarded: JupyterServer) -> None:
    with live(guarded, f"?token={TOKEN}") as socket:
        assert '"type":"sessions"' in socket.recv(5)


def test_a_socket_of_our_page_comes_in_by_cookie(guarded: JupyterServer, browser: httpx.Client) -> None:
    address = urlsplit(guarded.url)
    with live(guarded, Cookie=cookies(browser), origin=f"http://{address.netloc}") as socket:
        assert socket.recv(5)


def test_a_socket_of_a_foreign_page_is_refused_with_a_cookie(guarded: JupyterServer, browser: httpx.Client) -> None:
    assert status_of_refused(guarded, Cookie=cookies(browser), origin="https://elsewhere.example") == 403


def test_a_socket_of_a_foreign_page_comes_in_with_a_token(guarded: JupyterServer) -> None:
    with live(guarded, f"?token={TOKEN}", origin="https://elsewhere.example") as socket:
        assert socket.recv(5)
