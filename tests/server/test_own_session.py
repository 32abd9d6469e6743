"""The server's own session: what it says, what its log holds and what never gets into it, and how it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.test_sessions_api import refused
from tests.support.jupyter import TOKEN, JupyterServer, running


@pytest.fixture(scope="module")
def debugged(home: Path) -> Iterator[JupyterServer]:
    """Everything that is logged is recorded here; what is not, is left out on purpose."""
    with running(home, "--SessionsExtension.pid_poll=0.2", env={"JUPYTER_SESSIONS_DEBUG": "1"}) as server:
        yield server


def own(server: JupyterServer) -> dict[str, Any]:
    self_id = server.get("sessions/?limit=0").json()["self_id"]
    session: dict[str, Any] = server.get(f"sessions/{self_id}").json()
    return session


def lines(server: JupyterServer, **query: Any) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = server.get(
        f"sessions/{own(server)['id']}/log", params={"limit": 10_000, **query}
    ).json()["entries"]
    return entries


def until(found: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        value = found()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.05)


# What it says


def test_it_names_the_versions_and_no_token(debugged: JupyterServer) -> None:
    session = own(debugged)
    assert (session["appname"], session["kind"], session["origin"]) == ("jupyter-server", "client", "api")
    assert (session["status"], session["open"], session["pid"]) == ("active", True, debugged.pid)
    metadata = session["metadata"]
    assert set(metadata) == {"jupyter_sessions", "jupyter_server", "python", "platform", "base_url"}
    assert all(metadata.values())
    assert metadata["base_url"] == "/user/x/"
    assert TOKEN not in str(session)


@pytest.mark.parametrize(
    ("verb", "path"),
    [("DELETE", ""), ("DELETE", "?purge=true"), ("POST", "/end"), ("POST", "/kill"), ("POST", "/archive"),
     ("POST", "/complete"), ("POST", "/fail")],
)  # fmt: skip
def test_it_cannot_be_ended(debugged: JupyterServer, verb: str, path: str) -> None:
    refused(debugged.request(verb, f"sessions/{own(debugged)['id']}{path}"), 409, "own_session", "own session")
    assert own(debugged)["status"] == "active"


# What its log holds


def test_lines_of_before_the_store_was_up_are_kept(debugged: JupyterServer) -> None:
    found = until(lambda: lines(debugged, q="jupyter_sessions | extension was successfully loaded"))
    assert found, "the line that was logged while extensions were loaded"
    assert found[0]["timestamp"] < own(debugged)["created_at"]


def test_a_line_says_who_logged_it_and_where(debugged: JupyterServer) -> None:
    (entry,) = until(lambda: lines(debugged, q="records to"))
    assert (entry["level"], entry["source"]) == ("info", "server")
    assert entry["logger"]
    assert entry["data"]["file"].endswith(".py")
    assert entry["data"]["line"] > 0


def test_a_failing_request_of_another_route_is_recorded(debugged: JupyterServer) -> None:
    debugged.get("api/contents/not-there-at-all")
    found = until(lambda: lines(debugged, q="not-there-at-all", level="warn"))
    assert found
    assert found[0]["level"] == "warn"


def test_requests_of_jupyters_own_sessions_are_recorded(debugged: JupyterServer) -> None:
    debugged.get("api/sessions?of=jupyter")
    assert until(lambda: lines(debugged, q="/api/sessions?of=jupyter"))


def test_requests_of_our_own_routes_never_are(debugged: JupyterServer) -> None:
    self_id = own(debugged)["id"]
    debugged.get("api/status?marker=before")
    until(lambda: lines(debugged, q="marker=before"))
    for _ in range(5):
        for path in ("", "?limit=1", f"/{self_id}", f"/{self_id}/log", "/health", "/no/route", "/nobody", "?unknown=1"):
            debugged.get(f"sessions{path}")
    debugged.get("api/status?marker=after")
    until(lambda: lines(debugged, q="marker=after"))
    between = [e["message"] for e in lines(debugged)]
    start = next(n for n, text in enumerate(between) if "marker=before" in text)
    assert [text for text in between[start:] if "/sessions" in text and "/api/sessions" not in text] == []


def test_reading_its_log_does_not_make_it_grow(debugged: JupyterServer) -> None:
    def count() -> int:
        return int(own(debugged)["log_count"])

    until(lambda: count() == (time.sleep(0.5), count())[1])
    before = count()
    for _ in range(30):
        lines(debugged)
    time.sleep(0.5)
    assert count() - before <= 2


def test_no_token_gets_into_the_log(debugged: JupyterServer) -> None:
    referer = f"http://x/?token={TOKEN}&a=1"
    debugged.get(f"api/contents/nowhere?token={TOKEN}", headers={"Referer": referer, "Authorization": f"token {TOKEN}"})
    debugged.get(f"api/contents/nowhere?other=1&TOKEN={TOKEN}")
    assert until(lambda: lines(debugged, q="other=1"))
    text = str(lines(debugged))
    assert "token=[secret]" in text
    assert TOKEN not in text


def test_the_first_lines_of_a_start_name_no_token(debugged: JupyterServer) -> None:
    assert until(lambda: lines(debugged, q="is running at"))
    assert f"token={TOKEN}" not in str(lines(debugged))


# Processes of clients


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_dead_process_ends_its_session(debugged: JupyterServer, fresh: str, process: subprocess.Popen[bytes]) -> None:
    debugged.post(f"sessions/{fresh}", json={"appname": "tool", "pid": process.pid})
    time.sleep(0.5)
    assert debugged.get(f"sessions/{fresh}").json()["open"]
    process.kill()
    process.wait()
    ended = until(lambda: (s := debugged.get(f"sessions/{fresh}").json())["open"] is False and s)
    assert (ended["status"], ended["ended_by"]) == ("ended", "process_gone")
    assert str(process.pid) in ended["status_reason"]
    events = debugged.get(f"sessions/{fresh}/events").json()["items"]
    assert events[-1]["data"]["by"] == "process_gone"


def test_a_pid_that_was_never_seen_is_not_judged(debugged: JupyterServer, fresh: str) -> None:
    """It may be of another machine or another namespace."""
    debugged.post(f"sessions/{fresh}", json={"appname": "tool", "pid": 4_100_000})
    time.sleep(0.6)
    assert debugged.get(f"sessions/{fresh}").json()["open"]


# Start and end


@pytest.mark.slow
def test_each_start_has_a_session_of_its_own_and_the_last_one_is_ended(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        first = own(server)["id"]
        server.post("sessions/client", json={"appname": "t"})
        server.stop()
        server.start()
        second = own(server)["id"]
        assert second != first
        ended = server.get(f"sessions/{first}").json()
        assert (ended["status"], ended["ended_by"]) == ("ended", "server_stop")
        assert "ended_at" in ended
        assert server.get(f"sessions/{first}/log").json()["total"] > 0
        server.kill()
        server.start()
        crashed = server.get(f"sessions/{second}").json()
        assert (crashed["status"], crashed["ended_by"]) == ("ended", "server_restart")
        assert own(server)["id"] not in (first, second)
        assert server.get("sessions/client").json()["open"]
        assert server.delete(f"sessions/{second}?purge=true").status_code == 204


def test_the_log_of_the_server_can_be_left_out(tmp_path: Path) -> None:
    with running(tmp_path, "--SessionsExtension.record_server_log=False") as server:
        server.get("api/contents/nowhere")
        time.sleep(0.4)
        assert own(server)["log_count"] == 0
