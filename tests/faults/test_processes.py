"""Clients that told their pid: when the process is gone, so is its session."""

from __future__ import annotations

import subprocess
import sys
import time

POLL = 0.2


def test_a_session_ends_with_the_process_of_its_client(server_at):
    server = server_at("home", f"--SessionsExtension.pid_poll={POLL}").start()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        for name, pid in (("child", child.pid), ("other", None)):
            body = {"appname": "build"} | ({"pid": pid} if pid else {})
            assert server.post(f"sessions/{name}", json=body).status_code == 201
        time.sleep(3 * POLL)
        assert server.get("sessions/child").json()["open"]
    finally:
        child.kill()
        child.wait()
    killed = time.monotonic()
    while (session := server.get("sessions/child").json())["open"]:
        assert time.monotonic() - killed < 5 * POLL + 1
        time.sleep(0.02)
    assert (session["status"], session["ended_by"]) == ("ended", "process_gone")
    assert str(child.pid) in session["status_reason"]
    assert server.get("sessions/other").json()["open"]
    assert server.post("sessions/child/log", content="late").status_code == 409
    events = [e["type"] for e in server.get("sessions/child/events").json()["items"]]
    assert events == ["created", "status_changed"]


def test_a_pid_that_never_was_ends_nothing(server_at):
    """Whoever tells a pid of another machine, or of a container, is not to be judged by this one's processes."""
    server = server_at("home", f"--SessionsExtension.pid_poll={POLL}").start()
    assert server.post("sessions/a", json={"appname": "build", "pid": 2**31 - 1}).status_code == 201
    time.sleep(3 * POLL)
    assert server.get("sessions/a").json()["open"]
