"""Notes and lifecycle events: appended streams, read after a cursor."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import Create
from tests.server.test_sessions_api import refused
from tests.support.jupyter import JupyterServer


def note(server: JupyterServer, session: str, **body: Any) -> dict[str, Any]:
    answer = server.post(f"sessions/{session}/notes", json=body)
    assert answer.status_code == 201, answer.text
    added: dict[str, Any] = answer.json()
    return added


def stream(server: JupyterServer, session: str, kind: str, **query: Any) -> dict[str, Any]:
    answer = server.get(f"sessions/{session}/{kind}", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) == {"cursor", "total", "dropped", "items"}
    return body


# Notes


def test_a_note_is_kept_with_all_it_says(server: JupyterServer, session: str) -> None:
    body = {"span": "t/s", "name": "helpful", "score": 0.5, "label": "good", "text": "Well done", "author": "Ada"}
    added = note(server, session, **body)
    assert added.pop("timestamp").endswith("Z")
    assert added == {"index": 0, **body}
    (kept,) = stream(server, session, "notes")["items"]
    assert kept.items() >= added.items()


@pytest.mark.parametrize("body", [{"score": 0}, {"score": -1.5}, {"label": "l"}, {"text": "t"}])
def test_one_of_score_label_and_text_is_enough(server: JupyterServer, session: str, body: dict[str, Any]) -> None:
    assert note(server, session, **body).items() >= body.items()


def test_a_note_without_an_author_is_of_who_wrote_it(server: JupyterServer, session: str) -> None:
    assert note(server, session, text="t")["author"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "missing_field"),
        ({"name": "only"}, "missing_field"),
        ({"text": ""}, "missing_field"),
        ({"score": "high"}, "bad_field"),
        ({"score": True}, "bad_field"),
        ({"text": 5}, "bad_field"),
        ({"text": "t", "span": ["a"]}, "bad_field"),
        ([], "bad_field"),
    ],
)
def test_a_note_that_says_nothing_is_refused(server: JupyterServer, session: str, body: Any, reason: str) -> None:
    refused(server.post(f"sessions/{session}/notes", json=body), 400, reason)
    assert stream(server, session, "notes")["total"] == 0


@pytest.mark.parametrize("name", ["author", "name", "label", "span", "text"])
def test_each_text_of_a_note_has_its_limit(server: JupyterServer, session: str, name: str) -> None:
    answer = server.post(f"sessions/{session}/notes", json={"score": 1, name: "x" * 70_000})
    refused(answer, 413, "too_large", name)
    assert stream(server, session, "notes")["total"] == 0


def test_nul_in_a_note_is_replaced(server: JupyterServer, session: str) -> None:
    added = note(server, session, text="a\0", label="b\0", author="c\0")
    assert (added["text"], added["label"], added["author"]) == ("a\ufffd", "b\ufffd", "c\ufffd")


def test_notes_are_counted_and_move_the_session(server: JupyterServer, session: str) -> None:
    rev = server.get(f"sessions/{session}").json()["rev"]
    for n in range(3):
        assert note(server, session, score=n)["index"] == n
    after = server.get(f"sessions/{session}").json()
    assert after["note_count"] == 3
    assert after["rev"] > rev


def test_a_closed_session_takes_notes_an_archived_one_none(server: JupyterServer, session: str) -> None:
    server.delete(f"sessions/{session}")
    note(server, session, label="judged afterwards")
    server.post(f"sessions/{session}/archive")
    refused(server.post(f"sessions/{session}/notes", json={"text": "t"}), 409, "session_closed", "archived")


def test_a_read_of_notes_is_by_cursor_and_limit(server: JupyterServer, session: str) -> None:
    for n in range(5):
        note(server, session, score=n)
    assert stream(server, session, "notes", limit=2)["cursor"] == 2
    body = stream(server, session, "notes", cursor=2, limit=2)
    assert ([n["index"] for n in body["items"]], body["cursor"], body["total"], body["dropped"]) == ([2, 3], 4, 5, 0)
    assert stream(server, session, "notes", cursor=99) == {"cursor": 5, "total": 5, "dropped": 0, "items": []}
    assert stream(server, session, "notes", limit=0)["items"] == []


# Events


def test_creation_is_the_first_event(server: JupyterServer, session: str) -> None:
    body = stream(server, session, "events")
    assert (body["cursor"], body["total"], body["dropped"]) == (1, 1, 0)
    (created,) = body["items"]
    assert created.pop("timestamp").endswith("Z")
    assert created == {"index": 0, "type": "created", "data": {"status": "active", "origin": "api"}}


def test_each_change_of_status_is_an_event(server: JupyterServer, session: str) -> None:
    for action in ("escalate", "resume", "complete", "archive"):
        server.post(f"sessions/{session}/{action}", json={"reason": f"because of {action}"})
    items = stream(server, session, "events")["items"]
    changes = [(e["data"]["from"], e["data"]["to"]) for e in items if e["type"] == "status_changed"]
    assert changes == [
        ("active", "escalated"), ("escalated", "active"), ("active", "completed"), ("completed", "archived"),
    ]  # fmt: skip
    assert [e["index"] for e in items] == list(range(5))
    assert items[1]["data"]["by"]
    assert items[1]["data"]["reason"] == "because of escalate"


def test_a_refused_transition_is_no_event(server: JupyterServer, session: str) -> None:
    server.post(f"sessions/{session}/resume")
    assert stream(server, session, "events")["total"] == 1


def test_a_read_of_events_is_by_cursor_and_limit(server: JupyterServer, session: str) -> None:
    for action in ("escalate", "resume") * 3:
        server.post(f"sessions/{session}/{action}")
    body = stream(server, session, "events", cursor=3, limit=2)
    assert ([e["index"] for e in body["items"]], body["cursor"], body["total"]) == ([3, 4], 5, 7)
    assert stream(server, session, "events", cursor=10**6)["cursor"] == 7


@pytest.mark.parametrize("kind", ["notes", "events"])
def test_a_query_that_means_nothing_is_refused(server: JupyterServer, session: str, kind: str) -> None:
    for query in ("cursor=-1", "cursor=x", "limit=-1", "limit=", f"cursor={2**63}"):
        refused(server.get(f"sessions/{session}/{kind}?{query}"), 400, "bad_query", query.partition("=")[0])
    refused(server.get(f"sessions/{session}/{kind}?curser=1"), 400, "unknown_filter", "'cursor'")
    assert server.get(f"sessions/{session}/{kind}?limit={10**12}").status_code == 200


def test_a_reset_begins_new_streams(server: JupyterServer, create: Create, fresh: str) -> None:
    create(fresh)
    note(server, fresh, text="t")
    server.post(f"sessions/{fresh}/log", content="line")
    server.delete(f"sessions/{fresh}")
    new = server.post(f"sessions/{fresh}/reset").json()["id"]
    assert stream(server, new, "notes")["total"] == 0
    (created,) = stream(server, new, "events")["items"]
    assert created["data"]["reset_of"] == fresh
    assert stream(server, fresh, "notes")["total"] == 1
