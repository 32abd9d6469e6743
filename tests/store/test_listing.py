"""The list: every filter, every sort, every page, compared with a few lines of Python that do the same slowly."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jupyter_sessions.model import CLOSED, OPEN, Note, Session
from jupyter_sessions.store.protocol import COUNT_CAP, EQUALS, SORTS, ListQuery, Position
from tests.support.stores import SECOND, T0, Desk, a_query, a_session, found

DAY = 86_400 * SECOND
NOW = T0 + 1000 * DAY

SORTED_BY = {
    "duration": lambda s: (NOW if s.ended_at is None else s.ended_at) - s.created_at,
    "messages": lambda s: s.message_count,
    "traces": lambda s: s.trace_count,
    "cost": lambda s: s.cost_pico,
    "errors": lambda s: s.error_count,
}


# The slow truth


def expected(sessions: list[Session], labels: dict[str, list[str]], query: ListQuery) -> list[str]:
    rows = [s for s in sessions if passes(s, labels.get(s.id, []), query)]
    key = SORTED_BY.get(query.sort, lambda s: getattr(s, query.sort))
    rows.sort(key=lambda s: s.id)
    known = [s for s in rows if key(s) is not None]
    known.sort(key=key, reverse=query.descending)
    return [s.id for s in (*known, *(s for s in rows if key(s) is None))]


def passes(s: Session, labels: list[str], query: ListQuery) -> bool:
    end = NOW if s.ended_at is None else s.ended_at
    return (
        (not query.states or s.status in query.states)
        and all(getattr(s, name) in values for name, values in query.equals)
        and all(set(values) & facet_values(s, labels, key) for key, values in query.facets)
        and (query.q is None or all_words_begin_a_word(query.q, s, labels))
        and (query.since is None or s.ended_at is None or s.ended_at >= query.since)
        and (query.until is None or s.created_at <= query.until)
        and (query.min_duration is None or end - s.created_at >= query.min_duration)
        and (query.has_errors is None or (s.error_count > 0) == query.has_errors)
    )


def facet_values(s: Session, labels: list[str], key: str) -> set[str]:
    if key == "label":
        return set(labels)
    root, *path = key.split(".")
    values = [msgspec.json.decode(s.metadata if root == "meta" else s.dimensions)]
    for step in path:
        values = [v[step] for v in values if isinstance(v, dict) and step in v]
    values = [inner for v in values for inner in (v if isinstance(v, list) else [v])]
    return {v if isinstance(v, str) else msgspec.json.encode(v).decode() for v in values}


def all_words_begin_a_word(q: str, s: Session, labels: list[str]) -> bool:
    text = " ".join(str(v) for v in (s.id, s.appname, s.title, s.agent, s.room, s.metadata, s.dimensions, *labels) if v)
    words = re.findall(r"[a-z0-9]+", text.lower())
    asked = re.findall(r"[a-z0-9]+", q.lower())
    return bool(asked) and all(any(word.startswith(part) for word in words) for part in asked)


# Few values, so that rows tie and filters meet

moments = st.integers(0, 12).map(lambda n: T0 + n * DAY)
lengths = st.sampled_from([0, 1, SECOND, 60 * SECOND, DAY, 3 * DAY, 400 * DAY])
documents = st.sampled_from(
    [{}, {"k": "a"}, {"k": "b"}, {"k": ["a", "b"]}, {"k": {"deep": "a"}}, {"n": 1}, {"n": True}, {"n": None, "k": 1.5}]
)


@st.composite
def sessions(draw) -> Session:
    created = draw(moments)
    ended = draw(st.none() | lengths.map(lambda length: created + length))
    states = OPEN if ended is None else CLOSED | {"archived"}
    return a_session(
        draw(st.sampled_from(["a", "b/c", "B", "é", "s1", "s2", "s3", "s4", "s5", "s6", "s7"])),
        created_at=created,
        updated_at=draw(moments),
        last_activity_at=draw(moments),
        ended_at=ended,
        status=str(draw(st.sampled_from(sorted(str(getattr(state, "value", state)) for state in states)))),
        kind=draw(st.sampled_from(["client", "conversation"])),
        appname=draw(st.sampled_from(["build", "cook", "Cook"])),
        agent=draw(st.sampled_from([None, "alice", "bob"])),
        room=draw(st.sampled_from([None, "red", "blue"])),
        title=draw(st.sampled_from([None, "Red lights", "green"])),
        tokens=draw(st.none() | st.integers(0, 2)),
        cost_pico=draw(st.none() | st.integers(0, 2)),
        message_count=draw(st.integers(0, 2)),
        trace_count=draw(st.integers(0, 2)),
        error_count=draw(st.integers(0, 1)),
        metadata=draw(documents),
        dimensions=draw(st.sampled_from([{}, {"d": "x"}, {"d": "y"}])),
    )


several = {"min_size": 1, "max_size": 2, "unique": True}
queries = st.fixed_dictionaries(
    {"sort": st.sampled_from(SORTS), "descending": st.booleans(), "limit": st.integers(1, 5)},
    optional={
        "states": st.lists(st.sampled_from(["active", "idle", "ended", "failed", "archived", "none"]), **several).map(
            tuple
        ),
        "equals": st.lists(
            st.sampled_from(
                [
                    ("agent", ("alice",)),
                    ("agent", ("alice", "bob")),
                    ("appname", ("cook",)),
                    ("room", ("red", "nowhere")),
                    ("kind", ("client",)),
                    ("mode", ("",)),
                    ("jobid", ("j",)),
                ]
            ),
            max_size=2,
            unique_by=lambda pair: pair[0],
        ).map(tuple),
        "facets": st.lists(
            st.sampled_from(
                [
                    ("meta.k", ("a",)),
                    ("meta.k", ("a", "b")),
                    ("meta.k.deep", ("a",)),
                    ("meta.n", ("1", "true")),
                    ("meta.n", ("null",)),
                    ("meta.k", ("1.5",)),
                    ("dim.d", ("x",)),
                    ("label", ("good",)),
                    ("label", ("good", "bad")),
                    ("model", ("m",)),
                ]
            ),
            max_size=2,
            unique=True,
        ).map(tuple),
        "q": st.sampled_from(["red", "RED li", "green", "cook", "s", "alice b", "", "!", "deep", "nowhere", "s1"]),
        "since": moments.map(lambda t: t + 1) | moments,
        "until": moments.map(lambda t: t - 1) | moments,
        "min_duration": lengths,
        "has_errors": st.booleans(),
    },
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(sessions(), max_size=9, unique_by=lambda s: s.id),
    st.dictionaries(st.sampled_from(["a", "s1", "s2"]), st.lists(st.sampled_from(["good", "bad"]), max_size=2)),
    st.lists(queries, min_size=1, max_size=4),
)
@example([], {}, [{"sort": "created_at", "descending": True, "limit": 1}])
def test_the_list_is_what_a_slow_look_at_each_row_gives(store: Desk, rows, labels, asked):
    fill(store, rows, labels)
    for fields in asked:
        query = a_query(now=NOW, **fields)
        truth = expected(rows, labels, query)
        page = store.read(lambda view, query=query: view.sessions(query))
        assert [row.id for row in page.rows] == truth[: query.limit]
        assert (page.total, page.exact) == (len(truth), True)
        assert page.rev == store.read(lambda view: view.rev())
        assert all_pages(store, query) == truth
        sids = {store.session(row.id).sid: row.id for row in rows}
        fitting = store.read(lambda view, sids=sids, query=query: view.matching(list(sids), query))
        assert {sids[sid] for sid in fitting} == set(truth)


def fill(store, rows, labels):
    def work(tx):
        for old in tx.sessions(a_query(now=NOW)).rows:
            tx.purge(old)
        for row in rows:
            tx.insert(msgspec.structs.replace(row))
            for label in labels.get(row.id, []):
                tx.append_note(found(tx, row.id), Note(T0, label=label))
            # A note moves the times of its session in the service only.

    store.write(work)


def all_pages(store, query) -> list[str]:
    seen: list[str] = []
    while True:
        page = store.read(lambda view, query=query: view.sessions(query))
        seen += [row.id for row in page.rows]
        assert len(page.rows) <= query.limit
        if page.next is None:
            return seen
        assert len(page.rows) == query.limit
        query = msgspec.structs.replace(query, after=page.next)
        assert len(seen) < 1000


def test_every_filter_of_equality_tells_values_apart(store):
    values = {name: f"{name}-value" for name in EQUALS}
    store.insert(a_session("has", **values), a_session("other", **dict.fromkeys(EQUALS, "x")), a_session("none"))
    for name, value in values.items():
        assert store.ids(equals=((name, (value,)),)) == ["has"]
        assert store.ids(equals=((name, ("nothing", value, "x")),), sort="created_at") == ["has", "other"]
        assert store.ids(equals=((name, ("nothing",)),)) == []
    assert store.ids(equals=tuple((name, (value,)) for name, value in values.items())) == ["has"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("with, comma", "with, comma"),
        ("Ünï \U0001f600", "Ünï \U0001f600"),
        (0, "0"),
        (-7, "-7"),
        (1.5, "1.5"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        (2**60, str(2**60)),
        ("x" * 300, "x" * 300),
        ("x" * 256, "x" * 256),
        ("1", "1"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_scalar_of_the_metadata_is_found_by_its_text_wherever_it_is(store, value, text):
    store.insert(
        a_session("flat", metadata={"k": value}),
        a_session("nested", metadata={"a": {"b": {"k": value}}}),
        a_session("listed", metadata={"k": ["other", value]}),
        a_session("objects", metadata={"k": [{"in": value}, {"in": "other"}]}),
        a_session("other", metadata={"k": "something else", "x": value}),
    )
    assert sorted(store.ids(facets=(("meta.k", (text,)),))) == ["flat", "listed"]
    assert store.ids(facets=(("meta.a.b.k", (text,)),)) == ["nested"]
    assert store.ids(facets=(("meta.k.in", (text,)),)) == ["objects"]


def test_long_values_are_told_apart_to_their_last_letter(store):
    store.insert(a_session("a", metadata={"k": "x" * 500 + "a"}), a_session("b", metadata={"k": "x" * 500 + "b"}))
    assert store.ids(facets=(("meta.k", ("x" * 500 + "b",)),)) == ["b"]
    assert store.ids(facets=(("meta.k", ("x" * 500,)),)) == []


def test_a_session_that_has_two_of_the_wanted_values_counts_once(store):
    store.insert(a_session("both", metadata={"k": ["a", "b"]}), a_session("one", metadata={"k": "a"}))
    page = store.read(lambda view: view.sessions(a_query(facets=(("meta.k", ("a", "b")),))))
    assert ([row.id for row in page.rows], page.total) == (["both", "one"], 2)


def test_a_filter_follows_what_the_metadata_says_now(store):
    store.insert(a_session("s", metadata={"k": "old", "stays": 1}, dimensions={"d": "old"}))

    def change(tx):
        session = found(tx, "s")
        session.metadata, session.dimensions = '{"k":"new","stays":1}', '{"d":"new"}'
        tx.save(session)

    store.write(change)
    for key in ("meta.k", "dim.d"):
        assert store.ids(facets=((key, ("old",)),)) == []
        assert store.ids(facets=((key, ("new",)),)) == ["s"]
    assert store.ids(facets=(("meta.stays", ("1",)),)) == ["s"]
    assert (store.ids(q="old"), store.ids(q="new")) == ([], ["s"])


@pytest.mark.parametrize(
    ("q", "hits"),
    [
        ("trip", ["s"]),
        ("TRI", ["s"]),
        ("rip", []),
        ("trip plan", ["s"]),
        ("trip nowhere", []),
        ("munchen", ["s"]),
        ("München", ["s"]),
        ("snake case", ["s"]),
        ("snake_case", ["s"]),
        ('"trip" OR (', []),
        ('"trip" AND*', []),
        ("trip*", ["s"]),
        ("-trip", ["s"]),
        ("text:trip", []),
        ("", []),
        ("   ", []),
        ("???", []),
        ("日本", ["s"]),
        ("\0", []),
        ("trip " * 200, ["s"]),
    ],
)
def test_search_finds_words_by_their_beginning_and_takes_any_question(store, q, hits):
    store.insert(
        a_session("s", appname="trip-planner", title="München", metadata={"k": "snake_case", "t": "日本語"}),
        a_session("other", title="something else"),
    )
    assert store.ids(q=q) == hits


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("descending", [True, False])
def test_paging_to_the_end_shows_each_row_of_the_start_once_while_others_are_inserted(store, sort, descending):
    rows = [
        a_session(
            f"s{n:02}", created_at=T0 + n % 3, ended_at=T0 + n % 5 + 3 if n % 4 else None, agent="x" if n % 2 else None,
            tokens=n % 3 or None, cost_pico=n % 2 or None, message_count=n % 3,
        )
        for n in range(23)
    ]  # fmt: skip
    store.insert(*rows)
    query = a_query(sort=sort, descending=descending, limit=4)
    truth = store.ids(sort=sort, descending=descending)
    seen, number = [], 0
    while True:
        page = store.read(lambda view, query=query: view.sessions(query))
        seen += [row.id for row in page.rows]
        if page.next is None:
            break
        query = msgspec.structs.replace(query, after=page.next)
        for _ in range(2):
            store.insert(a_session(f"new{number}", created_at=T0 + number % 4, tokens=number % 3 or None))
            number += 1
    assert [name for name in seen if name.startswith("s")] == truth
    assert len(set(seen)) == len(seen)


def test_a_position_needs_no_row_that_is_still_there(store):
    store.insert(*(a_session(f"s{n}", created_at=T0 + n) for n in range(5)))
    page = store.read(lambda view: view.sessions(a_query(limit=2)))
    assert page.next == Position(T0 + 3, "s3")
    store.write(lambda tx: tx.purge(found(tx, "s3")))
    assert store.ids(limit=2, after=page.next) == ["s2", "s1"]


def test_a_limit_of_nothing_still_counts(store):
    store.insert(a_session("a"), a_session("b"))
    page = store.read(lambda view: view.sessions(a_query(limit=0)))
    assert (page.rows, page.total, page.exact, page.next) == ([], 2, True, None)


def test_what_runs_when_a_range_begins_counts_however_long_ago_it_began(store):
    store.insert(
        a_session("years", created_at=T0 - 3000 * DAY, ended_at=T0 + 5),
        a_session("open", created_at=T0 - 3000 * DAY),
        a_session("over", created_at=T0 - 3000 * DAY, ended_at=T0 - 1),
        a_session("at the edge", created_at=T0 - 1, ended_at=T0),
        a_session("a point", created_at=T0, ended_at=T0),
        a_session("ended before it began", created_at=T0 + 2, ended_at=T0 + 1),
        a_session("later", created_at=T0 + 11),
    )
    assert sorted(store.ids(since=T0, until=T0 + 10)) == sorted(
        ["years", "open", "at the edge", "a point", "ended before it began"]
    )
    assert sorted(store.ids(since=T0 + 6)) == ["later", "open"]
    assert sorted(store.ids(until=T0 - 2)) == ["open", "over", "years"]
    assert store.ids(since=T0 + 10, until=T0 - 10) == ["open"]


def test_totals_are_exact_up_to_the_cap_and_beyond_it_if_asked(store):
    def fill_up(tx):
        for n in range(COUNT_CAP + 1):
            tx.insert(
                a_session(f"s{n}", created_at=T0 + n, agent="many" if n else "one", room="r" if n < COUNT_CAP else None)
            )

    store.write(fill_up)
    filters: dict[str, Any]
    for filters in ({}, {"states": ("active",)}, {"since": T0}, {"min_duration": 0}):
        page = store.read(lambda view, f=filters: view.sessions(a_query(limit=1, **f)))
        assert (page.total, page.exact) == (COUNT_CAP, False), filters
        page = store.read(lambda view, f=filters: view.sessions(a_query(limit=1, count_all=True, **f)))
        assert (page.total, page.exact) == (COUNT_CAP + 1, True), filters
    for filters in (
        {"equals": (("agent", ("many",)),)},
        {"equals": (("room", ("r",)),)},
        {"since": T0, "until": T0 + COUNT_CAP - 1},
    ):
        page = store.read(lambda view, f=filters: view.sessions(a_query(limit=1, **f)))
        assert (page.total, page.exact) == (COUNT_CAP, True), filters
    assert store.read(lambda view: view.count(("active",))) == COUNT_CAP + 1
