"""Query parameters into a list query, and back into the opaque `next`. Shared by HTTP, the socket and embedded use."""

from __future__ import annotations

import base64
import binascii
import difflib
import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from ..errors import Invalid
from ..model import CLOSED, OPEN, Kind, Origin, Status
from ..store.protocol import EQUALS, SORTS, ListQuery, Position
from ..times import parse_duration, parse_time

DEFAULT_LIMIT = 1000
MAX_LIMIT = 5000
MAX_FILTERS = 100
MAX_VALUES = 200

GROUPS: dict[str, frozenset[Status]] = {"active": OPEN, "ended": CLOSED, "all": frozenset(Status)}

#: Name of each parameter, and what it says (the API description shows it).
PARAMETERS: dict[str, str] = {
    "status": "active (the open group, default), ended (the closed group) or all",
    "state": "exact statuses, comma list; implies status=all unless that is given",
    **{name: f"exact {name}, comma list" for name in EQUALS},
    "model": "models used, comma list",
    "label": "labels of notes, comma list",
    "q": "every word must begin a word of id, title, names, metadata or notes",
    "since": "ran at or after this time (ISO-8601 or epoch)",
    "until": "ran at or before this time",
    "min_duration": "at least this long: 500ms, 2s, 5m, 1h; a bare number is milliseconds",
    "has_errors": "true or false",
    "sort": "one of " + ", ".join(SORTS) + "; a leading - reverses",
    "limit": f"rows per page, {DEFAULT_LIMIT} by default, at most {MAX_LIMIT}",
    "next": "the `next` of the page before",
    "total": "exact: count beyond 10,000, for at most 2 s",
    "after_rev": "only what changed after this rev",
}


class ListRequest(Struct, frozen=True):
    query: ListQuery
    after_rev: int | None = None


def parse_int(name: str, text: str, *, minimum: int = 0) -> int:
    try:
        value = int(text) if text.strip().lstrip("+-").isdecimal() else None
    except ValueError:
        value = None
    if value is None or value < minimum or value >= 2**63:
        raise Invalid(f"{name} must be a whole number from {minimum}; it is {text[:40]!r}.", reason="bad_query")
    return value


def parse_bool(name: str, text: str) -> bool:
    if text.lower() in ("true", "1", "yes"):
        return True
    if text.lower() in ("false", "0", "no"):
        return False
    raise Invalid(f"{name} must be true or false; it is {text[:40]!r}.", reason="bad_query")


def unknown_name(name: str, known: Sequence[str], what: str = "filter") -> Invalid:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return Invalid(f"Unknown {what} {name[:60]!r}.{hint}", reason="unknown_filter", detail={"name": name[:200]})


def parse_list(params: Mapping[str, Sequence[str]], now: int) -> ListRequest:
    """Parameters by name, each with all its values as they were given."""
    if len(params) > MAX_FILTERS:
        raise Invalid(f"A list takes at most {MAX_FILTERS} filters; these are {len(params)}.", reason="bad_query")
    for name in params:
        if name not in PARAMETERS and not (name.startswith(("meta.", "dim.")) and len(name) > 5):
            raise unknown_name(name, [*PARAMETERS, "meta.KEY", "dim.KEY"])

    def last(name: str) -> str | None:
        values = params.get(name)
        return values[-1] if values else None

    fields: dict[str, object] = {"states": _states(params), "equals": _equals(params), "facets": _facets(params)}
    if q := last("q"):
        fields["q"] = q[:1000]
    for name in ("since", "until"):
        if text := last(name):
            fields[name] = parse_time(text)
    if text := last("min_duration"):
        fields["min_duration"] = parse_duration(text)
    if text := last("has_errors"):
        fields["has_errors"] = parse_bool("has_errors", text)
    sort = last("sort") or "-created_at"
    if sort.lstrip("-") not in SORTS or sort.startswith("--"):
        raise Invalid(
            f"Unknown sort {sort[:40]!r}; known: {', '.join(SORTS)}, a leading - reverses.", reason="bad_query"
        )
    fields["sort"], fields["descending"] = sort.lstrip("-"), sort.startswith("-")
    text = last("limit")
    fields["limit"] = min(parse_int("limit", text), MAX_LIMIT) if text is not None else DEFAULT_LIMIT
    if (total := last("total")) is not None:
        if total != "exact":
            raise Invalid("total can only be 'exact'.", reason="bad_query")
        fields["count_all"] = True
    query = ListQuery(now=now, **fields)  # type: ignore[arg-type]
    if token := last("next"):
        then, position = _parse_next(token, query)
        query = msgspec.structs.replace(query, now=then, after=position)
    after_rev = last("after_rev")
    return ListRequest(query, None if after_rev is None else parse_int("after_rev", after_rev))


def _values(name: str, given: Sequence[str]) -> tuple[str, ...]:
    """OR within a comma list; a value that has a comma of its own is also taken whole."""
    found: dict[str, None] = {}
    for text in given:
        for part in (*text.split(","), text):
            if part.strip():
                found[part.strip()] = None
    if len(found) > MAX_VALUES:
        raise Invalid(f"{name[:60]} takes at most {MAX_VALUES} values; these are {len(found)}.", reason="bad_query")
    return tuple(found)


def _states(params: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    group = (params.get("status") or [None])[-1]  # type: ignore[list-item]
    if group is not None and group not in GROUPS:
        raise Invalid(f"Unknown status {group[:40]!r}: active, ended or all.", reason="bad_query")
    wanted = [part.strip() for text in params.get("state", ()) for part in text.split(",") if part.strip()]
    for state in wanted:
        if state not in Status._value2member_map_:
            raise Invalid(
                f"Unknown state {state[:40]!r}; known: {', '.join(s.value for s in Status)}.", reason="bad_query"
            )
    if not wanted:
        states = GROUPS[group or "active"]
        return () if len(states) == len(Status) else tuple(sorted(s.value for s in states))
    allowed = {s.value for s in GROUPS[group or "all"]}
    # No state that is both wanted and in the group: a list that is empty, not one without a filter.
    return tuple(sorted(set(wanted) & allowed)) or ("none",)


def _equals(params: Mapping[str, Sequence[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = []
    known = {"kind": {k.value for k in Kind}, "origin": {o.value for o in Origin}}
    for name in EQUALS:
        values = _values(name, params.get(name, ()))
        for value in values:
            if name in known and "," not in value and value not in known[name]:
                raise Invalid(
                    f"Unknown {name} {value[:40]!r}; known: {', '.join(sorted(known[name]))}.", reason="bad_query"
                )
        if values:
            found.append((name, values))
    return tuple(found)


def _facets(params: Mapping[str, Sequence[str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = []
    for name, given in params.items():
        if name in ("model", "label") or name.startswith(("meta.", "dim.")):
            values = _values(name, given)
            if values:
                found.append((name, values))
    return tuple(found)


def _fingerprint(query: ListQuery) -> str:
    bare = msgspec.structs.replace(query, now=0, limit=0, after=None, count_all=False)
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()[:16]


def make_next(query: ListQuery, position: Position) -> str:
    raw = msgspec.json.encode((_fingerprint(query), query.now, position.value, position.id))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


_Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Cursor = tuple[str, _Int64, _Int64 | float | str | None, str]


def _parse_next(token: str, query: ListQuery) -> tuple[int, Position]:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        mark, now, value, session_id = msgspec.json.decode(raw, type=_Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Invalid("next is not a cursor of this list.", reason="bad_cursor") from None
    if mark != _fingerprint(query):
        raise Invalid("next belongs to a list with other filters or another sort.", reason="bad_cursor")
    return now, Position(value, session_id)
