"""Events, notes, servers and leases."""

from __future__ import annotations

import msgspec

from jupyter_sessions.model import Event, Note, ServerRun
from tests.support.stores import SECOND, T0, a_session, found


def test_events_are_numbered_and_read_from_any_place(store):
    store.insert(a_session("s"), a_session("other"))

    def work(tx):
        for n in range(5):
            tx.append_event(found(tx, "s"), Event(T0 + n, f"type {n}", f'{{"n":{n}}}'))
        tx.append_event(found(tx, "other"), Event(T0, "mine"))

    store.write(work)
    sid = store.session("s").sid
    assert store.session("s").event_count == 5
    assert store.read(lambda view: view.events(sid, 0, 2)) == [
        Event(T0, "type 0", '{"n":0}', 0),
        Event(T0 + 1, "type 1", '{"n":1}', 1),
    ]
    assert [e.index for e in store.read(lambda view: view.events(sid, 3, 10))] == [3, 4]
    assert store.read(lambda view: view.events(sid, 5, 10)) == []


def test_notes_are_numbered_and_keep_what_they_say(store):
    store.insert(a_session("s"))
    notes = [
        Note(T0, "me", "trace/span", "helpful", 0.5, "good", "text"),
        Note(T0 + 1),
        Note(T0 + 2, score=-1e300),
    ]
    for note in notes:
        store.write(lambda tx, note=note: tx.append_note(found(tx, "s"), msgspec.structs.replace(note)))
    sid = store.session("s").sid
    assert store.session("s").note_count == 3
    assert store.read(lambda view: view.notes(sid, 0, 10)) == [
        msgspec.structs.replace(note, index=index) for index, note in enumerate(notes)
    ]
    assert [n.index for n in store.read(lambda view: view.notes(sid, 1, 1))] == [1]
    assert store.read(lambda view: view.notes(sid, 3, 10)) == []


def test_labels_and_text_of_notes_are_found_as_long_as_others_change(store):
    store.insert(a_session("s"), a_session("other"))
    for label in ("good", "bad", "good"):
        store.write(lambda tx, label=label: tx.append_note(found(tx, "s"), Note(T0, label=label, text=f"is {label}")))

    def change(tx):
        session = found(tx, "s")
        session.title = "now with a title"
        session.metadata = '{"k":"v"}'
        tx.save(session)

    store.write(change)
    for label in ("good", "bad"):
        assert store.ids(facets=(("label", (label,)),)) == ["s"]
        assert store.ids(q=label) == ["s"]
    assert store.ids(q="title") == ["s"]


def run(server_id="a", **fields):
    return ServerRun(
        server_id, **({"host": "h", "pid": 1, "pid_started": 1.5, "started_at": T0, "heartbeat_at": T0} | fields)
    )


def test_servers_are_put_changed_and_removed(store):
    full = run("b", base_url="/user/x/", session_id="s", stopped_at=T0 + 5)
    for server in (run("a"), full):
        store.write(lambda tx, server=server: tx.put_server(server))
    assert sorted(store.read(lambda view: view.servers()), key=lambda r: r.server_id) == [run("a"), full]

    store.write(lambda tx: tx.put_server(run("a", heartbeat_at=T0 + 9)))
    store.write(lambda tx: tx.remove_server("b"))
    store.write(lambda tx: tx.remove_server("nobody"))
    assert store.read(lambda view: view.servers()) == [run("a", heartbeat_at=T0 + 9)]


def test_a_lease_has_one_holder_at_a_time(store):
    def acquire(holder, now, name="sweep"):
        return store.write(lambda tx: tx.acquire_lease(name, holder, T0 + now * SECOND, T0 + (now + 10) * SECOND))

    assert acquire("a", 0)
    assert not acquire("b", 5)
    assert acquire("b", 5, name="another")
    assert acquire("a", 9)  # its holder has it on: now until 19
    assert not acquire("b", 12)
    assert acquire("b", 19)
    assert not acquire("a", 20)


def test_a_lease_is_given_back_by_its_holder_alone(store):
    def acquire(holder):
        return store.write(lambda tx: tx.acquire_lease("sweep", holder, T0, T0 + SECOND))

    assert acquire("a")
    store.write(lambda tx: tx.release_leases("b"))
    assert not acquire("b")
    store.write(lambda tx: tx.release_leases("a"))
    assert acquire("b")


def test_a_setting_is_what_was_put_last(store):
    assert store.read(lambda view: view.setting("ring")) is None
    for value in ("10", "20"):
        store.write(lambda tx, value=value: tx.put_setting("ring", value))
    store.write(lambda tx: tx.put_setting("rev", "no number"))  # no name is taken by the store itself
    assert store.read(lambda view: (view.setting("ring"), view.setting("rev"))) == ("20", "no number")
    store.insert(a_session("s"))


def test_the_store_tells_what_it_is(store):
    info = store.read(lambda view: view.info())
    assert info.kind
    assert info.id
    assert info.schema >= 1000
    assert info.bytes > 0


def test_space_that_was_freed_goes_back(store):
    store.insert(a_session("s"))
    for _ in range(20):
        store.append("s", *["x" * 1000] * 200)
    full = store.read(lambda view: view.info()).bytes
    store.write(lambda tx: tx.purge(found(tx, "s")))
    store.loop.run_until_complete(store.store.reclaim())
    assert store.read(lambda view: view.info()).bytes < full / 4
