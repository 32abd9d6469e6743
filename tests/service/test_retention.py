"""What is kept and for how long; open sessions for ever."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from jupyter_sessions.errors import SessionClosed, SessionNotFound
from jupyter_sessions.model import ServerRun
from jupyter_sessions.service import retention
from jupyter_sessions.service.processes import HOST
from jupyter_sessions.service.servers import Servers

DAY = 86_400
MIB = 1 << 20


def sweep(service):
    return service.do(retention.sweep(service.sessions))


def aged(service, clock, *names):
    """Sessions that ended a day after each other; the last one now."""
    for name in names:
        service.create(name, metadata={"name": name})
        service.append(name, f"line of {name}")
        clock.move(DAY)
        service.end(name)


def statuses(service, *names):
    found = {}
    for name in names:
        try:
            found[name] = service.get(name).status
        except SessionNotFound:
            found[name] = "gone"
    return found


def test_old_sessions_are_archived_and_keep_all_but_their_log(service_at, clock):
    service = service_at("a", retention_days=2)
    service.create("open")
    aged(service, clock, "s0", "s1", "s2", "s3")
    assert sweep(service) == 1
    assert statuses(service, "s0", "s1", "s2", "s3", "open") == {
        "s0": "archived", "s1": "ended", "s2": "ended", "s3": "ended", "open": "active",
    }  # fmt: skip
    archived = service.get("s0")
    assert (archived.metadata, archived.disposition, archived.ended_by) == ('{"name":"s0"}', "user_ended", "me")
    assert (archived.log_count, archived.log_count - archived.log_first) == (1, 0)
    assert service.read(lambda view: view.log(archived.sid, 0, 10).entries) == []
    with pytest.raises(SessionClosed):
        service.append("s0", "late")
    clock.move(DAY)
    assert sweep(service) == 1
    assert sweep(service) == 0


def test_old_sessions_are_purged_if_so_wanted_archived_ones_too(service_at, clock):
    service = service_at("a", retention_days=2)
    aged(service, clock, "s0", "s1", "s2", "s3")
    sweep(service)
    purging = service_at("a", retention_days=1, retention_action="purge")
    assert sweep(purging) == 2
    assert statuses(service, "s0", "s1", "s2", "s3") == {"s0": "gone", "s1": "gone", "s2": "ended", "s3": "ended"}


def test_the_newest_so_many_are_kept(service_at, clock):
    service = service_at("a", retention_sessions=2, retention_action="purge")
    service.create("open")
    aged(service, clock, *[f"s{n}" for n in range(5)])
    assert sweep(service) == 3
    assert statuses(service, "open", "s2", "s3", "s4") == {"open": "active", "s2": "gone", "s3": "ended", "s4": "ended"}


def test_nothing_is_removed_where_nothing_is_set(service_at, clock):
    service = service_at("a", retention_days=0, retention_sessions=0, retention_bytes=0)
    aged(service, clock, "s0")
    clock.move(10_000 * DAY)
    assert sweep(service) == 0


def test_beyond_so_many_bytes_the_oldest_go_and_their_pages_with_them(service_at, clock, tmp_path):
    limit = 4 * MIB
    service = service_at("a", retention_bytes=limit, retention_days=0)
    service.create("open")
    service.append("open", *["x" * 1000] * 1000)
    for n in range(6):
        service.create(f"s{n}")
        service.append(f"s{n}", *["x" * 1000] * 1000)
        clock.move(DAY)
        service.end(f"s{n}")
    before = used(service)
    assert before > limit
    removed = sweep(service)
    assert 0 < removed < 6
    assert used(service) <= 0.9 * limit
    expected = {f"s{n}": "gone" if n < removed else "ended" for n in range(6)}
    assert statuses(service, *expected) == expected
    assert service.get("open").log_count == 1000
    assert sweep(service) == 0
    assert free_pages(tmp_path / "sessions.db") == 0


def test_when_open_sessions_alone_are_too_much_nothing_more_can_be_done(service_at, clock):
    service = service_at("a", retention_bytes=MIB, retention_days=0)
    service.create("open")
    service.append("open", *["x" * 1000] * 3000)
    aged(service, clock, "s0")
    assert sweep(service) == 1
    assert statuses(service, "open", "s0") == {"open": "active", "s0": "gone"}
    assert sweep(service) == 0


def used(service):
    return service.read(lambda view: view.info()).bytes


def free_pages(path):
    db = sqlite3.connect(path)
    try:
        return db.execute("PRAGMA freelist_count").fetchone()[0]
    finally:
        db.close()


def test_one_server_of_a_store_does_it_at_a_time(service_at, clock):
    holder, other = (service_at(name, retention_days=1, retention_interval=3600) for name in "ab")
    aged(holder, clock, "s0")
    assert sweep(holder) == 0
    clock.move(2 * DAY)
    aged(holder, clock, "s1")
    assert sweep(holder) == 1
    clock.move(2 * 3600 - 1)
    aged_before = statuses(other, "s1")
    clock.move(-1)
    assert sweep(other) == 0
    assert statuses(other, "s1") == aged_before
    clock.move(3 * DAY)  # the holder is gone for long
    assert sweep(other) == 1


def test_what_a_user_purges_meanwhile_stops_nothing(service_at, clock):
    service = service_at("a", retention_days=1, retention_action="purge")
    names = [f"s{n}" for n in range(20)]
    aged(service, clock, *names)
    clock.move(10 * DAY)

    async def at_once():
        return await asyncio.gather(
            retention.sweep(service.sessions),
            *(service.sessions.purge(name, "user") for name in reversed(names)),
            return_exceptions=True,
        )

    removed, *answers = service.do(at_once())
    assert isinstance(removed, int)
    assert {type(answer) for answer in answers} <= {type(None), SessionNotFound}, answers
    assert set(statuses(service, *names).values()) == {"gone"}


def test_after_a_stop_or_a_crash_the_next_server_goes_on_at_once(service_at, clock):
    first = service_at("first", retention_days=2, retention_interval=30 * DAY)
    aged(first, clock, "s0", "s1", "s2", "s3")
    assert sweep(first) == 1
    second = service_at("second", retention_days=2, retention_interval=30 * DAY)
    clock.move(DAY)
    assert sweep(second) == 0  # the lease is the first one's for a long time
    first.do(Servers(first.sessions).leave())
    assert sweep(second) == 1

    # A run whose process is no more, as the file shows it after a crash.
    run = ServerRun("second", HOST, 2**22 + 1, 1.0, clock(), clock(), base_url="/")
    second.do(second.sessions.store.write(lambda tx: tx.put_server(run)))
    third = service_at("third", retention_days=2, retention_interval=30 * DAY)
    clock.move(DAY)
    assert sweep(third) == 0  # the lease is still the dead one's
    third.do(Servers(third.sessions).repair())
    assert sweep(third) == 1
