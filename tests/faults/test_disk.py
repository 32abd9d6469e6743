"""A disk that is full, a place that cannot be written, a file that cannot be used: the notebook server stays up."""

from __future__ import annotations

import sqlite3
import time

import pytest

from jupyter_sessions.store.sqlite import Settings
from jupyter_sessions.store.sqlite.schema import prepare
from tests.faults.load import Load, check

SESSIONS = ("s0", "s1")


def create(server, *sessions):
    for session in sessions:
        assert server.post(f"sessions/{session}", json={"appname": "load"}).status_code == 201


def line(server, text="x", session="s0"):
    return server.post(f"sessions/{session}/log", content=text, headers={"Content-Type": "text/plain"})


def poll(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return result


def test_on_a_full_disk_appends_get_507_reads_go_on_and_nothing_promised_is_lost(server_at, small_disk):
    disk = small_disk(24)
    server = server_at("home", "--SessionsExtension.log_ring=0", store=disk.where / "sessions.db").start()
    create(server, *SESSIONS)
    disk.fill(leave=3 << 20)

    load = Load([server], SESSIONS, clients=3).start()
    poll(lambda: 507 in load.record.statuses)
    record = load.stop()
    assert set(record.statuses) == {200, 507}

    refused = [
        line(server, "x" * 50_000),
        server.post("sessions/new", json={"appname": "x"}),
        server.delete("sessions/s1"),
    ]
    assert 507 in {answer.status_code for answer in refused}
    for answer in refused:
        if answer.status_code == 507:
            assert answer.json()["reason"] == "disk_full"
            assert "full" in answer.json()["message"]
    assert server.get("api/status").status_code == 200
    assert server.get("sessions/").status_code == 200
    assert server.get("sessions/health").json()["status"] == "ok"
    check(server, SESSIONS, record)

    disk.free()
    poll(lambda: line(server, "space again").status_code == 200)
    again = Load([server], SESSIONS[:1], clients=3).start()
    poll(lambda: again.record.entries() > 100)
    second = again.stop()
    assert set(second.statuses) == {200}
    check(server, SESSIONS, record, second)

    server.kill()
    server.start()
    check(server, SESSIONS, record, second)


@pytest.mark.parametrize("journal_mode", ["delete", "truncate"])
def test_a_full_disk_without_a_wal_gives_the_same_answers(server_at, small_disk, journal_mode):
    disk = small_disk(12)
    options = ("--SessionsExtension.log_ring=0", f"--SessionsExtension.journal_mode={journal_mode}")
    server = server_at("home", *options, store=disk.where / "sessions.db").start()
    create(server, *SESSIONS)
    disk.fill(leave=1 << 20)
    load = Load([server], SESSIONS, clients=3).start()
    poll(lambda: 507 in load.record.statuses)
    record = load.stop()
    assert set(record.statuses) == {200, 507}
    check(server, SESSIONS, record)
    disk.free()
    poll(lambda: line(server, "space again").status_code == 200)
    check(server, SESSIONS, record)


def degraded(server, *words):
    """What a server says whose store cannot be used."""
    server.start(wait_for="degraded")
    for path in ("sessions/", "sessions/s0", "sessions/s0/log"):
        answer = server.get(path)
        assert answer.status_code == 503, path
        assert answer.json()["reason"] == "store_unavailable"
        for word in words:
            assert word in answer.json()["message"]
    assert line(server).status_code == 503
    assert server.post("sessions/new", json={"appname": "x"}).status_code == 503
    assert server.get("api/status").status_code == 200
    assert server.get("api/contents").status_code == 200
    complaint = [text for text in server.log.splitlines() if "does not record" in text]
    assert len(complaint) == 1
    for word in (*words, str(server.store)):
        assert word in complaint[0]
    assert "Traceback" not in server.log
    server.stop()


def test_on_a_read_only_disk_the_server_says_so_and_lives(server_at, small_disk):
    disk = small_disk(8)
    store = disk.where / "sessions.db"
    prepare(Settings(str(store)))
    disk.make_read_only()
    degraded(server_at("home", store=store), "cannot be written", "SessionsExtension.store_path")


def test_on_a_disk_without_room_for_a_new_file_the_server_says_so_and_lives(server_at, small_disk):
    disk = small_disk(1)
    disk.fill(leave=0)
    degraded(server_at("home", store=disk.where / "sessions.db"), "full")


def test_a_newer_schema_is_named_and_not_touched(server_at, tmp_path):
    store = tmp_path / "sessions.db"
    prepare(Settings(str(store)))
    db = sqlite3.connect(store)
    db.execute("PRAGMA user_version = 2000")
    db.close()
    before = store.read_bytes()
    degraded(server_at("home", store=store), "newer jupyter-sessions", "Upgrade")
    assert store.read_bytes() == before


@pytest.mark.parametrize("damage", ["half", "garbage"])
def test_a_damaged_file_is_named_and_kept(server_at, tmp_path, damage):
    store = tmp_path / "sessions.db"
    server = server_at("before", store=store).start()
    create(server, "s0")
    line(server, "\n".join("x" * 100 for _ in range(2000)))
    server.stop()
    whole = store.read_bytes()
    store.write_bytes(whole[: len(whole) // 2] if damage == "half" else b"no database" * 100)
    before = store.read_bytes()
    degraded(server_at("after", store=store), "damaged", "Move it aside")
    assert store.read_bytes() == before
    # What the message says to do helps.
    store.rename(tmp_path / "aside.db")
    server = server_at("again", store=store).start()
    create(server, "s0")
    assert line(server).status_code == 200
