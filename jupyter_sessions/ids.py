"""Session ids: what is accepted, how an id is folded, and the alias of one that a path cannot carry safely."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time

from .errors import Invalid

MAX_LENGTH = 200

#: Words of the URL space below `/sessions/`; never ids.
RESERVED = frozenset({"ws", "app", "health", "export", "stats", "rooms", "services", "agents", "otlp", "openapi.json"})

_OID = re.compile(r"[0-9a-fA-F]{24}\Z")
_SAFE_IN_PATH = re.compile(r"[A-Za-z0-9._:@-]+\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def parse_id(text: str) -> str:
    """The canonical form of an id that a client brought, or Invalid with the reason."""
    if not text:
        raise Invalid("A session id must not be empty.", reason="malformed_id")
    if len(text) > MAX_LENGTH:
        raise Invalid(
            f"A session id has at most {MAX_LENGTH} characters; this one has {len(text)}.", reason="malformed_id"
        )
    if _CONTROL.search(text):
        raise Invalid("A session id must not contain control characters.", reason="malformed_id")
    if text.startswith("~"):
        raise Invalid("Ids that begin with '~' are aliases that the server gives.", reason="malformed_id")
    if text in RESERVED:
        raise Invalid(f"{text!r} is a word of the URL space, not a session id.", reason="reserved_id")
    if _OID.match(text):
        text = text.lower()
        if text == "0" * 24:
            raise Invalid("The all-zero OID is not a session id.", reason="malformed_id")
    return text


def parse_reference(text: str) -> str:
    """An id or an alias, as it may stand in a path."""
    if text.startswith("~") and _SAFE_IN_PATH.match(text[1:]) and len(text) <= MAX_LENGTH:
        return text
    return parse_id(text)


def alias_of(session_id: str) -> str | None:
    """`~` + base32 of a hash for ids that proxies would mangle in a path (a slash, a space, dots only); else None."""
    if _SAFE_IN_PATH.match(session_id) and session_id.strip("."):
        return None
    digest = hashlib.sha256(session_id.encode()).digest()[:15]
    return "~" + base64.b32encode(digest).decode().lower()


def new_id() -> str:
    """A time-ordered UUID (version 7): sorts by creation, needs no counter."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    h = f"{value:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
