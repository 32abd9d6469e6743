"""Times: UTC nanoseconds inside, ISO-8601 with `Z` on the wire. Conversions both ways, and durations in words."""

from __future__ import annotations

import math
import re
import time
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from .errors import Invalid

SECOND = 1_000_000_000
MS = 1_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_INT64 = 2**63
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?)?"
    r"\s*([Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?\Z"
)
#: The usual forms, for descriptions. Dates that some month lacks are left out of it.
ISO_PATTERN = (
    r"^(1[7-9]|2[01])[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    r"([Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?)?$"
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\Z")
_UNITS = {"ms": MS, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86400 * SECOND}


def now_ns() -> int:
    """The wall clock, cut to microseconds so that our own times print in six digits."""
    return time.time_ns() // 1000 * 1000


@lru_cache(maxsize=4096)
def _iso_second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def iso(ns: int) -> str:
    """Six digits of fraction; nine where a foreign clock brought them, so that nothing is lost."""
    second, fraction = divmod(ns, SECOND)
    if fraction % 1000:
        return f"{_iso_second(second)}.{fraction:09d}Z"
    return f"{_iso_second(second)}.{fraction // 1000:06d}Z"


def parse_iso(text: str) -> int:
    match = _ISO.match(text.strip())
    if not match:
        raise Invalid(
            f"{text[:60]!r} is not a time: ISO-8601 (2026-11-21T14:02:10.5Z) or epoch is read.", reason="bad_time"
        )
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=timezone.utc
        )
    except ValueError as exc:
        raise Invalid(f"{text[:60]!r} is not a time: {exc}.", reason="bad_time") from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    if zone and zone not in "Zz":
        sign = -1 if zone[0] == "-" else 1
        seconds -= sign * (int(zone[1:3]) * 3600 + int(zone[3:].lstrip(":") or 0) * 60)
    return _checked(seconds * SECOND + int((fraction or "").ljust(9, "0") or 0), text)


def parse_epoch(value: float) -> int:
    """A number's unit follows from its size: seconds below 1e11, ms below 1e14, us below 1e17, else ns."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid("A timestamp must be a finite number.", reason="bad_time")
    size = abs(value)
    unit = SECOND if size < 1e11 else MS if size < 1e14 else 1000 if size < 1e17 else 1
    # An integer is scaled exactly; a float is rounded to its own precision, never beyond a microsecond.
    ns = value * unit if isinstance(value, int) else round(value * unit / 1000) * 1000
    return _checked(int(ns), value)


def _checked(ns: int, source: object) -> int:
    if not -_INT64 <= ns < _INT64:
        raise Invalid(f"The time {str(source)[:60]} is outside the years 1678 to 2262.", reason="bad_time")
    return ns


def parse_time(text: str) -> int:
    """A query's time: ISO or epoch."""
    try:
        number = int(text) if text.strip().lstrip("+-").isdecimal() else float(text)
    except ValueError:  # no number, or one of more digits than Python reads
        return parse_iso(text)
    return parse_epoch(number)


def parse_duration(text: str) -> int:
    """`2s`, `500ms`, `5m`; a bare number is milliseconds."""
    match = _DURATION.match(text.strip())
    if not match or len(text) > 30:
        raise Invalid(f"{text[:60]!r} is not a duration: 500ms, 2s, 5m, 1h or 2d is read.", reason="bad_duration")
    number, unit = match.groups()
    return min(int(float(number) * _UNITS[unit or "ms"]), _INT64 - 1)
