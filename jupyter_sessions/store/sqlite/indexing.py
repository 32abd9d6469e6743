"""What of a session can be found: the facets that filters name and the text that search reads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import msgspec

from ...model import Note, Session

_WORD = re.compile(r"\w+")
_MAX_VALUE = 256
_MAX_TEXT = 64 * 1024


def facet_value(text: str) -> str:
    """Values are compared whole, but a long one is kept as its hash."""
    if len(text) <= _MAX_VALUE:
        return text
    return "#" + hashlib.sha256(text.encode()).hexdigest()


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _leaves(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{prefix}.{key}", inner)
    elif isinstance(value, list):
        for inner in value:  # each element under the list's own key: a filter asks "contains"
            yield from _leaves(prefix, inner)
    else:
        yield prefix, _scalar(value)


def facets(session: Session) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    if session.metadata != "{}":
        found.update(_leaves("meta", msgspec.json.decode(session.metadata)))
    if session.dimensions != "{}":
        found.update(_leaves("dim", msgspec.json.decode(session.dimensions)))
    return {(key, facet_value(value)) for key, value in found}


def search_text(session: Session, notes: list[Note]) -> str:
    names = (
        session.id, session.title, session.appname, session.mode, session.jobid, session.agent, session.user,
        session.room, session.environment, session.channel, session.version, session.deployment, session.status_reason,
    )  # fmt: skip
    parts = [name for name in names if name]
    if session.metadata != "{}":
        for path, value in _leaves("", msgspec.json.decode(session.metadata)):
            parts += (path, value)
    if session.dimensions != "{}":
        for path, value in _leaves("", msgspec.json.decode(session.dimensions)):
            parts += (path, value)
    for note in notes:
        parts += [part for part in (note.name, note.label, note.text) if part]
    return "\n".join(parts)[:_MAX_TEXT]


def match_expression(q: str) -> str | None:
    """Every word of the query must begin a word of the document. None when it has no word."""
    words = _WORD.findall(q.replace("_", " "))[:32]
    if not words:
        return None
    return " ".join(f'"{word}"*' for word in words)
