from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_sessions.errors import IllegalTransition
from jupyter_sessions.lifecycle import OUTCOMES, TABLE, find_rule, initial_status, transition
from jupyter_sessions.model import CLOSED, OPEN, Kind, Session, Status

T0 = 1_700_000_000_000_000_000
TRIGGERS = sorted({rule.trigger for rule in TABLE})

statuses = st.sampled_from(sorted(Status))
triggers = st.sampled_from([*TRIGGERS, "reopen", ""])
outcomes = st.sampled_from([None, *OUTCOMES, "weather"])
moments = st.integers(T0 - 10**15, T0 + 10**15)


def session_that_is(status: Status) -> Session:
    session = Session(1, "s", None, "client", "api", status.value, "app", "", T0, T0, T0, disposition="pending")
    if status not in OPEN:
        session.ended_at, session.ended_by, session.disposition = T0 + 5, "someone", "terminated"
    else:
        session.expires_at = T0 + 10**12
    return session


def closes(status: Status, trigger: str, outcome: str | None) -> Status | None:
    """The contract's table once more, written independently of the code: where a trigger leads, None for a refusal."""
    if outcome is not None:
        by_outcome = {name: Status(to) for name, (to, _) in OUTCOMES.items()}
        return by_outcome.get(outcome) if (status, trigger) == (Status.ESCALATED, "end") else None
    anywhere_open = {
        "fail": Status.FAILED, "kernel_gone": Status.FAILED, "expire": Status.EXPIRED, "delete": Status.ENDED,
        "end": Status.ENDED, "kill": Status.ENDED, "process_gone": Status.ENDED, "server_restart": Status.ENDED,
    }  # fmt: skip
    while_working = {"complete": Status.COMPLETED, "escalate": Status.ESCALATED, "abandon": Status.ABANDONED}
    if trigger in anywhere_open and status in OPEN:
        return anywhere_open[trigger]
    if trigger in while_working and status in (Status.ACTIVE, Status.IDLE):
        return while_working[trigger]
    return {
        (Status.ACTIVE, "work_finished"): Status.IDLE,
        (Status.IDLE, "work_started"): Status.ACTIVE,
        (Status.ESCALATED, "resume"): Status.ACTIVE,
        **{(closed, "archive"): Status.ARCHIVED for closed in CLOSED},
    }.get((status, trigger))


@given(statuses, triggers, outcomes, moments)
def test_a_transition_is_the_one_of_the_contract_or_refused_and_nothing_changes(status, trigger, outcome, now):
    session = session_that_is(status)
    before = msgspec.structs.replace(session)
    target = closes(status, trigger, outcome)
    if target is None:
        with pytest.raises(IllegalTransition) as refusal:
            transition(session, trigger, now, by="me", outcome=outcome)
        assert refusal.value.reason == "illegal_transition"
        assert refusal.value.detail is not None
        assert refusal.value.detail["from"] == status.value
        assert session == before
    else:
        transition(session, trigger, now, by="me", outcome=outcome)
        assert session.status == target.value


@given(statuses, triggers, outcomes, moments)
def test_what_closes_says_when_by_whom_and_how(status, trigger, outcome, now):
    session = session_that_is(status)
    target = closes(status, trigger, outcome)
    if status not in OPEN or target is None or target in OPEN:
        return
    transition(session, trigger, now, by="me", reason="because", outcome=outcome)
    assert session.ended_at == max(now, session.created_at)
    assert session.ended_by == "me"
    assert session.status_reason == "because"
    assert session.disposition not in (None, "pending")
    assert session.expires_at is None
    assert not session.open


@given(st.sampled_from(sorted(CLOSED)), moments)
def test_archiving_keeps_when_how_and_why_a_session_ended(status, now):
    session = session_that_is(status)
    session.status_reason = "because"
    transition(session, "archive", now, by="retention")
    assert (session.ended_at, session.ended_by, session.disposition) == (T0 + 5, "someone", "terminated")
    assert session.status_reason == "because"


@given(statuses, triggers, outcomes, moments)
def test_a_clock_that_steps_back_moves_no_time_back(status, trigger, outcome, now):
    session = session_that_is(status)
    if closes(status, trigger, outcome) is None:
        return
    transition(session, trigger, now, by="me", outcome=outcome)
    assert session.updated_at == max(T0, now)
    assert session.ended_at is None or session.ended_at >= session.created_at


@given(st.lists(st.tuples(triggers, outcomes), max_size=12))
def test_no_path_leads_out_of_a_closed_status_but_to_the_archive(path):
    session = session_that_is(Status.ACTIVE)
    seen = [Status.ACTIVE]
    for step, (trigger, outcome) in enumerate(path):
        try:
            transition(session, trigger, T0 + step, by="me", outcome=outcome)
        except IllegalTransition:
            continue
        seen.append(Status(session.status))
    for before, after in itertools.pairwise(seen):
        assert before in OPEN or (before in CLOSED and after is Status.ARCHIVED)
    assert session.open == (seen[-1] in OPEN)


def test_statuses_are_open_closed_or_archived_and_nothing_twice():
    assert OPEN | CLOSED | {Status.ARCHIVED} == set(Status)
    assert not OPEN & CLOSED
    assert len(Status) == 9


def test_no_two_rules_answer_the_same_question():
    questions = [(status, rule.trigger, rule.outcome) for rule in TABLE for status in rule.source]
    # `end` of an escalated session has one rule for each outcome and one without.
    assert len(questions) == len(set(questions))


@pytest.mark.parametrize(
    ("trigger", "outcome", "disposition"),
    [
        ("complete", None, "completed"),
        ("fail", None, "failed"),
        ("abandon", None, "abandoned"),
        ("expire", None, "timeout"),
        ("delete", None, "user_ended"),
        ("end", None, "terminated"),
        ("kill", None, "killed"),
        ("escalate", None, "transferred"),
    ],
)
def test_each_end_has_the_disposition_of_the_contract(trigger, outcome, disposition):
    assert find_rule("active", trigger, outcome).disposition == disposition


@pytest.mark.parametrize(("outcome", "expected"), sorted(OUTCOMES.items()))
def test_an_escalated_session_ends_as_its_human_says(outcome, expected):
    session = session_that_is(Status.ESCALATED)
    transition(session, "end", T0, by="human", outcome=outcome)
    assert (Status(session.status), session.disposition) == expected


def test_resume_clears_the_disposition():
    session = session_that_is(Status.ACTIVE)
    transition(session, "escalate", T0, by="me", reason="needs a human")
    assert (session.disposition, session.status_reason) == ("transferred", "needs a human")
    transition(session, "resume", T0, by="me")
    assert (session.disposition, session.status_reason, session.open) == ("pending", None, True)


@pytest.mark.parametrize("kind", list(Kind))
def test_conversations_and_kernels_begin_idle_and_others_active(kind):
    expected = Status.IDLE if kind in (Kind.CONVERSATION, Kind.KERNEL) else Status.ACTIVE
    assert initial_status(kind.value) is expected
