"""Several stores on the same data, as several processes have it open: each sees what the others did."""

from __future__ import annotations

import asyncio
import multiprocessing
import time

import pytest

from jupyter_sessions.model import Event, LogEntry, Note
from jupyter_sessions.store.protocol import EVERYTHING
from jupyter_sessions.store.sqlite import Settings, SqliteStore
from tests.support.stores import T0, Desk, a_session, found


@pytest.fixture
def two(stores):
    return stores(), stores()


def test_both_are_the_same_store(two):
    one, other = two
    assert one.read(lambda view: view.info()).id == other.read(lambda view: view.info()).id


def test_an_idle_store_hears_within_200_ms_that_another_wrote(two):
    one, other = two
    one.insert(a_session("s"))
    took = []
    for _ in range(5):
        other.wait_for(lambda: other.heard(EVERYTHING))
        time.sleep(0.05)  # somewhere between two looks
        other.news.clear()
        one.append("s", "x")
        took.append(other.wait_for(lambda: any(EVERYTHING in streams for streams in other.news)))
    assert sorted(took)[2] < 0.2, took


def test_its_own_writes_are_no_news_of_others(stores):
    store = stores()
    store.insert(a_session("s"))
    for _ in range(5):
        store.append("s", "x")
        store.loop.run_until_complete(asyncio.sleep(0.15))
    assert EVERYTHING not in set().union(*store.news)


def test_writing_by_turns_leaves_no_gap_and_no_stale_row(two):
    two[0].insert(a_session("s", metadata={"n": -1}))
    for n in range(30):
        desk = two[n % 2]

        def work(tx, n=n):
            session = found(tx, "s")
            assert session.metadata == f'{{"n":{n - 1}}}'
            session.metadata = f'{{"n":{n}}}'
            tx.save(session)
            assert tx.append_log(session, [LogEntry(T0, str(n))], 10) == n
            tx.append_event(session, Event(T0, str(n)))
            tx.append_note(session, Note(T0, text=str(n)))

        desk.write(work)
        assert two[1 - n % 2].ids(facets=(("meta.n", (str(n),)),)) == ["s"]
    for desk in two:
        session = desk.session("s")
        assert (session.log_count, session.log_first, session.event_count, session.note_count) == (30, 20, 30, 30)
        sid = session.sid
        streams = desk.read(lambda v, s=sid: (v.log(s, 20, 99).entries, v.events(s, 20, 99), v.notes(s, 20, 99)))
        for rows in streams:
            assert [row.index for row in rows] == list(range(20, 30))


def test_revs_of_two_writers_are_one_row_of_numbers(two):
    for n in range(10):
        two[n % 2].insert(a_session(f"s{n}"))
    for desk in two:
        changed = desk.read(lambda view: view.changed_sessions(0, 99))
        assert [row.id for row in changed] == [f"s{n}" for n in range(10)]
        assert [row.sid for row in changed] == sorted(row.sid for row in changed)
        assert desk.read(lambda view: view.rev()) == changed[-1].rev


def test_what_one_purged_the_other_does_not_know(two):
    one, other = two
    one.insert(a_session("a/b"))
    alias = other.session("a/b").alias
    other.append("a/b", "x")
    one.write(lambda tx: tx.purge(found(tx, "a/b")))
    assert other.write(lambda tx: tx.session("a/b")) is None
    assert other.write(lambda tx: tx.session(alias)) is None
    other.insert(a_session("a/b"))
    assert one.append("a/b", "first again") == 0


def test_a_lease_holds_across_stores(two):
    one, other = two
    assert one.write(lambda tx: tx.acquire_lease("sweep", "one", T0, T0 + 10))
    assert not other.write(lambda tx: tx.acquire_lease("sweep", "other", T0 + 5, T0 + 15))
    assert other.write(lambda tx: tx.acquire_lease("sweep", "other", T0 + 10, T0 + 20))
    assert not one.write(lambda tx: tx.acquire_lease("sweep", "one", T0 + 11, T0 + 21))


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_processes_that_append_to_one_session_at_once_lose_nothing(tmp_path, loop, journal_mode):
    """Real processes, each with its own cache of the session; only the file is theirs together."""
    options = Settings(str(tmp_path / "sessions.db"), synchronous="OFF", journal_mode=journal_mode)
    desk = Desk(SqliteStore(options), loop).open()
    desk.insert(a_session("s"))
    context = multiprocessing.get_context("forkserver")
    processes = [context.Process(target=_append_many, args=(options, name)) for name in "abc"]
    for process in processes:
        process.start()
    for n in range(50):
        desk.append("s", f"d{n}")
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    entries = desk.read(lambda view: view.log(found(view, "s").sid, 0, 10_000)).entries
    assert [entry.index for entry in entries] == list(range(200))
    for name in "abcd":
        assert [e.message for e in entries if e.message[0] == name] == [f"{name}{n}" for n in range(50)]
    desk.close()


def _append_many(options, name):
    desk = Desk(SqliteStore(options), asyncio.new_event_loop()).open()
    for n in range(50):
        desk.append("s", f"{name}{n}")
    desk.close()
