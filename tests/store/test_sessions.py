"""Rows of sessions: insert, save, touch, the rev that moves with each change, and what purge leaves."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_sessions.model import Event, Gone, LogEntry, Note, Session
from tests.support.stores import SECOND, T0, Desk, a_query, a_session, found

FULL = a_session(
    "full", alias="~full", kind="kernel", origin="import", status="failed", disposition="failed",
    status_reason="why", ended_by="me", ended_at=T0 + 5, received_at=T0 + 6, expires_at=T0 + 7, title="Title",
    jobid="j", agent="a", user="u", room="r", environment="e", channel="c", version="v", deployment="d",
    platform="p", pid=42, pid_started=1.25, parent_session_id="parent", owner="o", server_id="s", renewal_count=3,
    settled=False, message_count=4, trace_count=5, run_count=6, error_count=7, tokens=8, cost_pico=9,
    metadata={"a": {"b": [1, "x"]}}, dimensions={"k": "v"}, timeout='{"timeout_minutes":5}',
)  # fmt: skip


def test_a_session_comes_back_with_every_field_as_it_was_put(store):
    store.insert(FULL)
    row = store.session("full")
    assert row.sid > 0
    assert row.rev > 0
    assert msgspec.structs.replace(row, sid=0, rev=0) == FULL


def test_saving_writes_every_field(store):
    store.insert(a_session("full", alias="~full"))

    def work(tx):
        session = found(tx, "full")
        for name in Session.__struct_fields__:
            if name not in ("sid", "rev"):
                setattr(session, name, getattr(FULL, name))
        tx.save(session)

    store.write(work)
    row = store.session("full")
    assert msgspec.structs.replace(row, sid=0, rev=0) == FULL


def test_touching_writes_counters_and_activity_only(store):
    store.insert(a_session("s"))

    def work(tx):
        session = found(tx, "s")
        session.last_activity_at = T0 + 9
        tx.append_log(session, [LogEntry(T0, "x")], 0)

    store.write(work)
    assert (store.session("s").last_activity_at, store.session("s").log_count) == (T0 + 9, 1)
    assert store.session("s").updated_at == T0


def test_an_unknown_session_is_none(store):
    assert store.read(lambda view: view.session("nobody")) is None
    assert store.read(lambda view: view.session("~nobody")) is None
    assert store.write(lambda tx: tx.session("nobody")) is None


def test_a_session_is_found_by_its_alias_too(store):
    session = a_session("a/b c")
    assert session.alias
    store.insert(session, a_session("plain"))
    assert store.session(session.alias).id == "a/b c"

    def work(tx):
        by_alias, by_id = found(tx, session.alias), found(tx, "a/b c")
        by_alias.title = "one"
        tx.save(by_alias)
        assert by_id is by_alias

    store.write(work)
    assert store.session("a/b c").title == "one"


@pytest.mark.parametrize("session_id", ["日本", "a'b\"c", "%_\\", "..", "x" * 200, "\U0001f600", "a\u2028b"])
def test_ids_of_any_text(store, session_id):
    store.insert(a_session(session_id))
    assert store.session(session_id).id == session_id
    assert store.ids() == [session_id]


def test_an_id_is_given_once(store):
    store.insert(a_session("s"))
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.insert(a_session("other"), a_session("s"))
    assert store.ids() == ["s"]


def test_a_transaction_reads_what_it_wrote(store):
    def work(tx):
        session = a_session("s")
        tx.insert(session)
        tx.append_log(session, [LogEntry(T0, "one"), LogEntry(T0, "two")], 0)
        tx.append_event(session, Event(T0, "created"))
        tx.append_note(session, Note(T0, label="good"))
        assert found(tx, "s").log_count == 2
        assert [e.message for e in tx.log(session.sid, 0, 9).entries] == ["one", "two"]
        assert [e.type for e in tx.events(session.sid, 0, 9)] == ["created"]
        assert [n.label for n in tx.notes(session.sid, 0, 9)] == ["good"]
        assert [row.id for row in tx.sessions(a_query()).rows] == ["s"]
        assert [row.id for row in tx.changed_sessions(0, 9)] == ["s"]
        assert tx.matching([session.sid], a_query(facets=(("label", ("good",)),))) == {session.sid}
        assert tx.count(("active",)) == 1
        assert tx.rev() == session.rev

    store.write(work)


def test_a_snapshot_stands_still_while_others_write(store):
    store.insert(a_session("s"))

    def work(view):
        before = view.rev()
        assert found(view, "s").title is None
        writing = store.store.write(lambda tx: rename(tx, "s", "new"))
        asyncio.run_coroutine_threadsafe(writing, store.loop).result(10)
        assert found(view, "s").title is None
        assert view.rev() == before

    store.read(work)
    assert store.session("s").title == "new"


def rename(tx, session_id, title):
    session = found(tx, session_id)
    session.title = title
    tx.save(session)


# The rev


def test_each_change_moves_the_rev_and_each_row_is_told_once_in_its_newest_form(store):
    store.insert(a_session("a"), a_session("b"), a_session("c"))
    start = store.read(lambda view: view.rev())
    assert [row.id for row in store.read(lambda view: view.changed_sessions(0, 10))] == ["a", "b", "c"]

    store.write(lambda tx: rename(tx, "a", "first"))
    store.append("b", "line")
    store.write(lambda tx: rename(tx, "a", "second"))

    changed = store.read(lambda view: view.changed_sessions(start, 10))
    assert [(row.id, row.title) for row in changed] == [("b", None), ("a", "second")]
    assert store.read(lambda view: view.changed_sessions(view.rev(), 10)) == []
    assert changed[-1].rev == store.read(lambda view: view.rev())


def test_a_row_that_is_gone_is_told_in_its_turn(store):
    store.insert(a_session("a"), a_session("b"), a_session("c"))
    start = store.read(lambda view: view.rev())
    store.write(lambda tx: rename(tx, "c", "x"))
    store.write(lambda tx: tx.purge(found(tx, "a")))
    store.write(lambda tx: rename(tx, "b", "x"))
    changed = store.read(lambda view: view.changed_sessions(start, 10))
    assert [(type(row), row.id) for row in changed] == [(Session, "c"), (Gone, "a"), (Session, "b")]


def test_a_session_that_comes_back_under_the_same_id_is_told_after_the_one_that_went(store):
    store.insert(a_session("a"))
    store.write(lambda tx: tx.purge(found(tx, "a")))
    store.insert(a_session("a", title="again"))
    changed = store.read(lambda view: view.changed_sessions(0, 10))
    assert [type(row) for row in changed] == [Gone, Session]
    assert store.session("a").title == "again"


def test_changes_come_in_pieces_and_none_twice(store):
    store.insert(*(a_session(f"s{n}") for n in range(7)))
    for name in ("s0", "s3", "s5"):
        store.write(lambda tx, name=name: tx.purge(found(tx, name)))
    seen, rev = [], 0
    while piece := store.read(lambda view, rev=rev: view.changed_sessions(rev, 2)):
        assert len(piece) <= 2
        seen += [row.id for row in piece]
        assert [row.rev for row in piece] == sorted(row.rev for row in piece)
        rev = piece[-1].rev
    assert sorted(seen) == sorted(f"s{n}" for n in range(7))


# Groups that the service asks for


def test_what_is_open_with_a_pid_of_a_server_or_due(store):
    store.insert(
        a_session("pid", pid=1),
        a_session("pid-ended", pid=1, ended_at=T0),
        a_session("of-x", server_id="x"),
        a_session("of-x-ended", server_id="x", ended_at=T0),
        a_session("of-y", server_id="y"),
        a_session("due", expires_at=T0),
        a_session("due-first", expires_at=T0 - 1),
        a_session("later", expires_at=T0 + 1),
        a_session("due-ended", expires_at=T0, ended_at=T0),
    )
    assert [s.id for s in store.read(lambda view: view.open_with_pid())] == ["pid"]
    assert [s.id for s in store.read(lambda view: view.open_of_server("x"))] == ["of-x"]
    assert [s.id for s in store.read(lambda view: view.due(T0, 10))] == ["due-first", "due"]
    assert [s.id for s in store.read(lambda view: view.due(T0, 1))] == ["due-first"]


def test_the_longest_ended_come_first_and_open_ones_never(store):
    store.insert(
        a_session("open", created_at=T0 - 100),
        a_session("third", ended_at=T0 + 3),
        a_session("first", ended_at=T0 + 1),
        a_session("archived", ended_at=T0 + 2, status="archived"),
        a_session("fourth", ended_at=T0 + 4),
    )

    def before(moment, limit=10, *, archived=False):
        return [s.id for s in store.read(lambda view: view.ended_before(moment, limit, archived=archived))]

    def beyond(keep, limit=10, *, archived=False):
        return [s.id for s in store.read(lambda view: view.ended_beyond(keep, limit, archived=archived))]

    assert before(T0 + 4) == ["first", "third"]
    assert before(T0 + 4, archived=True) == ["first", "archived", "third"]
    assert before(T0 + 4, 1) == ["first"]
    assert before(T0 + 1) == []
    assert beyond(1) == ["first", "third"]
    assert beyond(1, 1) == ["first"]
    assert beyond(1, archived=True) == ["first", "archived", "third"]
    assert beyond(3) == []
    assert beyond(0) == ["first", "third", "fourth"]


def test_counts_by_status(store):
    store.insert(*(a_session(f"o{n}") for n in range(3)), a_session("e", ended_at=T0), a_session("i", status="idle"))
    assert store.read(lambda view: view.count(("active", "idle"))) == 4
    assert store.read(lambda view: view.count(("ended",))) == 1
    assert store.read(lambda view: view.count(("failed",))) == 0


# Purge


def test_purge_leaves_nothing_of_a_session_and_everything_of_the_others(store):
    for name in ("goes", "stays"):
        store.insert(
            a_session(name, appname=f"app-{name}", metadata={"k": name, "list": [1, 2]}, dimensions={"d": name})
        )
        store.append(name, *[f"line of {name}"] * 3)

        def work(tx, name=name):
            session = found(tx, name)
            tx.append_event(session, Event(T0, "created"))
            tx.append_note(session, Note(T0, label=f"label-{name}", text=f"note {name}"))

        store.write(work)
    kept, sid = traces(store, "stays"), store.session("goes").sid
    store.write(lambda tx: tx.purge(found(tx, "goes")))

    assert store.read(lambda view: view.session("goes")) is None
    assert store.read(lambda view: view.log(sid, 0, 10).entries) == []
    assert store.read(lambda view: view.events(sid, 0, 10)) == []
    assert store.read(lambda view: view.notes(sid, 0, 10)) == []
    for query in searches("goes"):
        assert store.ids(**query) == []
    assert traces(store, "stays") == kept


def searches(name):
    return (
        {"q": f"app {name}"},
        {"q": f"note {name}"},
        {"facets": (("meta.k", (name,)),)},
        {"facets": (("dim.d", (name,)),)},
        {"facets": (("label", (f"label-{name}",)),)},
        {"equals": (("appname", (f"app-{name}",)),)},
    )


def traces(store, name):
    sid = store.session(name).sid
    streams = store.read(lambda view: (view.log(sid, 0, 9), view.events(sid, 0, 9), view.notes(sid, 0, 9)))
    return store.session(name), streams, [store.ids(**query) for query in searches(name)]


def test_a_new_session_never_inherits_the_number_of_one_that_was_purged(stores):
    """Purging goes by number in several steps: one that was given anew would lose its rows to the old one's end."""
    store = stores()
    store.insert(a_session("a"), a_session("b"))
    last = store.session("b").sid
    store.write(lambda tx: tx.purge(found(tx, "b")))
    store.close()
    store = stores()
    store.insert(a_session("c"))
    assert store.session("c").sid > last


