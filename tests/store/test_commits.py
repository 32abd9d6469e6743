"""What one commit holds together: work that raises beside work that does not, limits, and news of what moved."""

from __future__ import annotations

import asyncio
import threading

import pytest

from jupyter_sessions.errors import Busy, Conflict, Invalid, StoreError
from jupyter_sessions.model import Event, LogEntry, Note
from jupyter_sessions.store.protocol import EVERYTHING, SESSIONS
from tests.support.stores import T0, a_query, a_session, found


def appending(message, session_id="s"):
    return lambda tx: tx.append_log(found(tx, session_id), [LogEntry(T0, message)], 0)


def lines(store, session_id="s"):
    return [(e.index, e.message) for e in store.read(lambda view: view.log(found(view, session_id).sid, 0, 99)).entries]


def test_works_that_wait_together_see_each_other_in_order(store):
    store.insert(a_session("s"))
    assert store.together(*[appending(str(n)) for n in range(5)]) == [0, 1, 2, 3, 4]
    assert lines(store) == [(n, str(n)) for n in range(5)]


def test_a_refusal_among_others_refuses_itself_alone(store):
    store.insert(a_session("s"))

    def refuse(tx):
        found(tx, "s")
        raise Conflict("not now")

    first, refused, last = store.together(appending("a"), refuse, appending("b"))
    assert (first, last) == (0, 1)
    assert isinstance(refused, Conflict)
    assert lines(store) == [(0, "a"), (1, "b")]


@pytest.mark.parametrize("error", [Invalid("too late"), RuntimeError("a bug")])
def test_what_raises_after_it_wrote_leaves_nothing_and_hurts_nobody(store, error):
    store.insert(a_session("s"), a_session("other"))
    rev = store.read(lambda view: view.rev())

    def fail(tx):
        session = found(tx, "s")
        session.title, session.metadata = "half", '{"half":"done"}'
        tx.insert(a_session("new", metadata={"half": "new"}))
        tx.save(session)
        tx.append_log(session, [LogEntry(T0, "half")], 0)
        tx.append_event(session, Event(T0, "half"))
        tx.append_note(session, Note(T0, label="half"))
        tx.purge(found(tx, "other"))
        raise error

    first, failed, last = store.together(appending("a"), fail, appending("b"))
    assert (first, failed, last) == (0, error, 1)
    assert lines(store) == [(0, "a"), (1, "b")]
    row = store.session("s")
    assert (row.title, row.metadata, row.event_count, row.note_count) == (None, "{}", 0, 0)
    assert sorted(store.ids()) == ["other", "s"]
    assert store.ids(q="half") == []
    assert [r.id for r in store.read(lambda view: view.changed_sessions(rev, 9))] == ["s"]


@pytest.mark.parametrize("error", [Invalid("too late"), RuntimeError("a bug")])
def test_what_raises_alone_leaves_nothing(store, error):
    store.insert(a_session("s"))

    def fail(tx):
        session = found(tx, "s")
        tx.append_log(session, [LogEntry(T0, "half")], 0)
        raise error

    with pytest.raises(type(error)):
        store.write(fail)
    assert lines(store) == []
    assert store.append("s", "whole") == 0


def test_a_statement_that_the_store_refuses_hurts_nobody_else(store):
    store.insert(a_session("s"))
    results = store.together(appending("a"), lambda tx: tx.insert(a_session("s")), appending("b"))
    assert results[0] == 0
    assert isinstance(results[1], Exception)
    assert results[2] == 1
    assert lines(store) == [(0, "a"), (1, "b")]


def test_who_stops_waiting_stops_nothing(store):
    store.insert(a_session("s"))

    async def impatient():
        held = threading.Event()
        first = asyncio.ensure_future(store.store.write(lambda tx: held.wait(10)))
        task = asyncio.ensure_future(store.store.write(appending("a")))
        await asyncio.sleep(0)
        task.cancel()
        held.set()
        await first
        return await store.store.write(appending("b"))

    assert store.loop.run_until_complete(impatient()) == 1
    assert lines(store) == [(0, "a"), (1, "b")]


# Limits


def test_more_than_may_wait_is_refused_and_nothing_of_it_kept(stores):
    store = stores(max_waiting_rows=10, max_waiting_bytes=1000)
    store.insert(a_session("s"))

    async def crowd():
        held = threading.Event()
        first = asyncio.ensure_future(store.store.write(lambda tx: held.wait(10), rows=4, size=400))
        second = asyncio.ensure_future(store.store.write(appending("fits"), rows=6, size=600))
        await asyncio.sleep(0)
        assert store.store.waiting() == (10, 1000)
        for rows, size in ((1, 0), (0, 1)):
            with pytest.raises(Busy) as refusal:
                await store.store.write(appending("too much"), rows=rows, size=size)
            assert refusal.value.retry_after
        held.set()
        await asyncio.gather(first, second)

    store.loop.run_until_complete(crowd())
    assert store.store.waiting() == (0, 0)
    assert lines(store) == [(0, "fits")]


