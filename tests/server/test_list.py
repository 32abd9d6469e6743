"""The list: groups, filters, sorting, pages, totals, and what changed since."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from jupyter_sessions.service.filters import PARAMETERS
from jupyter_sessions.store.protocol import SORTS
from tests.server.conftest import Create
from tests.server.test_sessions_api import refused
from tests.support.jupyter import JupyterServer, running


def listed(server: JupyterServer, **query: Any) -> dict[str, Any]:
    answer = server.get("sessions/", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def ids(server: JupyterServer, **query: Any) -> list[str]:
    return [session["id"] for session in listed(server, **query)["sessions"]]


@pytest.fixture
def here(fresh: str) -> str:
    """An environment of this test alone: a filter for its own sessions."""
    return f"env-{fresh}"


# Shape and groups


def test_the_list_says_whose_it_is_and_how_long(server: JupyterServer, session: str) -> None:
    body = listed(server)
    assert body["self_id"] in [s["id"] for s in body["sessions"]]
    assert session in [s["id"] for s in body["sessions"]]
    assert body["total"] == len(body["sessions"])
    assert body["total_is"] == "exact"
    assert body["rev"] >= max(s["rev"] for s in body["sessions"])
    assert "next" not in body


def test_a_row_of_the_list_is_the_session(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    create(fresh, environment=here, metadata={"a": [1]}, title="t", dimensions={"k": "v"})
    server.delete(f"sessions/{fresh}")
    (row,) = listed(server, environment=here, status="all")["sessions"]
    assert row == server.get(f"sessions/{fresh}").json()


@pytest.fixture(scope="module")
def groups(server: JupyterServer) -> str:
    """One session in each status that the API can bring about."""
    ways: dict[str, list[str]] = {
        "active": [],
        "escalated": ["escalate"],
        "completed": ["complete"],
        "failed": ["fail"],
        "ended": ["end"],
        "archived": ["end", "archive"],
        "idle": [],
    }
    for status, actions in ways.items():
        kind = "conversation" if status == "idle" else "client"
        server.post(f"sessions/group-{status}", json={"appname": "t", "kind": kind, "environment": "groups"})
        for action in actions:
            answer = server.post(f"sessions/group-{status}/{action}")
        assert server.get(f"sessions/group-{status}").json()["status"] == status, answer.text
    return "groups"


OPEN, CLOSED, ARCHIVED = {"active", "idle", "escalated"}, {"completed", "failed", "ended"}, {"archived"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, OPEN),
        ({"status": "active"}, OPEN),
        ({"status": "ended"}, CLOSED),
        ({"status": "all"}, OPEN | CLOSED | ARCHIVED),
        ({"state": "active"}, {"active"}),
        ({"state": "failed,completed"}, {"failed", "completed"}),
        ({"state": ["failed", "idle"]}, {"failed", "idle"}),
        ({"state": "archived"}, ARCHIVED),
        ({"state": "active,failed", "status": "active"}, {"active"}),
        ({"state": "active,failed", "status": "ended"}, {"failed"}),
        ({"state": "archived", "status": "ended"}, set()),
        ({"state": "abandoned"}, set()),
        ({"state": ",active,"}, {"active"}),
    ],
    ids=str,
)
def test_groups_and_states(server: JupyterServer, groups: str, query: dict[str, Any], expected: set[str]) -> None:
    body = listed(server, environment=groups, **query)
    assert {s["status"] for s in body["sessions"]} == expected
    assert body["total"] == len(expected)


# Filters

FIELDS = ["agent", "environment", "channel", "version", "deployment", "room", "user", "appname", "mode", "jobid"]


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_filters_exactly_and_by_comma_list(server: JupyterServer, fresh: str, name: str) -> None:
    values = [f"{fresh}-one", f"{fresh}-two", f"{fresh}-three"]
    for n, value in enumerate(values):
        assert server.post(f"sessions/{fresh}-{n}", json={"appname": "t", name: value}).status_code == 201
    assert ids(server, **{name: values[0]}) == [f"{fresh}-0"]
    assert set(ids(server, **{name: f"{values[0]}, {values[2]}"})) == {f"{fresh}-0", f"{fresh}-2"}
    assert set(ids(server, **{name: values[:2]})) == {f"{fresh}-0", f"{fresh}-1"}
    assert ids(server, **{name: fresh}) == []
    assert ids(server, **{name: values[0].upper()}) == []


def test_a_value_with_a_comma_of_its_own_is_found(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    create(fresh, agent="one, two", environment=here)
    create(f"{fresh}-b", agent="one", environment=here)
    assert set(ids(server, agent="one, two", environment=here)) == {fresh, f"{fresh}-b"}


@pytest.mark.parametrize(
    "text", ["%", "_", "'", '"', "\\", "\u00e9\u4e2d", "a=b&c", "x'; DROP TABLE sessions; --", "*"]
)
def test_a_filter_is_text_and_nothing_else(
    server: JupyterServer, create: Create, fresh: str, here: str, text: str
) -> None:
    create(fresh, agent=text, environment=here)
    create(f"{fresh}-b", agent="other", environment=here)
    assert ids(server, agent=text, environment=here) == [fresh]


def test_kind_and_origin_filter(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    create(fresh, kind="room", environment=here)
    create(f"{fresh}-b", kind="kernel", environment=here)
    assert ids(server, kind="room", environment=here) == [fresh]
    assert len(ids(server, kind="room,kernel", environment=here)) == 2
    assert len(ids(server, origin="api", environment=here)) == 2
    assert ids(server, origin="telemetry", environment=here) == []


def test_filters_are_and_across(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    for n, (agent, channel) in enumerate([("a", "x"), ("a", "y"), ("b", "x")]):
        create(f"{fresh}-{n}", agent=agent, channel=channel, environment=here)
    assert ids(server, agent="a", channel="x", environment=here) == [f"{fresh}-0"]
    assert len(ids(server, agent="a,b", channel="x", environment=here)) == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("meta.a", "1"),
        ("meta.b.c", "deep"),
        ("meta.b.d", "true"),
        ("meta.l", "two"),
        ("meta.f", "1.5"),
        ("meta.n", "null"),
        ("dim.team", "red"),
        ("meta.\u00e9", "\u00fc"),
        ("meta.k with space", "v"),
        ("dim.a.b", "dotted"),
    ],
)
def test_metadata_and_dimensions_filter(
    server: JupyterServer, create: Create, fresh: str, here: str, key: str, value: str
) -> None:
    metadata = {
        "a": 1,
        "b": {"c": "deep", "d": True},
        "l": ["one", "two"],
        "f": 1.5,
        "n": None,
        "\u00e9": "\u00fc",
        "k with space": "v",
    }
    create(fresh, environment=here, metadata=metadata, dimensions={"team": "red", "a.b": "dotted"})
    create(f"{fresh}-other", environment=here, metadata={"a": 2, "b": {"c": "x"}}, dimensions={"team": "blue"})
    assert ids(server, environment=here, **{key: value}) == [fresh]
    assert ids(server, environment=here, **{key: f"nothing,{value}"}) == [fresh]
    assert ids(server, environment=here, **{key: "nothing"}) == []


def test_a_changed_metadata_is_found_by_its_new_value_only(
    server: JupyterServer, create: Create, fresh: str, here: str
) -> None:
    create(fresh, environment=here, metadata={"a": "old"})
    server.put(f"sessions/{fresh}", json={"metadata": {"a": "new"}})
    assert ids(server, environment=here, **{"meta.a": "old"}) == []
    assert ids(server, environment=here, **{"meta.a": "new"}) == [fresh]


def test_a_long_value_is_found_whole(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    create(fresh, environment=here, metadata={"a": "x" * 3000})
    assert ids(server, environment=here, **{"meta.a": "x" * 3000}) == [fresh]
    assert ids(server, environment=here, **{"meta.a": "x" * 2999}) == []


def test_a_label_of_a_note_filters(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    create(fresh, environment=here)
    create(f"{fresh}-b", environment=here)
    server.post(f"sessions/{fresh}/notes", json={"label": "good"})
    assert ids(server, environment=here, label="good") == [fresh]
    assert ids(server, environment=here, label="bad") == []
    assert ids(server, environment=here, model="any") == []


def test_q_looks_at_id_title_names_metadata_and_notes(
    server: JupyterServer, create: Create, fresh: str, here: str
) -> None:
    create(fresh, environment=here, title="Zebra crossing", metadata={"colour": {"sky": "cerulean"}}, agent="Mongoose")
    server.post(f"sessions/{fresh}/notes", json={"text": "marvellous outcome"})
    create(f"{fresh}-b", environment=here)
    for q in ("zebra", "ZEBRA", "zeb", "cross zebra", "cerulean", "colour", "mongoose", "marvel", fresh):
        assert fresh in ids(server, environment=here, q=q), q
    for q in ("ebra", "zebra nowhere", "%", "!!!"):
        assert ids(server, environment=here, q=q) == [], q
    server.post(f"sessions/{fresh}", json={"title": "Horse"})
    assert ids(server, environment=here, q="zebra") == []
    assert ids(server, environment=here, q="horse") == [fresh]


@pytest.mark.parametrize(
    "q", ['"', "'", "a OR b", "NEAR(a b)", "a*", "*", "(", "title:x", "-", "a\0b", "^a", "{a b}", "\u4e2d"]
)
def test_q_is_no_language_of_its_own(server: JupyterServer, q: str) -> None:
    assert server.get("sessions/", params={"q": q}).status_code == 200


def test_since_and_until_mean_overlap(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    create(f"{fresh}-ended", environment=here)
    ended = server.delete(f"sessions/{fresh}-ended").json()
    opened = create(f"{fresh}-open", environment=here)
    query = {"environment": here, "status": "all"}
    both = {f"{fresh}-ended", f"{fresh}-open"}
    assert set(ids(server, since=ended["created_at"], **query)) == both
    assert set(ids(server, since=ended["ended_at"], **query)) == both  # the range's ends count
    assert ids(server, since=opened["created_at"], **query) == [f"{fresh}-open"]
    assert set(ids(server, since="2099-01-01", **query)) == {f"{fresh}-open"}  # it still runs
    assert ids(server, until=ended["ended_at"], **query) == [f"{fresh}-ended"]
    assert set(ids(server, until=opened["created_at"], **query)) == both
    assert ids(server, until="2001-01-01", **query) == []
    assert ids(server, since=ended["created_at"], until=ended["ended_at"], **query) == [f"{fresh}-ended"]
    assert set(ids(server, since="0", until="2099-01-01T00:00:00+02:00", **query)) == both
    assert ids(server, since="2099-01-01", until="2001-01-01", **query) == []


def test_min_duration_counts_an_open_session_until_now(
    server: JupyterServer, create: Create, fresh: str, here: str
) -> None:
    create(fresh, environment=here)
    create(f"{fresh}-b", environment=here)
    server.delete(f"sessions/{fresh}-b")
    query = {"environment": here, "status": "all"}
    assert len(ids(server, min_duration="0", **query)) == 2
    assert ids(server, min_duration="1h", **query) == []
    for text in ("1ms", "0.001s", "1"):
        assert fresh in ids(server, min_duration=text, **query)


def test_has_errors(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    create(fresh, environment=here)
    assert ids(server, environment=here, has_errors="true") == []
    assert ids(server, environment=here, has_errors="false") == [fresh]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("status", "open", "status"),
        ("status", "", "status"),
        ("status", "ACTIVE", "status"),
        ("state", "open", "state"),
        ("state", "active,dead", "dead"),
        ("kind", "pet", "kind"),
        ("origin", "x", "origin"),
        ("sort", "colour", "sort"),
        ("sort", "--created_at", "sort"),
        ("sort", "-", "sort"),
        ("limit", "-1", "limit"),
        ("limit", "x", "limit"),
        ("limit", "1.5", "limit"),
        ("limit", "", "limit"),
        ("limit", "9" * 5000, "limit"),
        ("after_rev", "-1", "after_rev"),
        ("after_rev", "x", "after_rev"),
        ("after_rev", str(2**63), "after_rev"),
        ("total", "yes", "total"),
        ("has_errors", "maybe", "has_errors"),
        ("since", "yesterday", "yesterday"),
        ("until", "2026-02-30", "2026-02-30"),
        ("since", "nan", ""),
        ("since", "inf", ""),
        ("since", "9" * 5000, ""),
        ("until", "1e999", ""),
        ("since", "9999-01-01", ""),
        ("min_duration", "soon", "soon"),
        ("min_duration", "-1s", "-1s"),
        ("min_duration", "1y", "1y"),
        ("next", "!!!", "next"),
        ("next", "abcd", "next"),
        ("next", "\u00e9", "next"),
    ],
)
def test_a_value_that_means_nothing_is_refused(server: JupyterServer, name: str, value: str, word: str) -> None:
    answer = server.get("sessions/", params={name: value})
    assert answer.status_code == 400, answer.text
    assert word in answer.json()["message"]
    assert len(answer.json()["message"]) < 500


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("stat", "state"),
        ("agnet", "agent"),
        ("envrionment", "environment"),
        ("dimension.k", None),
        ("meta", "meta.KEY"),
        ("dim.", "dim.KEY"),
        ("xyzzy", None),
        ("Agent", "agent"),
        ("offset", None),
        ("cursor", None),
    ],
)
def test_an_unknown_filter_is_refused_with_the_nearest_name(server: JupyterServer, name: str, near: str | None) -> None:
    body = refused(server.get("sessions/", params={name: "x"}), 400, "unknown_filter", repr(name))
    if near:
        assert f"Did you mean {near!r}" in body["message"]


def test_a_query_that_is_no_utf8_is_refused(server: JupyterServer) -> None:
    refused(server.get("sessions/?q=%ff"), 400, "bad_query")
    refused(server.get("sessions/?%ff=1"), 400, "bad_query")


def test_more_filters_than_anybody_needs_are_refused(server: JupyterServer) -> None:
    query = "&".join(f"meta.k{n}=1" for n in range(150))
    refused(server.get(f"sessions/?{query}"), 400, "bad_query", "filters")


def test_more_values_than_a_filter_takes_are_refused_not_cut(server: JupyterServer) -> None:
    refused(server.get("sessions/?agent=" + ",".join(f"a{n}" for n in range(300))), 400, "bad_query", "agent")


# Sort


@pytest.fixture(scope="module")
def sortable(server: JupyterServer) -> Iterator[str]:
    """Seven sessions whose sort values tie, differ and are missing."""
    rows = [("d", "zeta"), ("b", None), ("a", "alpha"), ("c", None), ("e", "alpha"), ("f", "beta"), ("g", None)]
    for n, (name, agent) in enumerate(rows):
        body = {"appname": f"app{n % 3}", "environment": "sortable", **({"agent": agent} if agent else {})}
        assert server.post(f"sessions/sort-{name}", json=body).status_code == 201
    for name in "bcf":
        server.delete(f"sessions/sort-{name}")
    return "sortable"


FIGURES = {"messages": "message_count", "traces": "trace_count", "cost": "cost_usd", "errors": "error_count"}


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("reverse", [False, True])
def test_every_sort_orders_with_nulls_last_and_ties_by_id(
    server: JupyterServer, sortable: str, sort: str, reverse: bool
) -> None:
    query = {"environment": sortable, "status": "all", "sort": f"-{sort}" if reverse else sort}
    rows = listed(server, **query)["sessions"]
    assert len(rows) == 7
    if sort == "duration":
        pairs = [(row["duration_ms"] if not row["open"] else float("inf"), row["id"]) for row in rows]
        ended = [pair for pair in pairs if pair[0] != float("inf")]
        assert ended == sorted(ended, key=lambda pair: -pair[0] if reverse else pair[0])
        return
    pairs = [(row.get(FIGURES.get(sort, sort)), row["id"]) for row in rows]
    by_id = sorted(pairs, key=lambda pair: pair[1])
    known = sorted((pair for pair in by_id if pair[0] is not None), key=lambda pair: pair[0], reverse=reverse)
    known.sort(key=lambda pair: pair[0], reverse=reverse)
    assert pairs == known + [pair for pair in by_id if pair[0] is None]


def test_the_newest_come_first_by_default(server: JupyterServer, sortable: str) -> None:
    query = {"environment": sortable, "status": "all"}
    assert ids(server, **query) == ids(server, sort="-created_at", **query) == [f"sort-{name}" for name in "gfecabd"]


# Pages


def pages(server: JupyterServer, **query: Any) -> Iterator[list[dict[str, Any]]]:
    body = listed(server, **query)
    yield body["sessions"]
    while "next" in body:
        body = listed(server, next=body["next"], **query)
        yield body["sessions"]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_pages_of_every_sort_show_each_session_once(server: JupyterServer, sortable: str, sort: str, sign: str) -> None:
    query = {"environment": sortable, "status": "all", "sort": sign + sort}
    whole = ids(server, **query)
    for limit in (1, 2, 3, 7):
        found = [row["id"] for page in pages(server, limit=limit, **query) for row in page]
        assert found == whole, limit


def test_paging_is_stable_while_sessions_come(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    before = {create(f"{fresh}-{n}", environment=here)["id"] for n in range(6)}
    found: list[str] = []
    for n, page in enumerate(pages(server, environment=here, limit=2)):
        found += [row["id"] for row in page]
        create(f"{fresh}-new-{n}", environment=here)
    assert len(found) == len(set(found))
    assert before <= set(found)


def test_a_page_that_holds_all_has_no_next(server: JupyterServer, sortable: str) -> None:
    assert "next" not in listed(server, environment=sortable, status="all", limit=7)
    assert "next" in listed(server, environment=sortable, status="all", limit=6)
    body = listed(server, environment=sortable, status="all", limit=0)
    assert (body["sessions"], body["total"]) == ([], 7)


def test_a_limit_above_the_cap_is_clamped(server: JupyterServer) -> None:
    assert listed(server, limit=10**12)["total"] > 0


@pytest.mark.parametrize(
    "other",
    [
        {"status": "active"},
        {"sort": "created_at"},
        {"sort": "agent"},
        {"environment": "elsewhere"},
        {"agent": "a"},
        {"q": "a"},
        {"meta.a": "1"},
        {"since": "0"},
    ],
)
def test_next_belongs_to_its_query(server: JupyterServer, sortable: str, other: dict[str, str]) -> None:
    query = {"environment": sortable, "status": "all", "limit": "2"}
    token = listed(server, **query)["next"]
    refused(server.get("sessions/", params={**query, "next": token, **other}), 400, "bad_cursor", "next")


def test_next_goes_with_another_limit(server: JupyterServer, sortable: str) -> None:
    query = {"environment": sortable, "status": "all"}
    token = listed(server, limit=2, **query)["next"]
    assert ids(server, limit=5, next=token, **query) == ids(server, **query)[2:]


@pytest.mark.parametrize("value", [10**30, -(10**30), [1], {"a": 1}, True, "text"])
@pytest.mark.parametrize("place", [1, 2])
def test_a_forged_next_is_refused_or_harmless(server: JupyterServer, sortable: str, place: int, value: Any) -> None:
    query = {"environment": sortable, "status": "all", "limit": "2"}
    token = listed(server, **query)["next"]
    parts = json.loads(base64.urlsafe_b64decode(token + "=="))
    parts[place] = value
    forged = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    assert server.get("sessions/", params={**query, "next": forged}).status_code in (200, 400)


# Totals


def test_the_total_counts_all_pages(server: JupyterServer, sortable: str) -> None:
    body = listed(server, environment=sortable, status="all", limit=2)
    assert (len(body["sessions"]), body["total"], body["total_is"]) == (2, 7, "exact")
    second = listed(server, environment=sortable, status="all", limit=2, next=body["next"])
    assert (second["total"], second["total_is"]) == (7, "exact")
    assert listed(server, environment=sortable, status="all", total="exact")["total"] == 7


# What changed since


def changes(server: JupyterServer, rev: int, **query: Any) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in listed(server, after_rev=rev, **query)["sessions"]}


def test_after_rev_gives_only_what_changed(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    for n in range(3):
        create(f"{fresh}-{n}", environment=here)
    rev = listed(server, environment=here)["rev"]
    assert changes(server, rev, environment=here) == {}
    server.post(f"sessions/{fresh}-1", json={"mode": "m"})
    server.post(f"sessions/{fresh}-2/log", content="line")
    found = changes(server, rev, environment=here)
    assert set(found) == {f"{fresh}-1", f"{fresh}-2"}
    assert found[f"{fresh}-1"]["mode"] == "m"
    assert found[f"{fresh}-2"]["log_count"] == 1


def test_a_session_that_is_purged_or_no_longer_fits_is_gone(
    server: JupyterServer, create: Create, fresh: str, here: str
) -> None:
    for n in range(3):
        create(f"{fresh}-{n}", environment=here)
    rev = listed(server, environment=here)["rev"]
    server.delete(f"sessions/{fresh}-0?purge=true")
    server.delete(f"sessions/{fresh}-1")
    server.post(f"sessions/{fresh}-2", json={"environment": f"{here}-b"})
    found = changes(server, rev, environment=here)
    for n in range(3):
        assert found[f"{fresh}-{n}"] == {"key": f"{fresh}-{n}", "id": f"{fresh}-{n}", "gone": True}
    assert changes(server, rev, environment=here, status="all")[f"{fresh}-1"]["status"] == "ended"


def test_a_reader_by_rev_ends_with_the_same_list(server: JupyterServer, create: Create, fresh: str, here: str) -> None:
    for n in range(7):
        create(f"{fresh}-{n}", environment=here)
    server.delete(f"sessions/{fresh}-3?purge=true")
    known: dict[str, Any] = {}
    rev = 0
    while True:
        body = listed(server, after_rev=rev, limit=5, environment=here)
        for row in body["sessions"]:
            if row.get("gone"):
                known.pop(row["id"], None)
            else:
                known[row["id"]] = row
        if body["rev"] == rev:
            break
        rev = body["rev"]
    assert set(known) == set(ids(server, environment=here))
    assert f"{fresh}-3" not in known


def test_after_rev_of_the_future_is_empty(server: JupyterServer) -> None:
    body = listed(server, after_rev=2**62)
    assert body["sessions"] == []


def test_every_parameter_of_the_description_is_taken(server: JupyterServer) -> None:
    values = {
        "status": "all",
        "state": "active",
        "kind": "client",
        "origin": "api",
        "since": "0",
        "until": "4000000000",
        "min_duration": "1s",
        "has_errors": "false",
        "sort": "-cost",
        "limit": "5",
        "total": "exact",
        "after_rev": "0",
    }
    for name in PARAMETERS:
        if name != "next":
            assert server.get("sessions/", params={name: values.get(name, "x")}).status_code == 200, name


@pytest.mark.slow
def test_beyond_ten_thousand_the_total_is_at_least_that(tmp_path: Path) -> None:
    with running(tmp_path) as server:

        def fill(worker: int) -> None:
            with server.client() as client:
                for n in range(1300):
                    client.post(f"sessions/s-{worker}-{n}", json={"appname": "t"}).raise_for_status()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(fill, range(8)))
        body = listed(server, appname="t", limit=1)
        assert (body["total"], body["total_is"]) == (10_000, "at_least")
        body = listed(server, appname="t", limit=1, total="exact")
        assert (body["total"], body["total_is"]) == (10_400, "exact")
        assert len(ids(server)) == 1000
        assert len(ids(server, limit=10**9)) == 5000
        found = [row["id"] for page in pages(server, limit=5000, appname="t") for row in page]
        assert len(found) == len(set(found)) == 10_400