def test_the_log_is_dropped_in_steps(store):
    store.insert(a_session("s"), a_session("other"))
    store.append("s", *[f"{n}" for n in range(10)])
    store.append("other", "mine")
    sid = store.session("s").sid
    dropped = []
    while count := store.write(lambda tx: tx.drop_log(sid, 8, 3)):
        dropped.append(count)
    assert dropped == [3, 3, 2]
    assert [e.index for e in store.read(lambda view: view.log(sid, 0, 99)).entries] == [8, 9]
    assert len(store.read(lambda view: view.log(view.session("other").sid, 0, 99)).entries) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["insert", "save", "touch", "purge"]), st.sampled_from("abcd")),
        min_size=1,
        max_size=20,
    )
)
def test_following_the_rev_leads_to_the_same_list_as_reading_it(store: Desk, steps):
    """Whoever applies the changes after each rev holds what the store holds."""

    def clear(tx):
        for row in tx.sessions(a_query()).rows:
            tx.purge(row)

    store.write(clear)
    rev, copy = store.read(lambda view: view.rev()), {}
    for number, (step, name) in enumerate(steps):

        def work(tx, step=step, name=name, number=number):
            session = tx.session(name)
            if step == "insert" and session is None:
                tx.insert(a_session(name, created_at=T0 + number * SECOND))
            elif step == "save" and session is not None:
                session.title = f"title {number}"
                tx.save(session)
            elif step == "touch" and session is not None:
                session.last_activity_at += number
                tx.touch(session)
            elif step == "purge" and session is not None:
                tx.purge(session)

        store.write(work)
        if number % 3 == 0:
            rev = follow(store, rev, copy)
    follow(store, rev, copy)
    assert copy == {row.id: row for row in store.read(lambda view: view.sessions(a_query())).rows}


def follow(store, rev, copy):
    while changed := store.read(lambda view, after=rev: view.changed_sessions(after, 2)):
        for row in changed:
            assert row.rev > rev
            rev = row.rev
            if isinstance(row, Gone):
                copy.pop(row.id, None)
            else:
                copy[row.id] = row
    return rev
