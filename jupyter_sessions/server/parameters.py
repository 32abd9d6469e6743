"""What parameters may be, as JSON schema for the API's description. What they do is said where they are read."""

from __future__ import annotations

from typing import Any

from ..ids import MAX_LENGTH, RESERVED
from ..model import Kind, Origin, Status
from ..service.filters import GROUPS, MAX_VALUES
from ..service.sessions import ACTIONS
from ..store.protocol import EQUALS, SORTS
from ..times import ISO_PATTERN

Schema = dict[str, Any]

_POSITION: Schema = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
_FLAG: Schema = {"type": "boolean"}
_TIME: Schema = {"type": "string", "pattern": ISO_PATTERN}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "maxItems": MAX_VALUES}


#: No control characters, and not the sign of an alias; or an alias.
_ID: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_LENGTH,
    "pattern": r"^(~[a-z2-7]+|[^~\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*)$",
    "not": {"enum": [*sorted(RESERVED), "0" * 24]},
}

PATH: dict[str, Schema] = {"id": _ID, "action": {"type": "string", "enum": list(ACTIONS)}}

#: A name means the same in every route. Comma lists are arrays that are not exploded.
QUERY: dict[str, Schema] = {
    "status": {"type": "string", "enum": list(GROUPS)},
    "state": _list({"type": "string", "enum": [status.value for status in Status]}),
    **{name: _list({"type": "string"}) for name in (*EQUALS, "model", "label")},
    "kind": _list({"type": "string", "enum": [kind.value for kind in Kind]}),
    "origin": _list({"type": "string", "enum": [origin.value for origin in Origin]}),
    "q": {"type": "string"},
    "since": _TIME,
    "until": _TIME,
    "min_duration": {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h|d)?$"},
    "has_errors": _FLAG,
    "sort": {"type": "string", "enum": [sign + name for name in SORTS for sign in ("", "-")]},
    "limit": _POSITION,
    "next": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
    "total": {"type": "string", "enum": ["exact"]},
    "after_rev": _POSITION,
    "cursor": _POSITION,
    "offset": _POSITION,
    "level": {"type": "string", "enum": ["debug", "info", "warn", "error"]},
    "order": {"type": "string", "enum": ["asc", "desc"]},
    "purge": _FLAG,
}


def described(name: str, description: str) -> Schema:
    parameter: Schema = {"name": name, "in": "query", "description": description, "schema": QUERY[name]}
    if QUERY[name]["type"] == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter
