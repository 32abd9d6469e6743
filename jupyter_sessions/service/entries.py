"""Log bodies, text or JSON, into log entries. Pure: bytes in, entries out; one bad entry refuses the whole batch."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from ..errors import Invalid, TooLarge
from ..model import Level, LogEntry
from ..times import ISO_PATTERN, parse_epoch, parse_iso
from .config import Config

_LEVELS = {
    "trace": Level.DEBUG, "debug": Level.DEBUG, "info": Level.INFO, "warn": Level.WARN, "warning": Level.WARN,
    "error": Level.ERROR, "critical": Level.ERROR, "fatal": Level.ERROR,
}  # fmt: skip

Document = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]


#: Seconds, milliseconds, microseconds or nanoseconds, of the years that 64 bits can hold.
_EPOCHS = [{"minimum": low, "maximum": high} for low, high in (
    (-9.2e9, 9.2e9), (1e11, 9.2e12), (1e14, 9.2e15), (1e17, 9.2e18),
)]  # fmt: skip
_EPOCH = Meta(extra_json_schema={"anyOf": _EPOCHS})


class EntryBody(Struct):
    """One log entry as a client sends it. `format` with `fields` may stand instead of `message`."""

    message: str | UnsetType = UNSET
    level: Annotated[str, Meta(extra_json_schema={"enum": list(_LEVELS)})] | None = None
    data: Document | UnsetType = UNSET
    timestamp: (
        Annotated[str, Meta(extra_json_schema={"pattern": ISO_PATTERN})]
        | Annotated[float, _EPOCH]
        | Annotated[int, _EPOCH]
        | None
    ) = None
    logger: str | None = None
    format: str | UnsetType = UNSET
    fields: Document | UnsetType = UNSET


GivenEntry = Annotated[
    EntryBody, Meta(extra_json_schema={"anyOf": [{"required": ["message"]}, {"required": ["format"]}]})
]


class EntriesBody(Struct):
    entries: list[GivenEntry]


_decode_one = msgspec.json.Decoder(EntryBody).decode
_decode_many = msgspec.json.Decoder(EntriesBody).decode
_decode_any = msgspec.json.Decoder().decode


_SAID = 300


def decoded(decode: Any, body: bytes) -> Any:
    """Decode JSON, or say in one sentence why not."""
    try:
        return decode(body)
    except msgspec.ValidationError as exc:
        text = str(exc)  # repeats what was sent
        if len(text) > _SAID:
            text = f"{text[: _SAID // 2]}...{text[-_SAID // 2 :]}"
        raise Invalid(f"{text}.", reason="bad_field") from None
    except msgspec.DecodeError as exc:
        raise Invalid(f"The body is no JSON: {exc}.", reason="bad_json") from None
    except RecursionError:
        raise Invalid("The body is nested too deep.", reason="too_deep") from None
    except UnicodeDecodeError:
        raise Invalid("The body is not UTF-8.", reason="bad_json") from None


def clean(text: str) -> str:
    """NUL ends a text in too many programs to keep it."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def parse_level(text: str) -> int:
    level = _LEVELS.get(text.strip().lower())
    if level is None:
        raise Invalid(f"Unknown level {text[:40]!r}: debug, info, warn or error is read.", reason="bad_level")
    return level.value


def document(raw: Raw | UnsetType, what: str, config: Config) -> str | None:
    """A JSON object as compact text, within the limits of size and depth."""
    if raw is UNSET:
        return None
    text = bytes(raw)
    if text == b"null":
        return None
    if len(text) > config.max_document:
        compact = decoded(lambda b: msgspec.json.format(b, indent=-1), text)
        if len(compact) > config.max_document:
            raise TooLarge(what, f"{len(compact)} bytes", config.max_document)
    value = decoded(_decode_any, text)
    if not isinstance(value, dict):
        raise Invalid(f"{what} must be an object.", reason="bad_field")
    if too_deep(value, config.max_depth):
        raise Invalid(f"{what} is nested deeper than {config.max_depth} levels.", reason="too_deep")
    return msgspec.json.format(text, indent=-1).decode()


