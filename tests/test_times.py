from __future__ import annotations

import contextlib
import re
import time
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jupyter_sessions.errors import Invalid
from jupyter_sessions.times import iso, now_ns, parse_duration, parse_epoch, parse_iso, parse_time

EVER = st.integers(-(2**63), 2**63 - 1)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@given(EVER)
@example(0)
@example(-1)
@example(-(2**63))
@example(2**63 - 1)
def test_every_nanosecond_survives_the_way_out_and_in(ns):
    assert parse_iso(iso(ns)) == ns


@given(EVER)
def test_a_time_has_nine_digits_only_where_six_would_lose_something(ns):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(\d{3})?Z", iso(ns))
    assert (len(iso(ns)) == 30) == bool(ns % 1000)


@given(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_an_offset_is_read_as_python_reads_it(moment, minutes):
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_iso(aware.isoformat()) == (aware - EPOCH) // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-11-21", "2026-11-21T00:00:00.000000Z"),
        ("2026-11-21T14:02", "2026-11-21T14:02:00.000000Z"),
        ("2026-11-21 14:02:10", "2026-11-21T14:02:10.000000Z"),
        ("2026-11-21t14:02:10.5z", "2026-11-21T14:02:10.500000Z"),
        ("2026-11-21T14:02:10,25Z", "2026-11-21T14:02:10.250000Z"),
        ("2026-11-21T14:02:10.1234567891Z", "2026-11-21T14:02:10.123456789Z"),
        ("2026-11-21T14:02:10+02", "2026-11-21T12:02:10.000000Z"),
        ("2026-11-21T14:02:10-0530", "2026-11-21T19:32:10.000000Z"),
        ("  2026-11-21T14:02:10 Z ", "2026-11-21T14:02:10.000000Z"),
    ],
)
def test_forms_of_iso_that_clients_write(text, same):
    assert iso(parse_iso(text)) == same


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "2026-13-01", "2026-02-30", "2026-11-21T25:00", "2026-11-21T14", "26-11-21", "2026-11-21T1:2",
        "1500-01-01", "9999-12-31", "2026-11-21T14:02:10+99:99", "2026-11-21Zulu", "inf", "nan", "-inf", "1e400",
        "9" * 5000, "-" * 9, "+-5",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(Invalid) as refusal:
        parse_time(text)
    assert refusal.value.reason == "bad_time"
    assert len(refusal.value.message) < 200


@given(st.text(max_size=60))
def test_no_text_makes_reading_a_time_fail_otherwise(text):
    with contextlib.suppress(Invalid):
        assert -(2**63) <= parse_time(text) < 2**63


@given(st.integers(0, 2**63 - 1) | st.integers(0, 10**10))
def test_the_unit_of_a_number_follows_from_its_size(value):
    unit = 10**9 if value < 1e11 else 10**6 if value < 1e14 else 10**3 if value < 1e17 else 1
    if value * unit >= 2**63:
        with pytest.raises(Invalid, match="1678 to 2262"):
            parse_epoch(value)
    else:
        assert parse_epoch(value) == parse_time(str(value)) == value * unit
        assert parse_epoch(-value) == parse_time(str(-value)) == -value * unit


@pytest.mark.parametrize("value", [1_795_000_000, 1_795_000_000_000, 1_795_000_000_000_000, 1_795_000_000_000_000_000])
def test_one_moment_in_four_units_is_one_moment(value):
    assert parse_epoch(value) == 1_795_000_000_000_000_000


@given(st.floats(0, 5e9))
def test_seconds_with_a_fraction_keep_their_microseconds(seconds):
    assert abs(parse_epoch(seconds) - seconds * 1e9) <= 1_000


@given(st.floats())
def test_no_float_makes_reading_a_time_fail_otherwise(value):
    with contextlib.suppress(Invalid):
        assert -(2**63) <= parse_epoch(value) < 2**63


@given(st.integers(), st.sampled_from(["ms", "s", "m", "h", "d", ""]))
def test_a_duration_is_its_number_times_its_unit(number, unit):
    units = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9, "": 10**6}
    text = f"{abs(number)}{unit}"
    if len(text) > 30:
        with pytest.raises(Invalid):
            parse_duration(text)
    else:
        expected = min(abs(number) * units[unit], 2**63 - 1)
        assert parse_duration(text) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "ns"),
    [("2s", 2 * 10**9), ("500ms", 5 * 10**8), ("5m", 3 * 10**11), ("1.5 h", 54 * 10**11), ("7", 7_000_000)],
)
def test_durations_as_people_write_them(text, ns):
    assert parse_duration(text) == ns


@pytest.mark.parametrize("text", ["", "fast", "-1s", "1y", "1s2m", "1e3s", "s", "0" * 31])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(Invalid) as refusal:
        parse_duration(text)
    assert refusal.value.reason == "bad_duration"


def test_the_wall_clock_is_cut_to_microseconds():
    before, now, after = time.time_ns(), now_ns(), time.time_ns()
    assert now % 1000 == 0
    assert before - 1000 < now <= after
