"""The state machine of a session: pure functions of (session, trigger, now). No I/O, no clock of its own.

`TABLE` is the whole truth about legal transitions; what is not in it is a conflict. Closing stores why and by whom.
"""

from __future__ import annotations

from msgspec import Struct

from .errors import IllegalTransition
from .model import CLOSED, OPEN, Kind, Session, Status


class Rule(Struct, frozen=True):
    trigger: str
    source: frozenset[Status]
    target: Status
    disposition: str | None = None
    #: Only with this outcome (an escalated session ends as its human says).
    outcome: str | None = None


_WORKING = frozenset({Status.ACTIVE, Status.IDLE})
_ESCALATED = frozenset({Status.ESCALATED})

#: The outcomes that `end` of an escalated session may name, and how it closes.
OUTCOMES: dict[str, tuple[Status, str]] = {
    "agent_completed": (Status.COMPLETED, "completed"),
    "conversation_complete": (Status.COMPLETED, "completed"),
    "user_left": (Status.ABANDONED, "abandoned"),
    "user_exit": (Status.ABANDONED, "abandoned"),
    "error": (Status.FAILED, "failed"),
}

TABLE: tuple[Rule, ...] = (
    Rule("work_finished", frozenset({Status.ACTIVE}), Status.IDLE),
    Rule("work_started", frozenset({Status.IDLE}), Status.ACTIVE),
    Rule("complete", _WORKING, Status.COMPLETED, "completed"),
    Rule("fail", OPEN, Status.FAILED, "failed"),
    Rule("escalate", _WORKING, Status.ESCALATED, "transferred"),
    Rule("resume", _ESCALATED, Status.ACTIVE, "pending"),
    *(Rule("end", _ESCALATED, target, disposition, outcome) for outcome, (target, disposition) in OUTCOMES.items()),
    Rule("abandon", _WORKING, Status.ABANDONED, "abandoned"),
    Rule("expire", OPEN, Status.EXPIRED, "timeout"),
    Rule("delete", OPEN, Status.ENDED, "user_ended"),
    Rule("end", OPEN, Status.ENDED, "terminated"),
    Rule("kill", OPEN, Status.ENDED, "killed"),
    Rule("process_gone", OPEN, Status.ENDED, "terminated"),
    Rule("server_restart", OPEN, Status.ENDED, "terminated"),
    Rule("kernel_gone", OPEN, Status.FAILED, "failed"),
    Rule("archive", CLOSED, Status.ARCHIVED),
)


def initial_status(kind: str) -> Status:
    return Status.IDLE if kind in (Kind.CONVERSATION, Kind.KERNEL) else Status.ACTIVE


def find_rule(status: str, trigger: str, outcome: str | None = None) -> Rule:
    """The one rule that applies. An outcome picks its rule first; a rule without one takes what is left."""
    fitting = [rule for rule in TABLE if rule.trigger == trigger and status in rule.source]
    for rule in fitting:
        if rule.outcome == outcome:
            return rule
    raise IllegalTransition(Status(status).value, f"{trigger} ({outcome})" if outcome else trigger)


def transition(
    session: Session,
    trigger: str,
    now: int,
    *,
    by: str,
    reason: str | None = None,
    outcome: str | None = None,
) -> None:
    """Move the session, or raise IllegalTransition and change nothing."""
    rule = find_rule(session.status, trigger, outcome)
    was_open = session.open
    session.status = rule.target.value
    if rule.disposition:
        session.disposition = rule.disposition
    if reason:
        session.status_reason = reason
    elif rule.target not in (Status.ARCHIVED,):
        session.status_reason = None
    if was_open and rule.target not in OPEN:
        # A clock that stepped back never makes a session end before it began.
        session.ended_at = max(now, session.created_at)
        session.ended_by = by
        session.expires_at = None
    session.updated_at = max(now, session.updated_at)
