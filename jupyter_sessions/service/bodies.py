"""What a client may send about a session. The same types decode requests and describe the API."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ..errors import Invalid, TooLarge
from ..lifecycle import OUTCOMES
from ..model import Kind, Session
from .config import Config
from .entries import Document, clean, document

MAX_TEXT = Config().max_text
_Text = Annotated[str, Meta(extra_json_schema={"maxLength": MAX_TEXT})]
Text = _Text | None | UnsetType
Name = Annotated[str, Meta(extra_json_schema={"pattern": r"\S", "maxLength": MAX_TEXT})] | UnsetType
Pid = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class SessionBody(Struct):
    """Create or update. Keys that are not named here are ignored; null clears."""

    appname: Name = UNSET
    mode: Text = UNSET
    jobid: Text = UNSET
    metadata: Document | UnsetType = UNSET
    dimensions: dict[str, str] | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    title: Text = UNSET
    agent: Text = UNSET
    user: Text = UNSET
    room: Text = UNSET
    environment: Text = UNSET
    channel: Text = UNSET
    version: Text = UNSET
    deployment: Text = UNSET
    platform: Text = UNSET
    parent_session_id: Text = UNSET
    pid: Pid | UnsetType | None = UNSET


#: What a session needs at its creation.
NewSessionBody = Annotated[SessionBody, Meta(extra_json_schema={"required": ["appname"]})]


class SessionPut(Struct, forbid_unknown_fields=True):
    """Replaces `metadata` as a whole."""

    metadata: Document
    appname: Name = UNSET
    mode: Text = UNSET
    jobid: Text = UNSET
    dimensions: dict[str, str] | UnsetType = UNSET


class ActionBody(Struct):
    """All optional: why (fail, end, kill, escalate), the last message (complete), how an escalation went (end)."""

    reason: _Text | None = None
    message: str | None = None
    outcome: Annotated[str, Meta(extra_json_schema={"enum": list(OUTCOMES)})] | None = None


class NoteBody(Struct):
    """A score, a label or a text, on the session or on one of its spans (`trace_id/span_id`)."""

    span: _Text | None = None
    name: _Text | None = None
    score: float | None = None
    label: _Text | None = None
    text: str | None = None
    author: _Text | None = None


def _has(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": [name], "properties": {name: schema}}


_SAID = {"type": "string", "minLength": 1}
#: One of them is enough, none is not.
GivenNote = Annotated[
    NoteBody,
    Meta(extra_json_schema={"anyOf": [_has("score", {"type": "number"}), _has("label", _SAID), _has("text", _SAID)]}),
]


_TEXTS = (
    "mode", "jobid", "title", "agent", "user", "room", "environment", "channel", "version", "deployment", "platform",
    "parent_session_id",
)  # fmt: skip


def checked_text(name: str, text: str, config: Config) -> str:
    if len(text) > config.max_text:
        raise TooLarge(name, f"{len(text)} characters", config.max_text)
    return clean(text)


def apply(body: SessionBody | SessionPut, session: Session, config: Config) -> None:
    """Put what the body says into the session. Everything is checked before anything is changed."""
    changes: dict[str, Any] = {}
    appname = body.appname
    if appname is not UNSET:
        if not appname.strip():
            raise Invalid("appname must not be empty.", reason="bad_field")
        changes["appname"] = checked_text("appname", appname, config)
    for name in _TEXTS:
        value = getattr(body, name, UNSET)
        if value is not UNSET:
            changes[name] = checked_text(name, value, config) if value is not None else ("" if name == "mode" else None)
    if body.metadata is not UNSET:
        text = document(body.metadata, "metadata", config)
        if text is None:
            raise Invalid("metadata must be an object.", reason="bad_field")
        changes["metadata"] = text
    if isinstance(body.dimensions, dict):
        text = msgspec.json.encode(body.dimensions).decode()
        if len(text) > config.max_document:
            raise TooLarge("dimensions", f"{len(text)} bytes", config.max_document)
        changes["dimensions"] = text
    if isinstance(body, SessionBody):
        if isinstance(body.kind, Kind):
            changes["kind"] = body.kind.value
        if body.pid is not UNSET:
            changes["pid"] = body.pid
    for name, value in changes.items():
        setattr(session, name, value)
