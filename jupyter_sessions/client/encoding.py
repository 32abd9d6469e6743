"""Arguments of the client into the API's bodies and query parameters. Pure: no I/O, no transport."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
from msgspec import Raw

from ..errors import Invalid
from ..service.bodies import SessionBody
from ..service.filters import unknown_name

#: A long list of entries goes in pieces; each is kept as a whole or not at all.
_PIECE_ENTRIES = 5_000
_PIECE_BYTES = 4 << 20


def dumps(value: Any) -> bytes:
    """JSON of what people put into metadata and data: also numpy's numbers, paths and anything with a text."""
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except RecursionError:
        raise Invalid("The value is nested too deep, or contains itself.", reason="too_deep") from None
    except (TypeError, ValueError, OverflowError) as exc:
        raise Invalid(f"The value cannot be written as JSON: {exc}.", reason="bad_json") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):  # numpy's and pandas' scalars and arrays
        return value.tolist()
    return str(value)


def session_body(fields: Mapping[str, Any]) -> bytes:
    for name in fields:
        # The API ignores names that it does not know; here one is a slip of the keyboard.
        if name not in SessionBody.__struct_fields__:
            raise unknown_name(name, SessionBody.__struct_fields__, "field")
    return dumps(fields)


def list_parameters(filters: Mapping[str, Any]) -> dict[str, list[str]]:
    """Filters by name: a list means any of them, a dict (`meta={"a.b": 1}`) names keys, None is no filter."""
    params: dict[str, list[str]] = {}
    for name, value in filters.items():
        if name in ("after_rev", "next"):
            raise Invalid(f"{name} is not a filter of this call.", reason="unknown_filter")
        if isinstance(value, Mapping):
            for key, inner in value.items():
                params[f"{name}.{key}"] = _texts(inner)
        elif value is not None:
            params[name] = _texts(value)
    return params


def _texts(value: Any) -> list[str]:
    if isinstance(value, (list, tuple, set, frozenset)):
        return [",".join(_text(part) for part in value)]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return _utc(value).isoformat()
    if isinstance(value, timedelta):
        return f"{value / timedelta(milliseconds=1):.3f}ms"
    return str(value)


def _utc(moment: datetime) -> datetime:
    """A time without a zone is one of this machine's clock, as everywhere in Python."""
    return moment.astimezone(timezone.utc)


def log_bodies(message: Any, level: str | None, data: Mapping[str, Any] | None) -> Iterator[bytes]:
    """One entry, or the entries of an iterable in pieces. `level` and `data` are for entries that bring none."""
    if isinstance(message, (str, bytes, Mapping, BaseException)) or not isinstance(message, Iterable):
        yield dumps(_entry(message, level, data))
        return
    piece: list[Raw] = []
    size = 0
    for item in message:
        entry = dumps(_entry(item, level, data))
        if piece and (len(piece) == _PIECE_ENTRIES or size + len(entry) > _PIECE_BYTES):
            yield dumps({"entries": piece})
            piece, size = [], 0
        piece.append(Raw(entry))
        size += len(entry) + 1
    if piece:
        yield dumps({"entries": piece})


def _entry(message: Any, level: str | None, data: Mapping[str, Any] | None) -> dict[str, Any]:
    entry: dict[str, Any] = dict(message) if isinstance(message, Mapping) else {"message": _message(message)}
    if isinstance(entry.get("timestamp"), datetime):
        entry["timestamp"] = _utc(entry["timestamp"])
    if level is not None:
        entry.setdefault("level", level)
    if data is not None:
        entry.setdefault("data", data)
    return entry


def _message(message: Any) -> str:
    if isinstance(message, bytes):
        return message.decode("utf-8", "replace")
    if isinstance(message, BaseException):
        return f"{type(message).__name__}: {message}"
    # Half of a surrogate pair, as models emit now and then, is no UTF-8.
    return str(message).encode("utf-8", "replace").decode()
