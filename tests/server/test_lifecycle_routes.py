"""What the actions do over HTTP, and every transition that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_sessions.service.sessions import ACTIONS
from tests.server.conftest import Create
from tests.server.test_sessions_api import refused
from tests.support.jupyter import JupyterServer

#: How a session comes into each status that the API can bring about.
WAYS: dict[str, tuple[str, ...]] = {
    "active": (),
    "idle": (),
    "escalated": ("escalate",),
    "completed": ("complete",),
    "failed": ("fail",),
    "ended": ("end",),
    "archived": ("end", "archive"),
}
#: The table of legal transitions: (status, action) -> status.
LEGAL = {
    **{(s, "complete"): "completed" for s in ("active", "idle")},
    **{(s, "fail"): "failed" for s in ("active", "idle", "escalated")},
    **{(s, "escalate"): "escalated" for s in ("active", "idle")},
    ("escalated", "resume"): "active",
    **{(s, "end"): "ended" for s in ("active", "idle", "escalated")},
    **{(s, "kill"): "ended" for s in ("active", "idle", "escalated")},
    **{(s, "archive"): "archived" for s in ("completed", "failed", "ended")},
}
DISPOSITION = {"complete": "completed", "fail": "failed", "escalate": "transferred", "resume": "pending",
               "end": "terminated", "kill": "killed"}  # fmt: skip


@pytest.fixture
def brought(server: JupyterServer, create: Create, fresh: str) -> Any:
    def bring(status: str) -> str:
        create(fresh, kind="conversation" if status == "idle" else "client")
        for action in WAYS[status]:
            assert server.post(f"sessions/{fresh}/{action}").status_code == 200
        assert server.get(f"sessions/{fresh}").json()["status"] == status
        return fresh

    return bring


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", WAYS)
def test_the_table_of_transitions(server: JupyterServer, brought: Any, status: str, action: str) -> None:
    session = brought(status)
    before = server.get(f"sessions/{session}").json()
    answer = server.post(f"sessions/{session}/{action}")
    after = server.get(f"sessions/{session}").json()
    if (status, action) not in LEGAL:
        body = refused(answer, 409, "illegal_transition", status, action)
        assert body["detail"] == {"from": status, "trigger": action}
        assert (after["status"], after["rev"]) == (before["status"], before["rev"])
        return
    assert answer.status_code == 200
    assert answer.json()["status"] == after["status"] == LEGAL[status, action]
    if action in DISPOSITION:
        assert after["disposition"] == DISPOSITION[action]
    assert after["updated_at"] > before["updated_at"]
    assert after["open"] is (after["status"] in ("active", "idle", "escalated"))
    assert ("ended_at" in after) is not after["open"]
    assert ("ended_by" in after) is not after["open"]


@pytest.mark.parametrize("action", ["fail", "end", "kill", "escalate"])
def test_a_reason_is_kept(server: JupyterServer, session: str, action: str) -> None:
    assert server.post(f"sessions/{session}/{action}", json={"reason": "why\0"}).json()["status_reason"] == "why\ufffd"


@pytest.mark.parametrize(
    ("outcome", "status", "disposition"),
    [
        ("agent_completed", "completed", "completed"),
        ("conversation_complete", "completed", "completed"),
        ("user_left", "abandoned", "abandoned"),
        ("user_exit", "abandoned", "abandoned"),
        ("error", "failed", "failed"),
    ],
)
def test_an_escalation_ends_as_its_outcome_says(
    server: JupyterServer, brought: Any, outcome: str, status: str, disposition: str
) -> None:
    body = server.post(f"sessions/{brought('escalated')}/end", json={"outcome": outcome}).json()
    assert (body["status"], body["disposition"]) == (status, disposition)


def test_an_outcome_is_for_an_escalated_session_only(server: JupyterServer, session: str) -> None:
    body = refused(server.post(f"sessions/{session}/end", json={"outcome": "error"}), 409, "illegal_transition")
    assert body["detail"]["from"] == "active"


def test_an_unknown_outcome_or_one_elsewhere_is_refused(server: JupyterServer, session: str) -> None:
    refused(server.post(f"sessions/{session}/end", json={"outcome": "boredom"}), 400, "bad_field", "outcome")
    refused(server.post(f"sessions/{session}/fail", json={"outcome": "error"}), 400, "bad_field", "outcome")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"reason": null}', b'{"unheard_of": 1}', b'{"message": "bye"}'])
def test_the_body_of_an_action_is_optional(server: JupyterServer, session: str, body: bytes) -> None:
    assert server.post(f"sessions/{session}/complete", content=body).status_code == 200


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"reason": 5}', b"null"])
def test_a_body_of_an_action_that_is_none_is_refused(server: JupyterServer, session: str, body: bytes) -> None:
    answer = server.post(f"sessions/{session}/complete", content=body)
    assert (answer.status_code, answer.json()["reason"]) in [(400, "bad_field"), (400, "bad_json")]
    assert server.get(f"sessions/{session}").json()["open"]


def test_a_reason_has_its_limit(server: JupyterServer, session: str) -> None:
    refused(server.post(f"sessions/{session}/fail", json={"reason": "x" * 5000}), 413, "too_large", "reason", "500")
    assert server.get(f"sessions/{session}").json()["open"]


# Reset


@pytest.mark.parametrize("status", ["completed", "failed", "ended"])
def test_reset_makes_a_new_session_in_place_of_a_closed_one(server: JupyterServer, brought: Any, status: str) -> None:
    session = brought(status)
    server.post(f"sessions/{session}", json={})
    before = server.get(f"sessions/{session}").json()
    answer = server.post(f"sessions/{session}/reset")
    assert answer.status_code == 201
    new = answer.json()
    assert answer.headers["Location"] == f"/user/x/sessions/{new['id']}"
    assert new["parent_session_id"] == session
    assert (new["status"], new["open"], new["log_count"], new["appname"]) == ("active", True, 0, before["appname"])
    assert not {"ended_at", "ended_by", "status_reason"} & set(new)
    assert server.get(f"sessions/{session}").json() == before


@pytest.mark.parametrize("status", ["active", "idle", "escalated"])
def test_an_open_session_is_not_reset(server: JupyterServer, brought: Any, status: str) -> None:
    body = refused(server.post(f"sessions/{brought(status)}/reset"), 409, "illegal_transition", status)
    assert body["detail"] == {"from": status, "trigger": "reset"}


def test_a_strange_id_is_reset_to_one_of_ours(server: JupyterServer) -> None:
    alias = server.post("sessions/a%2Fb%20reset", json={"appname": "t"}).json()["alias"]
    server.delete(f"sessions/{alias}")
    new = server.post(f"sessions/{alias}/reset").json()
    assert new["parent_session_id"] == "a/b reset"
    assert "alias" not in new


# Archive


def test_an_archived_session_keeps_structure_and_drops_its_log(
    server: JupyterServer, create: Create, fresh: str
) -> None:
    create(fresh, metadata={"a": 1}, title="kept")
    server.post(f"sessions/{fresh}/log", content="a\nb\nc")
    ended = server.delete(f"sessions/{fresh}").json()
    archived = server.post(f"sessions/{fresh}/archive").json()
    for name in ("metadata", "title", "ended_at", "ended_by", "disposition", "log_count"):
        assert archived[name] == ended[name]
    log = server.get(f"sessions/{fresh}/log?cursor=0").json()
    assert (log["total"], log["entries"], log["dropped"], log["cursor"]) == (0, [], 3, 3)
    assert len(server.get(f"sessions/{fresh}/events").json()["items"]) == 3


def test_an_archived_session_is_read_only_but_can_be_purged(server: JupyterServer, brought: Any) -> None:
    session = brought("archived")
    refused(server.post(f"sessions/{session}/log", content="x"), 409, "session_closed", "archived")
    refused(server.put(f"sessions/{session}", json={"metadata": {}}), 409, "session_closed")
    assert server.delete(f"sessions/{session}").json()["status"] == "archived"
    assert server.delete(f"sessions/{session}?purge=true").status_code == 204