def test_one_batch_larger_than_the_whole_queue_passes_when_nothing_else_waits(stores):
    store = stores(max_waiting_rows=10, max_waiting_bytes=1000)
    store.insert(a_session("s"))
    assert store.write(appending("large"), rows=100, size=10_000) == 0
    assert store.store.waiting() == (0, 0)


def test_a_refused_or_failed_work_waits_no_longer(store):
    with pytest.raises(Conflict):
        store.write(raising(Conflict("no")), rows=5, size=50)
    with pytest.raises(ValueError, match="bug"):
        store.write(raising(ValueError("bug")), rows=5, size=50)
    assert store.store.waiting() == (0, 0)


def raising(error):
    def work(tx):
        raise error

    return work


# Closing


def test_what_waits_is_written_before_the_store_closes(stores):
    store = stores()
    store.insert(a_session("s"))

    async def close_at_once():
        writes = [asyncio.ensure_future(store.store.write(appending(str(n)))) for n in range(20)]
        await asyncio.sleep(0)
        await store.store.close()
        return await asyncio.gather(*writes)

    assert store.loop.run_until_complete(close_at_once()) == list(range(20))
    assert len(lines(stores())) == 20


def test_a_closed_store_says_so(stores):
    store = stores()
    store.close()
    for call in (lambda: store.write(lambda tx: None), lambda: store.read(lambda view: None)):
        with pytest.raises(StoreError, match="closed"):
            call()
    assert store.store.waiting() == (0, 0)


# News


@pytest.mark.parametrize(
    ("work", "streams"),
    [
        (lambda tx: tx.insert(a_session("new")), {SESSIONS}),
        (lambda tx: tx.save(found(tx, "s")), {SESSIONS}),
        (lambda tx: tx.touch(found(tx, "s")), {SESSIONS}),
        (appending("x"), {SESSIONS, ("log", "s")}),
        (lambda tx: tx.append_event(found(tx, "s"), Event(T0, "x")), {SESSIONS, ("events", "s")}),
        (lambda tx: tx.append_note(found(tx, "s"), Note(T0, text="x")), {SESSIONS, ("notes", "s")}),
        (lambda tx: tx.purge(found(tx, "s")), {SESSIONS, ("log", "s"), ("events", "s"), ("notes", "s")}),
    ],
    ids=["insert", "save", "touch", "log", "event", "note", "purge"],
)
def test_news_names_the_streams_that_moved_and_no_other(store, work, streams):
    store.insert(a_session("s"), a_session("other"))
    store.settle()
    store.news.clear()
    store.write(work)
    store.settle()
    assert set().union(*store.news) == streams


@pytest.mark.parametrize("session_id", ["a/b", "日本"])
def test_news_names_a_session_by_its_id_not_its_alias(store, session_id):
    session = a_session(session_id)
    store.insert(session)
    store.write(appending("x", session.alias))
    assert store.heard(("log", session_id))


def test_what_is_refused_or_only_read_is_no_news(store):
    store.insert(a_session("s"))
    store.settle()
    store.news.clear()

    def fail(tx):
        tx.append_log(found(tx, "s"), [LogEntry(T0, "half")], 0)
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        store.write(fail)
    store.write(lambda tx: found(tx, "s"))
    store.read(lambda view: view.sessions(a_query()))
    store.settle()
    assert store.news == []


def test_news_comes_after_the_commit(store):
    """Whoever reads when the news arrives finds what it is about."""
    store.insert(a_session("s"))
    seen = []

    async def reader():
        moved = asyncio.Event()
        stop = store.store.on_news(lambda streams: moved.set() if ("log", "s") in streams else None)
        write = asyncio.ensure_future(store.store.write(appending("x")))
        await asyncio.wait_for(moved.wait(), 5)
        seen.append(await store.store.read(lambda view: found(view, "s").log_count))
        await write
        stop()

    store.loop.run_until_complete(reader())
    assert seen == [1]


def test_who_stops_listening_hears_nothing(store):
    heard = []
    stop = store.store.on_news(heard.append)
    store.insert(a_session("a"))
    store.settle()
    assert heard == [{SESSIONS}]
    stop()
    stop()
    store.insert(a_session("b"))
    store.settle()
    assert heard == [{SESSIONS}]


def test_news_of_another_process_survives_a_work_that_fails(stores):
    one, other = stores(poll_seconds=60), stores(poll_seconds=60)
    one.insert(a_session("s"))
    other.write(lambda tx: None)
    one.write(lambda tx: None)
    one.settle()
    one.news.clear()
    other.write(appending("from the other"))
    with pytest.raises(RuntimeError):
        one.write(raising(RuntimeError("a bug")))
    one.write(lambda tx: None)
    assert one.heard(EVERYTHING)
