"""Sessions through the client: the same on a server and on a file."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from jupyter_sessions.client import Client, Session
from jupyter_sessions.errors import Conflict, Invalid, SessionClosed, SessionNotFound


def test_a_session_is_created_with_what_was_given(client: Client, fresh: str) -> None:
    session = client.create(
        "trip", id=fresh, mode="demo", jobid="7", metadata={"city": "Lisbon"}, agent="planner", dimensions={"team": "a"}
    )

    assert (session.id, session.appname, session.mode, session.jobid) == (fresh, "trip", "demo", "7")
    assert (session.metadata, session.agent, session.dimensions) == ({"city": "Lisbon"}, "planner", {"team": "a"})
    assert (session.status, session.open, session.kind, session.origin) == ("active", True, "client", "api")
    assert abs(datetime.now(timezone.utc) - session.created_at) < timedelta(seconds=10)
    assert (session.title, session.ended_at, session.tokens) == (None, None, None)


def test_an_id_is_made_where_none_is_given(client: Client) -> None:
    assert len(client.create("trip").id) == 36


def test_it_is_read_again_by_its_id(client: Client, session: Session) -> None:
    assert client.get(session.id).to_dict() | {"duration_ms": 0} == session.to_dict() | {"duration_ms": 0}


def test_creating_an_open_id_again_changes_only_what_is_given(client: Client, fresh: str) -> None:
    client.create("trip", id=fresh, mode="demo", metadata={"a": 1})
    again = client.create("trip", id=fresh, agent="planner")

    assert (again.mode, again.metadata, again.agent) == ("demo", {"a": 1}, "planner")


@pytest.mark.parametrize("id", ["a/b c?d#e%2F", ".", "..", "ünïcode", "x" * 200, "5A9F00000000000000000abc"])
def test_ids_of_any_form_work_in_every_call(client: Client, id: str) -> None:
    client.purge(client.create("trip", id=id).id)
    session = client.create("trip", id=id)
    session.log("hello")

    assert session.id == (id.lower() if len(id) == 24 else id)
    assert [entry.message for entry in client.get(id).logs()] == ["hello"]
    assert client.end(session.id).status == "ended"
    client.purge(session.alias or session.id)
    with pytest.raises(SessionNotFound):
        client.get(id)


@pytest.mark.parametrize("id", ["", "a\nb", "x" * 201, "health", "~alias"])
def test_an_id_that_is_none_is_refused(client: Client, id: str) -> None:
    with pytest.raises(Invalid):
        client.create("trip", id=id)


def test_metadata_takes_what_json_does_not_know(client: Client) -> None:
    class Scalar:
        def tolist(self) -> float:
            return 1.5

    session = client.create("trip", metadata={"path": Path("/a"), "number": Scalar(), "set": {1}, 3: None})

    assert session.metadata == {"path": "/a", "number": 1.5, "set": [1], "3": None}


def test_update_replaces_what_is_given_and_none_clears(session: Session) -> None:
    session.update(title="A title", metadata={"a": 1}, agent="planner")
    session.update(agent=None, metadata={"b": 2})

    assert (session.title, session.metadata, session.agent) == ("A title", {"b": 2}, None)


def test_refresh_sees_what_others_changed(client: Client, session: Session) -> None:
    client.get(session.id).update(title="new")

    assert session.title is None
    assert session.refresh().title == "new"


def test_update_never_creates(client: Client, session: Session) -> None:
    client.purge(session.id)
    with pytest.raises(SessionNotFound):
        session.update(appname="other")


def test_attributes_cannot_be_set_as_if_that_saved_them(session: Session) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        session.title = "x"  # type: ignore[misc]


def test_a_slip_in_a_field_is_named(client: Client) -> None:
    with pytest.raises(Invalid, match=r"'enviroment'.*Did you mean 'environment'"):
        client.create("trip", enviroment="prod")


def test_ending_is_for_good_and_may_be_said_twice(client: Client, session: Session) -> None:
    ended = session.end(reason="done")

    assert ended is session
    assert (session.status, session.open, session.status_reason) == ("ended", False, "done")
    assert session.ended_at is not None
    assert session.end().ended_at == client.end(session.id, reason="again").ended_at == session.ended_at
    with pytest.raises(SessionClosed, match="closed \\(ended\\)"):
        session.update(title="late")
    with pytest.raises(Conflict):
        session.log("late")


def test_events_tell_its_life(session: Session) -> None:
    session.end("done")

    assert [(event.index, event.type) for event in session.events()] == [(0, "created"), (1, "status_changed")]
    assert session.events(cursor=1)[0].data["reason"] == "done"


def test_notes_judge_it_also_after_its_end(session: Session) -> None:
    session.end()
    note = session.note(score=0.5, label="good", text="well done", name="taste", author="ann")
    session.note(text="second")

    assert (note.index, note.score, note.label, note.author) == (0, 0.5, "good", "ann")
    assert [note.text for note in session.notes()] == ["well done", "second"]
    assert [note.text for note in session.notes(cursor=1)] == ["second"]


def test_the_list_gives_open_ones_first_and_all_when_asked(client: Client, fresh: str) -> None:
    for number in range(3):
        client.create(f"app-{fresh}", id=f"{fresh}-{number}")
    client.end(f"{fresh}-0")

    def ids(**filters: object) -> list[str]:
        return [s.id.removeprefix(fresh) for s in client.sessions(appname=f"app-{fresh}", **filters)]  # type: ignore[arg-type]

    assert ids() == ["-2", "-1"]
    assert ids(status="active", sort="created_at") == ["-1", "-2"]
    assert ids(status="ended") == ["-0"]
    assert ids(status="all", limit=2) == ["-2", "-1"]
    assert ids(state=["ended", "failed"]) == ["-0"]
    found = client.sessions("all", limit=2, appname=f"app-{fresh}")
    assert (len(found), found.total, found.total_is) == (2, 3, "exact")


def test_filters_take_python_values(client: Client, fresh: str) -> None:
    client.create("trip", id=fresh, metadata={"run": {"id": fresh, "ok": True}}, dimensions={"team": fresh})
    now = datetime.now()

    def found(**filters: object) -> bool:
        return fresh in [session.id for session in client.sessions(**filters)]  # type: ignore[arg-type]

    assert found(meta={"run.id": fresh, "run.ok": True})
    assert found(dim={"team": fresh}, agent=None)
    assert found(since=now - timedelta(hours=1), until=now + timedelta(hours=1))
    assert not found(meta={"run.id": fresh}, until=now - timedelta(hours=1))
    assert not found(meta={"run.id": fresh}, min_duration=timedelta(hours=1))
    assert not found(meta={"run.id": fresh}, has_errors=True)


def test_pages_follow_each_other(client: Client, fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_sessions.client.sync._PAGE", 2)
    monkeypatch.setattr("jupyter_sessions.client.calls._LIST_PAGE", 2)
    names = [f"{fresh}-{number}" for number in range(5)]
    for name in names:
        client.create(f"app-{fresh}", id=name)

    def ids(limit: int | None) -> list[str]:
        return [s.id for s in client.sessions(limit=limit, appname=f"app-{fresh}", sort="created_at")]

    assert [s.id for s in client.iter_sessions(appname=f"app-{fresh}", sort="created_at")] == names
    assert ids(None) == names
    assert ids(3) == names[:3]


def test_purge_leaves_nothing(client: Client, session: Session) -> None:
    session.log("secret")
    client.purge(session.id)

    with pytest.raises(SessionNotFound):
        session.refresh()
    with pytest.raises(SessionNotFound):
        session.logs()


def test_health_knows_the_store(client: Client) -> None:
    health = client.health()

    assert (health.status, health.api_version) == ("ok", "1")
    assert health.store is not None
    assert health.store.kind == "sqlite"


def test_only_who_can_see_this_process_is_told_its_pid(
    client: Client, session: Session, place: dict[str, object]
) -> None:
    assert session.pid == (os.getpid() if "path" in place else None)
    assert client.create("trip", pid=None).pid is None


def test_threads_share_a_client(client: Client, session: Session) -> None:
    threads = [threading.Thread(target=session.log, args=(str(number),)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(int(entry.message) for entry in session.logs()) == list(range(20))


def test_text_forms_are_one_line_and_harmless(client: Client, place: dict[str, object]) -> None:
    session = client.create("app\x1b[2J", title="a\nb")
    session.log("\x1b[31mred")

    assert repr(session) == f"<Session {session.id} app\\x1b[2J 'a\\\\nb' active, 0 log entries>"
    assert repr(session.logs()).endswith("\\x1b[31mred")
    assert repr(client) == f"<Client {place.get('url') or place['path']}>"
    assert str(place.get("token", "no token")) not in repr(client)
