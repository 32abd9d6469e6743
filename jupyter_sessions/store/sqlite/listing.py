"""Reading one page of the session list: which index to walk, which filter to start from.

Two plans. *Walk*: follow an index in sort order and test each row until the page is full; right when many rows
match. *Gather*: start from the rows of the most selective filter, test the rest, sort; right when few match.
Counts up to a cap, taken first, decide; so no query reads much more than it must, and totals fall out.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

from msgspec import Struct

from ...model import Session
from ..protocol import COUNT_CAP, ListQuery, Page, Position
from .indexing import facet_value, match_expression

_INDEXED_SORTS = frozenset({"created_at", "updated_at", "last_activity_at"})
_SORT_COLUMNS = {
    "messages": "message_count",
    "traces": "trace_count",
    "cost": "cost_pico",
    "errors": "error_count",
    "duration": "(coalesce(s.ended_at, :now) - s.created_at)",
}
#: Columns with an index of their own (column, created_at).
_INDEXED = frozenset({"status", "kind", "appname", "agent", "environment", "channel", "room", "user"})
#: A filter that matches more than this is taken for common.
_PROBE = 2 * COUNT_CAP
#: How long `total=exact` may count.
_EXACT_SECONDS = 2.0


class Filter(Struct):
    """One condition. `rows` is the same as a subquery of sids, where an index can give them."""

    test: str
    rows: str | None = None
    #: How many rows match, counted up to _PROBE.
    matches: int = _PROBE


class _Query:
    """Named parameters, collected while the text is built."""

    def __init__(self, now: int) -> None:
        self.values: dict[str, object] = {"now": now}

    def bind(self, value: object) -> str:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def bind_all(self, values: tuple[str, ...]) -> str:
        return ", ".join(self.bind(value) for value in values)


def _filters(query: ListQuery, p: _Query, classes: list[int]) -> list[Filter]:
    found: list[Filter] = []
    equals = list(query.equals)
    if query.states:
        equals.append(("status", query.states))
    for column, values in equals:
        test = f"{column} IN ({p.bind_all(values)})"
        rows = f"SELECT sid FROM sessions WHERE {test}" if column in _INDEXED else None
        found.append(Filter(f"+s.{test}", rows))
    for key, values in query.facets:
        rows = (
            f"SELECT sid FROM facets WHERE key = {p.bind(key)} "
            f"AND value IN ({p.bind_all(tuple(facet_value(value) for value in values))})"
        )
        found.append(Filter(f"s.sid IN ({rows})", rows))
    if query.q is not None:
        expression = match_expression(query.q)
        if expression is None:
            found.append(Filter("0", "SELECT sid FROM sessions WHERE 0"))
        else:
            rows = f"SELECT rowid FROM search WHERE search MATCH {p.bind(expression)}"
            found.append(Filter(f"s.sid IN ({rows})", rows))
    if query.since is not None or query.until is not None:
        found.append(_overlap(query, p, classes))
    if query.min_duration is not None:
        found.append(Filter(f"(coalesce(s.ended_at, :now) - s.created_at) >= {p.bind(query.min_duration)}"))
    if query.has_errors is not None:
        found.append(Filter(f"(s.error_count > 0) = {p.bind(int(query.has_errors))}"))
    return found


def _overlap(query: ListQuery, p: _Query, classes: list[int]) -> Filter:
    """Sessions that ran at some moment of [since, until]. A class holds sessions of at most 2**class ns."""
    tests, pieces = [], []
    since = p.bind(query.since) if query.since is not None else None
    until = p.bind(query.until) if query.until is not None else None
    if until:
        tests.append(f"+s.created_at <= {until}")
    if since:
        tests.append(f"(s.ended_at IS NULL OR s.ended_at >= {since})")
    for k in classes:
        piece = f"SELECT sid FROM sessions WHERE span_class = {k}"
        if since and k < 63:
            piece += f" AND created_at >= {since} - {1 << k} AND ended_at >= {since}"
        if until:
            piece += f" AND created_at <= {until}"
        pieces.append(piece)
    return Filter(" AND ".join(tests), " UNION ALL ".join(pieces) or None)


def _where(tests: list[str]) -> str:
    return " AND ".join(tests) or "1"


def _sort_expression(sort: str) -> str:
    column = _SORT_COLUMNS.get(sort, sort)
    return column if column.startswith("(") else f"s.{column}"


def _after(position: Position, expression: str, descending: bool, p: _Query) -> str:
    """The rows behind a position: nulls come last both ways, ties go by id."""
    by_id = f"s.id > {p.bind(position.id)}"
    if position.value is None:
        return f"({expression} IS NULL AND {by_id})"
    value = p.bind(position.value)
    beyond = "<" if descending else ">"
    behind = f"({expression} {beyond} {value} OR ({expression} = {value} AND {by_id}))"
    if expression in ("s.created_at", "s.updated_at", "s.last_activity_at"):
        return f"{expression} {beyond}= {value} AND {behind}"  # the first half is what the index can use
    return f"({behind} OR {expression} IS NULL)"


def read_page(db: sqlite3.Connection, query: ListQuery, rev: int, fetch: Callable[[list[int]], list[Session]]) -> Page:
    p = _Query(query.now)
    classes = _span_classes(db) if query.since is not None or query.until is not None else []
    filters = _filters(query, p, classes)
    total_rows = int(db.execute("SELECT coalesce(max(sid), 0) FROM sessions").fetchone()[0])

    def scalar(sql: str) -> int:
        return int(db.execute(sql, p.values).fetchone()[0])

    # 1. How selective is each filter?
    for condition in filters:
        if condition.rows:
            condition.matches = scalar(f"SELECT count(*) FROM (SELECT 1 FROM ({condition.rows}) LIMIT {_PROBE})")
    start = min((f for f in filters if f.rows), key=lambda f: f.matches, default=None)
    tests = [f.test for f in filters]

    # 2. The total, from the most selective filter.
    def counted(cap: int) -> int:
        if start is None:
            return scalar(f"SELECT count(*) FROM (SELECT 1 FROM sessions s WHERE {_where(tests)} LIMIT {cap})")
        others = [f.test for f in filters if f is not start]
        # An overlap piece is a superset: its own test stays.
        own = [start.test] if "span_class" in (start.rows or "") else []
        return (
            scalar(
                f"SELECT count(*) FROM (SELECT 1 FROM ({start.rows}) f CROSS JOIN sessions s ON s.sid = f.sid "
                f"WHERE {_where(others + own)} LIMIT {cap})"
            )
            if others or own
            else min(
                cap,
                start.matches
                if start.matches < _PROBE
                else scalar(f"SELECT count(*) FROM (SELECT 1 FROM ({start.rows}) LIMIT {cap})"),
            )
        )

    total, exact = counted(COUNT_CAP + 1), True
    if total > COUNT_CAP:
        total, exact = COUNT_CAP, False
        if query.count_all:
            full = _within(db, _EXACT_SECONDS, lambda: counted(1 << 60))
            if full is not None:
                total, exact = full, True

    # 3. The page.
    expression = _sort_expression(query.sort)
    direction = "DESC" if query.descending else "ASC"
    nulls = "" if query.sort in _INDEXED_SORTS else f"{expression} IS NULL, "
    order = f"{nulls}{expression} {direction}, s.id"
    behind = [_after(query.after, expression, query.descending, p)] if query.after else []
    density = 1.0
    for condition in filters:
        density *= min(1.0, (condition.matches + 1) / max(1, total_rows))
    walk_cost = query.limit / density if query.sort in _INDEXED_SORTS else float(total_rows)
    gather = start is not None and start.matches < _PROBE and start.matches < walk_cost
    if gather and start is not None:
        source = f"sessions s WHERE s.sid IN ({start.rows})"
        sql_tests = tests
    else:
        source, sql_tests = "sessions s WHERE 1", tests
    if not query.limit:
        return Page([], total, exact, None, rev)
    rows = db.execute(
        f"SELECT s.sid, {expression}, s.id FROM {source} AND {_where(sql_tests + behind)} "
        f"ORDER BY {order} LIMIT {query.limit + 1}",
        p.values,
    ).fetchall()
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return Page(
        fetch([row[0] for row in rows]), total, exact, Position(rows[-1][1], rows[-1][2]) if more else None, rev
    )


def matching_sids(db: sqlite3.Connection, sids: list[int], query: ListQuery) -> set[int]:
    p = _Query(query.now)
    tests = [f.test for f in _filters(query, p, [])]
    found: set[int] = set()
    for start in range(0, len(sids), 500):
        numbers = ",".join(str(int(sid)) for sid in sids[start : start + 500])
        sql = f"SELECT s.sid FROM sessions s WHERE s.sid IN ({numbers}) AND {_where(tests)}"
        found.update(row[0] for row in db.execute(sql, p.values))
    return found


def _span_classes(db: sqlite3.Connection) -> list[int]:
    """The classes in use, by hopping over the index."""
    sql = (
        "WITH RECURSIVE c(k) AS (SELECT min(span_class) FROM sessions UNION ALL "
        "SELECT (SELECT min(span_class) FROM sessions WHERE span_class > c.k) FROM c WHERE c.k IS NOT NULL) "
        "SELECT k FROM c WHERE k IS NOT NULL"
    )
    return [row[0] for row in db.execute(sql)]


def _within(db: sqlite3.Connection, seconds: float, count: Callable[[], int]) -> int | None:
    deadline = time.monotonic() + seconds
    db.set_progress_handler(lambda: int(time.monotonic() > deadline), 10_000)
    try:
        return count()
    except sqlite3.OperationalError as exc:
        if "interrupted" in str(exc):
            return None
        raise
    finally:
        db.set_progress_handler(None, 0)