def too_deep(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def from_text(body: bytes, now: int, config: Config) -> list[LogEntry]:
    """A line is an entry, without a level; empty lines are none."""
    text = clean(body.decode("utf-8", "replace"))
    lines = text.split("\n")
    if "\r" in text:
        lines = [line.removesuffix("\r") for line in lines]
    entries = [LogEntry(now, line) for line in lines if line]
    _check_count(len(entries), config)
    if len(body) > config.max_message:
        for entry in entries:
            _check_message(entry.message, config)
    return entries


def from_json(body: bytes, now: int, config: Config) -> list[LogEntry]:
    """One entry, or `{"entries": [...]}`."""
    if body.lstrip()[:1] == b"[":
        raise Invalid('A list is not read: send one object, or {"entries": [...]}.', reason="bad_field")
    # Most bodies are one entry. A body with `entries` decodes as one entry without a message.
    one: EntryBody = decoded(_decode_one, body)
    if one.message is not UNSET or one.format is not UNSET:
        return [_entry(one, now, config)]
    if b'"entries"' not in body:
        raise Invalid('An entry needs "message" (or "format" and "fields").', reason="missing_field")
    many: EntriesBody = decoded(_decode_many, body)
    _check_count(len(many.entries), config)
    return from_bodies(many.entries, now, config)


def from_bodies(bodies: list[EntryBody], now: int, config: Config) -> list[LogEntry]:
    entries = []
    for position, body in enumerate(bodies):
        try:
            entries.append(_entry(body, now, config))
        except Invalid as exc:
            raise Invalid(f"Entry {position}: {exc.message}", reason=exc.reason, detail={"index": position}) from None
    return entries


def _entry(body: EntryBody, now: int, config: Config) -> LogEntry:
    data = document(body.data, "data", config)
    message = body.message
    if body.format is not UNSET:
        rendered, data = _structured(body, data, config)
        if message is UNSET:
            message = rendered
    if message is UNSET:
        raise Invalid('An entry needs "message" (or "format" and "fields").', reason="missing_field")
    message = clean(message)
    _check_message(message, config)
    stamp = body.timestamp
    if stamp is None:
        timestamp = now
    elif isinstance(stamp, str):
        timestamp = parse_iso(stamp)
    else:
        timestamp = parse_epoch(stamp)
    logger = clean(body.logger)[: config.max_text] if body.logger else None
    return LogEntry(timestamp, message, parse_level(body.level) if body.level else None, data, logger)


def _structured(body: EntryBody, data: str | None, config: Config) -> tuple[str, str]:
    """The rendered text, and both parts kept in `data`."""
    fields_text = document(body.fields, "fields", config) or "{}"
    fields = _decode_any(fields_text)
    template = clean(str(body.format))
    kept = _decode_any(data) if data else {}
    kept = {**kept, "format": template, "fields": fields}
    text = msgspec.json.encode(kept).decode()
    if len(text) > config.max_document:
        raise TooLarge("data", f"{len(text)} bytes", config.max_document)
    return render(template, fields), text


_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}:!\s]+)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def render(template: str, fields: dict[str, Any]) -> str:
    """`{path}` placeholders (`name.sub[0]`), `{{` and `}}` escapes; a path that leads nowhere renders as nothing."""

    def replace(match: re.Match[str]) -> str:
        path = match.group(1)
        if path is None:
            return match.group(0)[0]
        value = _follow(fields, path)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        return msgspec.json.encode(value).decode()

    return _PLACEHOLDER.sub(replace, template)


def _follow(value: Any, path: str) -> Any:
    if isinstance(value, dict) and path in value:
        return value[path]
    for name, number in _STEP.findall(path):
        if number:
            if not isinstance(value, list) or int(number) >= len(value):
                return None
            value = value[int(number)]
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return value


def _check_count(count: int, config: Config) -> None:
    if count > config.max_entries:
        raise TooLarge("The batch", f"{count} entries", config.max_entries)


def _check_message(message: str, config: Config) -> None:
    if len(message) * 4 <= config.max_message:
        return  # whatever its characters are
    size = len(message.encode("utf-8", "surrogatepass"))
    if size > config.max_message:
        raise TooLarge("A log message", f"{size} bytes", config.max_message)
