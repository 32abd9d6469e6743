"""Another program holds the file for some seconds: who appends waits, or is told to come back."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.faults.load import Load, check

_HOLD = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA busy_timeout = 10000")
db.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
db.execute("COMMIT")
"""


class Lock:
    """Held by a process of its own for this long."""

    def __init__(self, path, seconds):
        self._process = subprocess.Popen([sys.executable, "-c", _HOLD, str(path), str(seconds)], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"held\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Wait until it is gone."""
        self._process.communicate(timeout=30)
        assert self._process.returncode == 0


def test_appends_wait_until_the_lock_is_gone_and_the_server_stays_quick(server_at):
    server = server_at("home", "--SessionsExtension.log_ring=0").start()
    server.post("sessions/s0", json={"appname": "load"})
    load = Load([server], ["s0"], clients=4).start()
    time.sleep(0.3)
    with Lock(server.store, 5):
        time.sleep(0.3)  # answers that were on their way
        before, slowest = load.record.entries(), 0.0
        for _ in range(20):
            started = time.monotonic()
            assert server.get("api/status").status_code == 200
            assert server.get("sessions/s0/log", params={"limit": 1}).status_code == 200
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.1)
        assert slowest < 1
        assert load.record.entries() == before
    time.sleep(1)
    record = load.stop()
    assert set(record.statuses) == {200}
    assert record.entries() > before
    check(server, ["s0"], record)


def test_with_less_patience_appends_get_503_and_are_neither_lost_nor_doubled(server_at):
    server = server_at("home", "--SessionsExtension.log_ring=0", "--SessionsExtension.busy_timeout=0.3").start()
    server.post("sessions/s0", json={"appname": "load"})
    load = Load([server], ["s0"], clients=4).start()
    time.sleep(0.3)
    with Lock(server.store, 5):
        answer = server.post("sessions/s0/log", content="mine", headers={"Content-Type": "text/plain"})
        assert answer.status_code == 503
        assert answer.json()["reason"] == "busy"
        assert int(answer.headers["Retry-After"]) >= 1
    time.sleep(0.5)
    record = load.stop()
    assert set(record.statuses) == {200, 503}
    check(server, ["s0"], record)


def test_without_a_wal_readers_wait_too_and_nothing_is_lost(server_at):
    options = ("--SessionsExtension.log_ring=0", "--SessionsExtension.journal_mode=delete")
    server = server_at("home", *options).start()
    server.post("sessions/s0", json={"appname": "load"})
    load = Load([server], ["s0"], clients=3).start()
    time.sleep(0.3)
    with Lock(server.store, 3):
        started = time.monotonic()
        assert server.get("api/status").status_code == 200
        assert time.monotonic() - started < 1
        assert server.get("sessions/s0/log").status_code in (200, 503)
    time.sleep(0.5)
    record = load.stop()
    assert set(record.statuses) <= {200, 503}
    check(server, ["s0"], record)


def test_a_server_that_starts_while_the_file_is_locked_waits_for_it(server_at):
    server = server_at("home").start()
    server.stop()
    with Lock(server.store, 4):
        server.start()
    assert server.post("sessions/s0", json={"appname": "x"}).status_code == 201


def test_a_server_that_gave_up_on_a_locked_file_opens_it_once_the_lock_is_gone(server_at):
    server = server_at("home", "--SessionsExtension.busy_timeout=0.2").start()
    server.stop()
    with Lock(server.store, 4):
        server.start(wait_for="degraded")
        refused = server.post("sessions/s0", json={"appname": "x"})
        assert (refused.status_code, "program" in refused.json()["message"]) == (503, True)
    server.wait("ok", seconds=20)
    assert server.post("sessions/s0", json={"appname": "x"}).status_code == 201
