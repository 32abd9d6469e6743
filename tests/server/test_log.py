"""A session's log: both ways of reading it, both ways of appending, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.test_sessions_api import refused
from tests.support.jupyter import JupyterServer, running

RING = 10


@pytest.fixture(scope="module")
def small(home: Path) -> Iterator[JupyterServer]:
    """A server whose logs keep ten entries."""
    with running(home, f"--SessionsExtension.log_ring={RING}") as server:
        yield server


def append(server: JupyterServer, session: str, body: Any, media: str = "") -> httpx.Response:
    if isinstance(body, (str, bytes)):
        return server.post(f"sessions/{session}/log", content=body, headers={"Content-Type": media or "text/plain"})
    return server.post(f"sessions/{session}/log", json=body)


def read(server: JupyterServer, session: str, **query: Any) -> dict[str, Any]:
    answer = server.get(f"sessions/{session}/log", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert body["count"] == len(body["entries"])
    return body


def messages(server: JupyterServer, session: str, **query: Any) -> list[str]:
    return [entry["message"] for entry in read(server, session, **query)["entries"]]


def numbered(count: int, first: int = 0) -> str:
    return "".join(f"line {n}\n" for n in range(first, first + count))


# Reading


def test_an_empty_log_reads_empty(server: JupyterServer, session: str) -> None:
    expected = {"cursor": 0, "count": 0, "total": 0, "offset": 0, "dropped": 0, "entries": []}
    assert read(server, session) == expected
    assert read(server, session, cursor=0) == expected


def test_an_answer_has_all_keys_and_is_oldest_first(server: JupyterServer, session: str) -> None:
    append(server, session, {"message": "one", "level": "info", "data": {"a": 1}, "logger": "l"})
    append(server, session, "two")
    body = read(server, session)
    assert {key: body[key] for key in ("cursor", "count", "total", "offset", "dropped")} == {
        "cursor": 2, "count": 2, "total": 2, "offset": 0, "dropped": 0,
    }  # fmt: skip
    one, two = body["entries"]
    assert one.pop("timestamp").endswith("Z")
    assert one == {"index": 0, "message": "one", "level": "info", "data": {"a": 1}, "logger": "l"}
    assert set(two) == {"index", "timestamp", "message"}


def test_a_cursor_reads_what_came_since(server: JupyterServer, session: str) -> None:
    append(server, session, numbered(5))
    first = read(server, session, cursor=0, limit=2)
    assert (first["cursor"], [e["index"] for e in first["entries"]]) == (2, [0, 1])
    second = read(server, session, cursor=first["cursor"], limit=2)
    assert [e["index"] for e in second["entries"]] == [2, 3]
    append(server, session, "late")
    third = read(server, session, cursor=second["cursor"])
    assert ([e["message"] for e in third["entries"]], third["cursor"]) == (["line 4", "late"], 6)
    assert read(server, session, cursor=6)["entries"] == []


def test_a_cursor_beyond_the_end_comes_back_to_it(server: JupyterServer, session: str) -> None:
    append(server, session, numbered(3))
    body = read(server, session, cursor=2**62)
    assert (body["entries"], body["cursor"], body["dropped"]) == ([], 3, 0)


def test_an_offset_counts_from_the_oldest(server: JupyterServer, session: str) -> None:
    append(server, session, numbered(5))
    body = read(server, session, offset=2, limit=2)
    assert ([e["message"] for e in body["entries"]], body["offset"], body["cursor"]) == (["line 2", "line 3"], 2, 4)
    assert messages(server, session, offset=5) == []
    assert messages(server, session, offset=99) == []


def test_with_a_cursor_the_offset_is_ignored(server: JupyterServer, session: str) -> None:
    append(server, session, numbered(5))
    assert messages(server, session, cursor=3, offset=1) == ["line 3", "line 4"]


def test_a_thousand_by_default_and_ten_thousand_at_most(server: JupyterServer, session: str) -> None:
    append(server, session, numbered(11_000))
    assert read(server, session)["count"] == 1000
    body = read(server, session, limit=1_000_000)
    assert (body["count"], body["total"]) == (10_000, 10_000)
    assert read(server, session, limit=0)["entries"] == []


def test_limit_zero_moves_no_cursor(server: JupyterServer, session: str) -> None:
    append(server, session, numbered(3))
    assert read(server, session, cursor=1, limit=0)["cursor"] == 1


def test_a_large_log_is_read_to_its_end(server: JupyterServer, session: str) -> None:
    """An answer ends early where its text grows large; the cursor goes on from there."""
    for n in range(3):
        line = str(n) * 200_000
        append(server, session, f"{line}\n" * 20)
    seen, cursor = 0, 0
    for _ in range(20):
        body = read(server, session, cursor=cursor)
        seen, cursor = seen + body["count"], body["cursor"]
        if not body["count"]:
            break
    assert (seen, cursor) == (60, 60)


NO_NUMBERS = ("-1", "x", "1.5", "", "1e3", str(2**63), "9" * 5000)


@pytest.mark.parametrize(
    "query",
    [{name: value} for name in ("cursor", "offset", "limit") for value in NO_NUMBERS]
    + [{"order": "down"}, {"level": "loud"}, {"level": ""}],
    ids=lambda query: str(query)[:30],
)  # fmt: skip
def test_a_value_that_means_nothing_is_refused(server: JupyterServer, session: str, query: dict[str, str]) -> None:
    name = next(iter(query))
    reason = "bad_level" if name == "level" else "bad_query"
    refused(server.get(f"sessions/{session}/log", params=query), 400, reason, name)


def test_an_unknown_parameter_is_refused_with_the_nearest(server: JupyterServer, session: str) -> None:
    refused(server.get(f"sessions/{session}/log?cursr=1"), 400, "unknown_filter", "'cursr'", "'cursor'")


def test_what_browsers_and_jupyter_add_is_no_parameter(server: JupyterServer, session: str) -> None:
    for query in ("?1732200000000", "?_=173220", "?no_track_activity=1"):
        assert server.get(f"sessions/{session}/log{query}").status_code == 200


# Filters

LEVELS = [("debug", "d"), ("info", "i"), ("warn", "w"), ("error", "e"), (None, "none")]


@pytest.fixture
def mixed(server: JupyterServer, session: str) -> str:
    entries = [{"message": text, **({"level": level} if level else {})} for level, text in LEVELS]
    append(server, session, {"entries": entries})
    return session


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", "diwe"),
        ("info", "iwe"),
        ("warn", "we"),
        ("error", "e"),
        ("WARNING", "we"),
        ("fatal", "e"),
        ("trace", "diwe"),
    ],
)
def test_a_level_means_this_and_worse(server: JupyterServer, mixed: str, level: str, expected: str) -> None:
    assert messages(server, mixed, level=level) == list(expected)


def test_without_a_level_filter_all_come(server: JupyterServer, mixed: str) -> None:
    assert messages(server, mixed) == ["d", "i", "w", "e", "none"]


def test_q_finds_text_in_any_case(server: JupyterServer, session: str) -> None:
    append(server, session, "The Quick fox\nslow\n100% _sure_\nStra\u00dfe \u00c9t\u00e9\n")
    assert messages(server, session, q="QUICK") == ["The Quick fox"]
    assert messages(server, session, q="%") == ["100% _sure_"]
    assert messages(server, session, q="_") == ["100% _sure_"]
    assert messages(server, session, q="\u00e9T\u00c9") == ["Stra\u00dfe \u00c9t\u00e9"]
    assert messages(server, session, q="nowhere") == []
    assert messages(server, session, q="\\") == []
    assert len(messages(server, session, q="")) == 4


def test_filters_go_together(server: JupyterServer, mixed: str) -> None:
    append(server, mixed, {"message": "we meet", "level": "error"})
    assert messages(server, mixed, level="error", q="E") == ["e", "we meet"]


def test_a_cursor_moves_past_what_a_filter_skipped(server: JupyterServer, session: str) -> None:
    append(server, session, numbered(50) + "needle\n" + numbered(50))
    body = read(server, session, cursor=0, q="needle")
    assert (body["count"], body["cursor"]) == (1, 101)
    assert read(server, session, cursor=0, q="nothing")["cursor"] == 101


def test_a_page_that_is_full_stops_behind_its_last_entry(server: JupyterServer, session: str) -> None:
    append(server, session, "a\nb\na\nb\na\nb\n")
    body = read(server, session, cursor=0, q="a", limit=2)
    assert ([e["index"] for e in body["entries"]], body["cursor"]) == ([0, 2], 3)
    assert [e["index"] for e in read(server, session, cursor=3, q="a", limit=2)["entries"]] == [4]


def test_descending_gives_the_newest_first(server: JupyterServer, session: str) -> None:
    append(server, session, numbered(5))
    body = read(server, session, order="desc", limit=2)
    assert [e["message"] for e in body["entries"]] == ["line 4", "line 3"]
    assert body["cursor"] == 5
    assert messages(server, session, order="desc") == [f"line {n}" for n in (4, 3, 2, 1, 0)]
    assert messages(server, session, order="desc", cursor=3) == ["line 4", "line 3"]
    assert messages(server, session, order="desc", q="LINE 1") == ["line 1"]


# Appending text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("one", ["one"]),
        ("one\n", ["one"]),
        ("one\ntwo", ["one", "two"]),
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("one\r\r\n", ["one\r"]),
        ("one\rtwo", ["one\rtwo"]),
        ("\n\none\n\n\ntwo\n", ["one", "two"]),
        ("\r\n\r\n", []),
        ("", []),
        ("  \n\t", ["  ", "\t"]),
        ("a\0b", ["a\ufffdb"]),
        (b"a\xffb\n\xc3", ["a\ufffdb", "\ufffd"]),
        ("\u2028a\u2028b\x0bc\x0cd\x85e", ["\u2028a\u2028b\x0bc\x0cd\x85e"]),
        ("\ufeffa", ["\ufeffa"]),
        ('{"message":"m"}', ['{"message":"m"}']),
        ("\u00e9 \u4e2d \U0001f600", ["\u00e9 \u4e2d \U0001f600"]),
    ],
)
def test_a_line_is_an_entry(server: JupyterServer, session: str, body: str | bytes, expected: list[str]) -> None:
    answer = append(server, session, body)
    assert answer.status_code == 200
    count = len(expected)
    assert answer.json() == {"appended": count, "cursor": count, "total": count}
    assert messages(server, session) == expected


def test_text_has_no_level(server: JupyterServer, session: str) -> None:
    append(server, session, "ERROR: bad")
    assert "level" not in read(server, session)["entries"][0]


@pytest.mark.parametrize("media", ["text/plain", "text/plain; charset=utf-8", "TEXT/PLAIN"])
def test_text_is_read_by_its_names(server: JupyterServer, session: str, media: str) -> None:
    assert append(server, session, "line", media).json()["appended"] == 1


def test_a_body_without_a_type_is_text(server: JupyterServer, session: str) -> None:
    with server.client() as client:
        request = client.build_request("POST", f"sessions/{session}/log", content=b"{}")
        assert "Content-Type" not in request.headers
        assert client.send(request).json()["appended"] == 1


@pytest.mark.parametrize("media", ["application/xml", "text/html", "application/octet-stream", "nonsense"])
def test_another_type_is_refused(server: JupyterServer, session: str, media: str) -> None:
    refused(append(server, session, "line", media), 415, "unsupported_media_type", media)
    assert messages(server, session) == []


# Appending JSON


def test_one_object_is_one_entry(server: JupyterServer, session: str) -> None:
    assert append(server, session, {"message": "one\ntwo"}).json() == {"appended": 1, "cursor": 1, "total": 1}
    assert messages(server, session) == ["one\ntwo"]


def test_entries_are_many(server: JupyterServer, session: str) -> None:
    assert append(server, session, {"entries": [{"message": "a"}, {"message": ""}]}).json()["appended"] == 2
    assert messages(server, session) == ["a", ""]
    assert append(server, session, {"entries": []}).json() == {"appended": 0, "cursor": 2, "total": 2}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("debug", "debug"), ("info", "info"), ("warn", "warn"), ("error", "error"), ("INFO", "info"),
        ("Warning", "warn"), ("trace", "debug"), ("critical", "error"), ("FATAL", "error"),
    ],
)  # fmt: skip
def test_levels_fold_to_four(server: JupyterServer, session: str, given: str, kept: str) -> None:
    append(server, session, {"message": "m", "level": given})
    assert read(server, session)["entries"][0]["level"] == kept


def test_level_null_is_no_level(server: JupyterServer, session: str) -> None:
    append(server, session, {"message": "m", "level": None, "data": None, "timestamp": None, "logger": None})
    assert set(read(server, session)["entries"][0]) == {"index", "timestamp", "message"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-11-21T14:02:10Z", "2026-11-21T14:02:10.000000Z"),
        ("2026-11-21T14:02:10.123456789Z", "2026-11-21T14:02:10.123456789Z"),
        ("2026-11-21T16:02:10+02:00", "2026-11-21T14:02:10.000000Z"),
        ("2026-11-21 14:02:10", "2026-11-21T14:02:10.000000Z"),
        ("2026-11-21", "2026-11-21T00:00:00.000000Z"),
        (1_795_269_730, "2026-11-21T14:02:10.000000Z"),
        (1_795_269_730.5, "2026-11-21T14:02:10.500000Z"),
        (1_795_269_730_123, "2026-11-21T14:02:10.123000Z"),
        (1_795_269_730_123_456, "2026-11-21T14:02:10.123456Z"),
        (1_795_269_730_123_456_789, "2026-11-21T14:02:10.123456789Z"),
        (0, "1970-01-01T00:00:00.000000Z"),
        (-1, "1969-12-31T23:59:59.000000Z"),
    ],
)
def test_a_timestamp_is_iso_or_epoch(server: JupyterServer, session: str, given: Any, kept: str) -> None:
    assert append(server, session, {"message": "m", "timestamp": given}).status_code == 200
    assert read(server, session)["entries"][0]["timestamp"] == kept


def test_an_old_timestamp_reorders_nothing(server: JupyterServer, session: str) -> None:
    append(server, session, {"message": "new"})
    append(server, session, {"message": "old", "timestamp": 0})
    assert messages(server, session) == ["new", "old"]


BAD = [
    ({}, "missing_field"),
    ({"level": "info"}, "missing_field"),
    ({"message": None}, "bad_field"),
    ({"message": 1}, "bad_field"),
    ({"message": ["m"]}, "bad_field"),
    ({"message": "m", "level": "loud"}, "bad_level"),
    ({"message": "m", "level": 3}, "bad_field"),
    ({"message": "m", "data": [1]}, "bad_field"),
    ({"message": "m", "data": "text"}, "bad_field"),
    ({"message": "m", "timestamp": "yesterday"}, "bad_time"),
    ({"message": "m", "timestamp": "2026-13-01"}, "bad_time"),
    ({"message": "m", "timestamp": True}, "bad_field"),
    ({"message": "m", "timestamp": 10**30}, "bad_time"),
    ({"message": "m", "timestamp": "9999-01-01"}, "bad_time"),
    ({"message": "m", "logger": 5}, "bad_field"),
    ({"format": 5}, "bad_field"),
    ({"format": "f", "fields": [1]}, "bad_field"),
]


@pytest.mark.parametrize(("entry", "reason"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_entry_is_refused(server: JupyterServer, session: str, entry: dict[str, Any], reason: str) -> None:
    refused(append(server, session, entry), 400, reason)
    assert messages(server, session) == []


@pytest.mark.parametrize(("entry", "reason"), BAD, ids=lambda value: str(value)[:40])
def test_one_bad_entry_refuses_the_whole_batch(
    server: JupyterServer, session: str, entry: dict[str, Any], reason: str
) -> None:
    answer = append(server, session, {"entries": [{"message": "good"}, entry, {"message": "good"}]})
    body = refused(answer, 400, reason)
    assert "1" in body["message"]
    assert messages(server, session) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "bad_json"), (b"[]", "bad_field"), (b'[{"message":"m"}]', "bad_field"), (b"null", "bad_field"),
        (b'"m"', "bad_field"), (b"5", "bad_field"), (b'{"entries":5}', "bad_field"), (b'{"entries":{}}', "bad_field"),
        (b'{"entries":null}', "bad_field"), (b'{"entries":["m"]}', "bad_field"), (b'{"entries":[null]}', "bad_field"),
        (b'{"message":"m"', "bad_json"), (b'{"message":"\xff"}', "bad_json"), (b'{"message":"m"}x', "bad_json"),
        (b'{"message":"m","data":{"a":"\xff"}}', "bad_json"), (b'{"message":"\\ud800"}', "bad_json"),
        (b'{"message":"m","data":{"a":"\\ud800"}}', "bad_json"), (b'{"messages":"m"}', "missing_field"),
    ],
)  # fmt: skip
def test_json_that_is_no_entry_is_refused(server: JupyterServer, session: str, body: bytes, reason: str) -> None:
    refused(append(server, session, body, "application/json"), 400, reason)
    assert messages(server, session) == []


def test_unknown_keys_of_an_entry_are_ignored(server: JupyterServer, session: str) -> None:
    assert append(server, session, {"message": "m", "color": "red", "entries": 1}).json()["appended"] == 1


def test_nul_is_replaced_in_json_too(server: JupyterServer, session: str) -> None:
    append(server, session, {"message": "a\0b", "logger": "l\0"})
    entry = read(server, session)["entries"][0]
    assert (entry["message"], entry["logger"]) == ("a\ufffdb", "l\ufffd")


def test_data_comes_back_as_it_was(server: JupyterServer, session: str) -> None:
    data = {"n": 1.5, "big": 12345678901234567890, "deep": {"a": [None, True, {"\u00e9": "\U0001f600"}]}, "": ""}
    append(server, session, {"message": "m", "data": data})
    assert read(server, session)["entries"][0]["data"] == data


# Structured entries


@pytest.mark.parametrize(
    ("template", "fields", "text"),
    [
        ("user {user.name} did {what}", {"user": {"name": "Ada"}, "what": "x"}, "user Ada did x"),
        ("{a[0]} {a[1].b} {a[9]}", {"a": [1, {"b": True}]}, "1 true "),
        ("{missing} {a.b.c}", {"a": 1}, " "),
        ("{{literal}} {a}", {"a": 1}, "{literal} 1"),
        ("{a:>3} {a!r} { a }", {"a": 1}, "{a:>3} {a!r} { a }"),
        ("{a}", {"a": {"b": [1]}}, '{"b":[1]}'),
        ("{a}{b}{c}", {"a": None, "b": 1.5, "c": False}, "1.5false"),
        ("{a.b}", {"a.b": "whole key"}, "whole key"),
        ("} {", {}, "} {"),
        ("{}", {"": 1}, "{}"),
        ("{a", {"a": 1}, "{a"),
        ("no placeholders", {}, "no placeholders"),
        ("", {}, ""),
        ("{a}", {"a": "{b}", "b": 1}, "{b}"),
        ("{a.__class__}", {"a": "x"}, ""),
        ("{\u00e9}", {"\u00e9": "\u00e9"}, "\u00e9"),
        ("{a}\0", {"a": "x\0"}, "x\ufffd\ufffd"),
    ],
)
def test_a_format_is_rendered_and_kept(
    server: JupyterServer, session: str, template: str, fields: dict[str, Any], text: str
) -> None:
    assert append(server, session, {"format": template, "fields": fields}).status_code == 200
    entry = read(server, session)["entries"][0]
    assert entry["message"] == text
    assert entry["data"] == {"format": template.replace("\0", "\ufffd"), "fields": fields}


def test_a_message_beside_a_format_wins(server: JupyterServer, session: str) -> None:
    append(server, session, {"message": "said", "format": "{a}", "fields": {"a": 1}, "data": {"more": 2}})
    entry = read(server, session)["entries"][0]
    assert entry["message"] == "said"
    assert entry["data"] == {"more": 2, "format": "{a}", "fields": {"a": 1}}


def test_a_format_needs_no_fields(server: JupyterServer, session: str) -> None:
    append(server, session, {"format": "plain {a}"})
    assert messages(server, session) == ["plain "]


def test_a_rendering_is_a_message_and_has_its_limit(server: JupyterServer, session: str) -> None:
    bomb = {"format": "{a}" * 20_000, "fields": {"a": "x" * 500}}
    refused(append(server, session, bomb), 413, "too_large", "message")


# Activity


def test_an_append_moves_only_the_activity(server: JupyterServer, session: str) -> None:
    before = server.get(f"sessions/{session}").json()
    append(server, session, "line")
    after = server.get(f"sessions/{session}").json()
    assert after["last_activity_at"] > before["last_activity_at"]
    assert after["updated_at"] == before["updated_at"]
    assert after["rev"] > before["rev"]
    assert after["log_count"] == 1


def test_an_error_line_is_no_error_of_the_session(server: JupyterServer, session: str) -> None:
    append(server, session, {"message": "m", "level": "error"})
    assert server.get(f"sessions/{session}").json()["error_count"] == 0


# The ring


@pytest.fixture
def ringed(small: JupyterServer, fresh: str) -> str:
    small.post(f"sessions/{fresh}", json={"appname": "test"})
    return fresh


def test_the_oldest_go_first_and_keep_their_numbers(small: JupyterServer, ringed: str) -> None:
    for first in range(0, 25, 5):
        append(small, ringed, numbered(5, first))
    body = read(small, ringed)
    assert (body["total"], body["cursor"], body["offset"], body["dropped"]) == (RING, 25, 0, 0)
    assert [e["index"] for e in body["entries"]] == list(range(15, 25))
    assert body["entries"][0]["message"] == "line 15"


def test_a_cursor_in_evicted_ground_says_how_many_were_missed(small: JupyterServer, ringed: str) -> None:
    append(small, ringed, numbered(8))
    append(small, ringed, numbered(8, 8))
    body = read(small, ringed, cursor=2)
    assert (body["dropped"], body["entries"][0]["index"], body["cursor"]) == (4, 6, 16)
    assert read(small, ringed, cursor=6)["dropped"] == 0
    assert read(small, ringed, cursor=5, limit=3)["cursor"] == 9
    assert messages(small, ringed, offset=8) == ["line 14", "line 15"]


def test_a_batch_beyond_the_ring_keeps_its_last_and_counts_all(small: JupyterServer, ringed: str) -> None:
    append(small, ringed, "early")
    assert append(small, ringed, numbered(35)).json() == {"appended": 35, "cursor": 36, "total": RING}
    body = read(small, ringed, cursor=0)
    assert body["dropped"] == 26
    assert [e["message"] for e in body["entries"]] == [f"line {n}" for n in range(25, 35)]
    assert small.get(f"sessions/{ringed}").json()["log_count"] == 36


def test_a_filter_in_evicted_ground_says_so_too(small: JupyterServer, ringed: str) -> None:
    append(small, ringed, numbered(30))
    body = read(small, ringed, cursor=0, q="line 29")
    assert (body["dropped"], body["count"], body["cursor"]) == (20, 1, 30)


@pytest.mark.parametrize("size", [3, 7, 10, 13])
def test_after_many_appends_no_number_is_missing(small: JupyterServer, ringed: str, size: int) -> None:
    for first in range(0, 60 * size, size):
        body = append(small, ringed, numbered(size, first)).json()
        assert body["cursor"] == first + size
    kept = [e["index"] for e in read(small, ringed)["entries"]]
    assert kept == list(range(60 * size - RING, 60 * size))


def test_everything_is_there_after_a_restart(home: Path, small: JupyterServer, ringed: str) -> None:
    append(small, ringed, numbered(12))
    before = read(small, ringed)
    small.stop()
    small.start()
    assert read(small, ringed) == before
    assert append(small, ringed, "next").json()["cursor"] == 13
    assert json.loads(small.get(f"sessions/{ringed}").text)["open"] is True
