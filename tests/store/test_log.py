"""The log of a session: numbers without gaps, a ring that holds, reading by index with filters and in pieces."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_sessions.ids import new_id
from jupyter_sessions.model import LogEntry
from tests.support.stores import T0, a_session, found


@pytest.fixture
def s(store):
    store.insert(a_session("s"), a_session("other"))
    return store


def append(store, *entries, ring=0, session_id="s"):
    return store.write(lambda tx: tx.append_log(found(tx, session_id), list(entries), ring))


def read(store, first=0, limit=1000, session_id="s", **filters):
    return store.read(lambda view: view.log(found(view, session_id).sid, first, limit, **filters))


def indexes(rows):
    return [entry.index for entry in rows.entries]


def test_an_entry_comes_back_as_it_was_put(s):
    entries = [
        LogEntry(T0, "plain"),
        LogEntry(-(2**63), "", 10, '{"a":[1]}', "logger", "source"),
        LogEntry(2**63 - 1, "Ünï\n\U0001f600\u2028'\"", 40, "{}", "", ""),
    ]
    append(s, *entries)
    assert read(s).entries == [
        LogEntry(e.timestamp, e.message, e.level, e.data, e.logger, e.source, index) for index, e in enumerate(entries)
    ]


def test_indexes_count_on_over_batches_sessions_and_commits(s):
    assert [append(s, LogEntry(T0, "x")), append(s, *[LogEntry(T0, "x")] * 3), append(s, LogEntry(T0, "x"))] == [
        0,
        1,
        4,
    ]
    assert append(s, LogEntry(T0, "mine"), session_id="other") == 0
    assert append(s) == 5
    assert indexes(read(s)) == [0, 1, 2, 3, 4]
    assert (s.session("s").log_count, s.session("other").log_count) == (5, 1)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 16, 17, 63, 64, 255, 256, 257, 1000])
def test_a_batch_of_any_size_is_kept_whole_and_in_order(s, size):
    append(s, *[LogEntry(T0, str(n)) for n in range(size)])
    assert [e.message for e in read(s).entries] == [str(n) for n in range(size)]


# The ring


@pytest.mark.parametrize("ring", [1, 2, 10, 256, 300])
@pytest.mark.parametrize("batch", [1, 7, 256, 512])
def test_the_ring_shows_its_newest_and_the_file_holds_little_more(s, ring, batch, physical_rows):
    appended = 0
    while appended < 3 * max(ring, batch) + 520:
        append(s, *[LogEntry(T0, str(appended + n)) for n in range(batch)], ring=ring)
        appended += batch
    session = s.session("s")
    assert (session.log_count, session.log_first) == (appended, appended - ring)
    visible = read(s, session.log_first, 10_000)
    assert [(e.index, e.message) for e in visible.entries] == [(n, str(n)) for n in range(appended - ring, appended)]
    assert ring <= physical_rows() <= ring + 256


def test_a_ring_that_was_made_smaller_holds_from_the_next_append(s):
    append(s, *[LogEntry(T0, str(n)) for n in range(50)], ring=100)
    append(s, LogEntry(T0, "next"), ring=10)
    session = s.session("s")
    assert (session.log_count, session.log_first) == (51, 41)


def test_a_ring_that_was_made_larger_brings_nothing_back(s):
    append(s, *[LogEntry(T0, str(n)) for n in range(50)], ring=10)
    append(s, LogEntry(T0, "next"), ring=100)
    session = s.session("s")
    assert (session.log_count, session.log_first) == (51, 40)
    append(s, LogEntry(T0, "next"), ring=0)
    assert s.session("s").log_first == 40


def test_eviction_in_one_session_leaves_the_others_alone(s, physical_rows):
    append(s, *[LogEntry(T0, "mine")] * 5, session_id="other")
    append(s, *[LogEntry(T0, "x")] * 1000, ring=3)
    append(s, *[LogEntry(T0, "x")] * 1000, ring=3)
    assert len(read(s, session_id="other").entries) == 5
    assert physical_rows() <= 5 + 3 + 256


@pytest.fixture
def physical_rows(s, tmp_path):
    """How many rows of logs the store holds, seen or not."""

    def count():
        db = sqlite3.connect(tmp_path / "sessions.db")
        try:
            return db.execute("SELECT count(*) FROM log").fetchone()[0]
        finally:
            db.close()

    return count


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 600), min_size=1, max_size=4), max_size=6), st.sampled_from([0, 1, 5, 300]))
def test_any_batches_in_any_commits_number_on_and_keep_the_ring(store, commits, ring):
    def clear(tx):
        old = tx.session("h")
        if old is not None:
            tx.purge(old)
        tx.insert(a_session("h"))

    store.write(clear)
    total = 0
    for batches in commits:
        works = []
        for batch in batches:
            entries = [LogEntry(T0 + total + n, str(total + n)) for n in range(batch)]
            works.append(lambda tx, entries=entries: tx.append_log(found(tx, "h"), entries, ring))
            total += batch
        store.together(*works)
    session = store.session("h")
    kept = min(total, ring) if ring else total
    # What one batch alone put in beyond the ring is gone as well.
    assert (session.log_count, session.log_first) == (total, total - kept)
    rows = store.read(lambda view: view.log(session.sid, session.log_first, 10_000))
    assert [(e.index, e.message) for e in rows.entries] == [(n, str(n)) for n in range(total - kept, total)]


# Reading


@pytest.fixture
def ten(s):
    levels = [None, 10, 20, 30, 40]
    append(s, *[LogEntry(T0, f"message {n}", levels[n % 5]) for n in range(10)])
    append(s, *[LogEntry(T0, "of another")] * 3, session_id="other")
    return s


def test_reading_goes_on_where_it_stopped(ten):
    first = read(ten, 0, 4)
    assert (indexes(first), first.looked_to) == ([0, 1, 2, 3], 4)
    second = read(ten, first.looked_to, 100)
    assert (indexes(second), second.looked_to) == ([4, 5, 6, 7, 8, 9], 10)
    assert (indexes(read(ten, 10)), read(ten, 10).looked_to) == ([], 10)


def test_newest_first(ten):
    rows = read(ten, 0, 3, descending=True)
    assert (indexes(rows), rows.looked_to) == ([9, 8, 7], 10)
    assert indexes(read(ten, 7, 100, descending=True)) == [9, 8, 7]


def test_a_level_asks_for_itself_and_worse_and_never_for_none(ten):
    assert indexes(read(ten, min_level=30)) == [3, 4, 8, 9]
    assert indexes(read(ten, min_level=10)) == [1, 2, 3, 4, 6, 7, 8, 9]


def test_what_a_filter_skipped_has_been_looked_at(ten):
    rows = read(ten, 0, 2, min_level=40)
    assert (indexes(rows), rows.looked_to) == ([4, 9], 10)
    rows = read(ten, 0, 1, min_level=40)
    assert (indexes(rows), rows.looked_to) == ([4], 5)
    rows = read(ten, 5, 2, min_level=40)
    assert (indexes(rows), rows.looked_to) == ([9], 10)
    rows = read(ten, 0, 5, q="nowhere")
    assert (indexes(rows), rows.looked_to) == ([], 10)


@pytest.mark.parametrize(
    ("q", "hits"),
    [
        ("disk", [0, 1]),
        ("DISK", [0, 1]),
        ("100%", [2]),
        ("%", [2]),
        ("_", [3]),
        ("a\\b", [4]),
        ("ärger", [5]),
        ("ÄRGER", [5]),
        ("strasse", [6]),
        ("kernel.py", [7]),
        ("needle", [8]),
        ("'; --", []),
        ("\0", []),
        ("x" * 60_000, []),
        ("ä" * 60_000, []),
    ],
)
def test_text_is_found_in_any_case_in_message_logger_and_data_and_is_no_pattern(s, q, hits):
    append(
        s,
        LogEntry(T0, "disk full"),
        LogEntry(T0, "The Disk"),
        LogEntry(T0, "100% done"),
        LogEntry(T0, "snake_case"),
        LogEntry(T0, "a\\b"),
        LogEntry(T0, "Ärger"),
        LogEntry(T0, "Straße"),
        LogEntry(T0, "x", None, None, "my.kernel.py"),
        LogEntry(T0, "x", None, '{"deep":["needle"]}'),
    )
    if q == "strasse":
        hits = []  # an ASCII question is asked of the letters as they stand
    assert indexes(read(s, q=q)) == hits


def test_filters_add_up(ten):
    assert indexes(read(ten, 0, 10, min_level=30, q="message 8")) == [8]
    assert indexes(read(ten, 9, 10, min_level=30, q="message 8")) == []
    assert indexes(read(ten, 0, 10, min_level=30, q="message", descending=True)) == [9, 8, 4, 3]


def test_no_piece_is_much_larger_than_it_may_be_and_each_holds_something(s):
    append(s, *[LogEntry(T0, "x" * 1000, None, '{"pad":"' + "y" * 1000 + '"}') for _ in range(700)])
    first, pieces = 0, []
    while (rows := read(s, first, max_bytes=50_000)).entries:
        size = sum(len(e.message) + len(e.data) for e in rows.entries)
        assert size <= 50_000 + 2100
        assert rows.looked_to == rows.entries[-1].index + 1
        pieces += indexes(rows)
        first = rows.looked_to
    assert pieces == list(range(700))


def test_one_entry_larger_than_a_piece_comes_alone(s):
    append(s, *[LogEntry(T0, "x" * 5000)] * 3)
    assert [indexes(read(s, first, max_bytes=100)) for first in range(4)] == [[0], [1], [2], []]


def test_the_newest_come_first_also_where_bytes_are_short(s):
    append(s, *[LogEntry(T0, "x" * 1000)] * 10)
    assert indexes(read(s, descending=True, max_bytes=2500)) == [9, 8, 7]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=32, max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_lines_that_come_together_are_kept_to_the_letter(store, texts):
    entries = [LogEntry(T0, text) for text in texts]

    def fill(tx):
        tx.insert(session := a_session(new_id()))
        tx.append_log(session, entries, 0)
        return session.sid

    sid = store.write(fill)
    kept = store.read(lambda view: view.log(sid, 0, 100)).entries
    assert [(entry.index, entry.message, entry.timestamp) for entry in kept] == [
        (i, t, T0) for i, t in enumerate(texts)
    ]
