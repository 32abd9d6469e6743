"""A server that is killed at any moment keeps every promise it made."""

from __future__ import annotations

import random
import sqlite3
import time

import pytest

from tests.faults.load import Load, Record, check

SESSIONS = ("s0", "s1", "s2")
#: No ring, so that every entry is still there to be counted; a short heartbeat, so that servers learn of each other.
OPTIONS = ("--SessionsExtension.log_ring=0", "--SessionsExtension.heartbeat=0.5")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_was_acknowledged_survives_kills_at_random_moments(server_at):
    survive(server_at, rounds=5)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_what_was_acknowledged_survives_thirty_kills_at_random_moments(server_at):
    survive(server_at, rounds=30)


def survive(server_at, rounds):
    """Every other round a second server writes to the same file, and goes on when the first is killed."""
    choose = random.Random()
    server = server_at("first", *OPTIONS).start()
    second = server_at("second", *OPTIONS, store=server.store)
    for session in SESSIONS:
        assert server.post(f"sessions/{session}", json={"appname": "load"}).status_code == 201
    records: list[Record] = []
    for number in range(rounds):
        two = number % 2 == 1
        servers = [server, second.start()] if two else [server]
        own = server.get("sessions/").json()["self_id"]
        load = Load(servers, SESSIONS).start()
        time.sleep(choose.uniform(0.1, 1.2))
        server.kill()
        if two:
            time.sleep(choose.uniform(0.1, 0.5))
        records.append(load.stop())
        assert records[-1].entries() > 0
        assert set(records[-1].statuses) <= {200, 503}
        if two:
            check(second, SESSIONS, *records)
            # The living server notices the death by itself.
            ended_by_repair(second, own)
            choose.choice([second.kill, second.stop])()
        server.start()
        check(server, SESSIONS, *records)
        ended_by_repair(server, own)
        recount(server.store)


def ended_by_repair(server, own):
    deadline = time.monotonic() + 10
    while (session := server.get(f"sessions/{own}").json())["open"]:
        assert time.monotonic() < deadline, "nobody noticed that the server died"
        time.sleep(0.05)
    assert (session["status"], session["ended_by"]) == ("ended", "server_restart")


def recount(path):
    """The figures in the rows of sessions are what a count of the other rows gives."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for sid, logs, events in db.execute("SELECT sid, log_count - log_first, event_count FROM sessions").fetchall():
            assert db.execute("SELECT count(*) FROM log WHERE sid = ?", (sid,)).fetchone() == (logs,)
            assert db.execute("SELECT count(*) FROM events WHERE sid = ?", (sid,)).fetchone() == (events,)
        orphans = "SELECT count(*) FROM {} WHERE sid NOT IN (SELECT sid FROM sessions)"
        for table in ("log", "events", "notes", "facets", "session_documents"):
            assert db.execute(orphans.format(table)).fetchone() == (0,)
    finally:
        db.close()
