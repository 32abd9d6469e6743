"""Reading one page of the session list: which index to follow, which filter to start from.

Three ways to the rows: *walk* an index in the order of the sort and test each row until the page is full, right
when many rows match; *start* from the index of one filter and test the rest, which that index also holds, so that
only matches are looked up; or *gather* the rows that a list names (facets, search, a time range) and test those.
Short counts and a small sample say how many rows each way would touch; the cheapest is taken.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ...model import Session
from ..protocol import COUNT_CAP, ListQuery, Page, Position
from .indexing import facet_value, match_expression
from .schema import FACET_COLUMNS

_INDEXED_SORTS = frozenset({"created_at", "updated_at", "last_activity_at", "ended_at"})
_NULLABLE_SORTS = frozenset({"ended_at", "agent", "tokens", "cost"})
_SORT_COLUMNS = {
    "messages": "s.message_count",
    "traces": "s.trace_count",
    "cost": "s.cost_pico",
    "errors": "s.error_count",
    "duration": "(coalesce(s.ended_at, :now) - s.created_at)",
}
#: A filter that matches more than a tenth of all rows, or more than this, is common; how common, a sample says.
_COMMON = COUNT_CAP + 1
_COMMON_SHARE = 0.1
#: The sample: so many short stretches of rows, here and there.
_STRETCHES, _STRETCHES_OF_FEW = 24, 8
_STRETCH = 20
#: What reading an index entry costs, against looking up a row.
_ENTRY_COST = 0.08
#: How long `total=exact` may count.
_EXACT_SECONDS = 2.0


class Filter(Struct):
    """One condition: a test of a row `s`, and where an index can start from it."""

    test: str
    #: The index (column, created_at, all other facet columns) that holds the filter's rows together.
    index: str | None = None
    #: The same condition so that this index is used for it.
    start: str = ""
    #: Or a subquery that lists exactly its sids.
    rows: str | None = None
    matches: float = 0.0


class _Values:
    """Named parameters, collected while the text is built."""

    def __init__(self, now: int) -> None:
        self.bound: dict[str, object] = {"now": now}

    def bind(self, value: object) -> str:
        name = f"p{len(self.bound)}"
        self.bound[name] = value
        return f":{name}"

    def bind_all(self, values: tuple[str, ...]) -> str:
        return ", ".join(self.bind(value) for value in values)


def _filters(query: ListQuery, values: _Values, classes: list[int]) -> list[Filter]:
    found: list[Filter] = []
    equals = list(query.equals)
    if query.states:
        equals.append(("status", query.states))
    for column, wanted in equals:
        test = f"s.{column} IN ({values.bind_all(wanted)})"
        if column in FACET_COLUMNS:
            # The sign keeps SQLite's own planner from starting where we do not.
            found.append(Filter("+" + test, f"sessions_{column}", test))
        else:
            rows = f"SELECT s.sid FROM sessions s WHERE {test}" if column == "jobid" else None
            found.append(Filter("+" + test, rows=rows))
    for key, wanted in query.facets:
        hashed = tuple(facet_value(value) for value in wanted)
        having = f"FROM facets WHERE key = {values.bind(key)} AND value IN ({values.bind_all(hashed)})"
        # A session that has two of the values counts once.
        rows = f"SELECT {'DISTINCT ' if len(hashed) > 1 else ''}sid {having}"
        found.append(Filter(f"EXISTS (SELECT 1 {having} AND sid = s.sid)", rows=rows))
    if query.q is not None:
        expression = match_expression(query.q)
        rows = f"SELECT rowid AS sid FROM search WHERE search MATCH {values.bind(expression or '')}"
        found.append(Filter(f"s.sid IN ({rows})", rows=rows) if expression else Filter("0"))
    if query.since is not None or query.until is not None:
        found.append(_overlap(query, values, classes))
    if query.min_duration is not None:
        found.append(Filter(f"(coalesce(s.ended_at, :now) - s.created_at) >= {values.bind(query.min_duration)}"))
    if query.has_errors is not None:
        found.append(Filter(f"(s.error_count > 0) = {values.bind(int(query.has_errors))}"))
    return found


def _overlap(query: ListQuery, values: _Values, classes: list[int]) -> Filter:
    """Sessions that ran at some moment of [since, until]. A class holds sessions of less than 2**class ns."""
    tests, pieces = [], []
    since = values.bind(query.since) if query.since is not None else None
    until = values.bind(query.until) if query.until is not None else None
    if until:
        tests.append(f"s.created_at <= {until}")
    if since:
        tests.append(f"(s.ended_at IS NULL OR s.ended_at >= {since})")
    for k in classes:
        piece = f"SELECT sid FROM sessions WHERE span_class = {k}"
        if since and k < 63:
            piece += f" AND created_at >= {since} - {1 << k} AND ended_at >= {since}"
        if until:
            piece += f" AND created_at <= {until}"
        pieces.append(piece)
    return Filter(" AND ".join(tests), rows=" UNION ALL ".join(pieces) or None)


class _List:
    """One query on its way: filters, parameters and what is known of how many rows they match."""

    def __init__(self, db: sqlite3.Connection, query: ListQuery) -> None:
        self.db = db
        self.query = query
        self.values = _Values(query.now)
        timed = query.since is not None or query.until is not None
        self.filters = _filters(query, self.values, _span_classes(db) if timed else [])
        self.total_rows = self.scalar("SELECT coalesce(max(sid), 0) FROM sessions")
        self.common = max(1000, min(_COMMON, int(self.total_rows * _COMMON_SHARE)))
        self.matches = self._estimate()

    def scalar(self, sql: str) -> int:
        return int(self.db.execute(sql, self.values.bound).fetchone()[0] or 0)

    def _estimate(self) -> float:
        """How many rows match all filters, about; each filter learns how many match it alone."""
        common = []
        for f in self.filters:
            if f.index:
                f.matches = self.scalar(
                    f"SELECT count(*) FROM (SELECT 1 FROM sessions s INDEXED BY {f.index} "
                    f"WHERE {f.start} LIMIT {self.common})"
                )
            elif f.rows:
                f.matches = self.scalar(f"SELECT count(*) FROM (SELECT 1 FROM ({f.rows}) LIMIT {self.common})")
            else:
                f.matches = self.common
            if f.matches >= self.common:
                common.append(f)
        # What is common alone needs no closer look: a short walk finds a page of it.
        sampled = [f for f in common if "IN (SELECT" not in f.test] if len(self.filters) > 1 else []
        joint = 1.0
        if sampled and self.total_rows:
            each = ", ".join(f"sum({f.test})" for f in sampled)
            both = " AND ".join(f"({f.test})" for f in sampled)
            sql = f"SELECT count(*), sum({both}), {each} FROM sessions s WHERE s.sid BETWEEN :from AND :to"
            sums = [0] * (len(sampled) + 2)
            stretches = _STRETCHES if self.total_rows > _COMMON else _STRETCHES_OF_FEW
            for _ in range(stretches):
                first = random.randint(1, self.total_rows)  # noqa: S311
                self.values.bound.update({"from": first, "to": first + _STRETCH - 1})
                row = self.db.execute(sql, self.values.bound).fetchone()
                sums = [have + (more or 0) for have, more in zip(sums, row, strict=True)]
            seen, all_, *ones = sums
            for f, hits in zip(sampled, ones, strict=True):
                f.matches = max(f.matches, self.total_rows * hits / max(1, seen))
            joint = (all_ + 0.5) / max(1, seen)
        matches = self.total_rows * joint
        for f in self.filters:
            if f not in sampled:
                matches *= min(1.0, (f.matches + 1) / max(1, self.total_rows))
        return max(1.0, matches)

    def start(self) -> Filter | None:
        """The filter with the fewest rows among those that an index can start from."""
        able = [f for f in self.filters if f.index or f.rows]
        return min(able, key=lambda f: f.matches * (_ENTRY_COST if f.index else 1.0), default=None)

    def source(self, start: Filter | None) -> str:
        """FROM and WHERE of the rows that match, started from this filter, or from none."""
        tests = [f.test for f in self.filters if f is not start]
        if start is None:
            return f"FROM sessions s WHERE {_all(tests)}"
        if start.index:
            return f"FROM sessions s INDEXED BY {start.index} WHERE {_all([start.start, *tests])}"
        return f"FROM sessions s WHERE s.sid IN ({start.rows}) AND {_all(tests)}"

    def total(self) -> tuple[int, bool]:
        """Exact up to the cap; beyond, only if asked and in time."""
        only = self.filters[0] if len(self.filters) == 1 else None
        if only and (only.index or only.rows) and (only.matches < self.common or only.matches > COUNT_CAP):
            counted = int(only.matches)  # the estimate has counted them already
        else:
            counted = self._count(COUNT_CAP + 1)
        if counted <= COUNT_CAP:
            return counted, True
        if self.query.count_all:
            full = _within(self.db, _EXACT_SECONDS, lambda: self._count(-1))
            if full is not None:
                return full, True
        return COUNT_CAP, False

    def _count(self, limit: int) -> int:
        start = self.start()
        if start and start.rows and len(self.filters) == 1:
            return self.scalar(f"SELECT count(*) FROM (SELECT 1 FROM ({start.rows}) LIMIT {limit})")
        return self.scalar(f"SELECT count(*) FROM (SELECT 1 {self.source(start)} LIMIT {limit})")

    def page(self) -> list[tuple[int, Any, str]]:
        """(sid, sort value, id) of the rows, one more than the page holds. Rows without a value come last."""
        query, after = self.query, self.query.after
        expression = _SORT_COLUMNS.get(query.sort, f"s.{query.sort}")
        if query.sort not in _INDEXED_SORTS:
            expression = "+" + expression
        want, rows = query.limit + 1, list[tuple[int, Any, str]]()
        if after is None or after.value is not None:
            rows = self._rows(expression, f"{expression} {'DESC' if query.descending else 'ASC'}, s.id", after, want)
        if len(rows) < want and query.sort in _NULLABLE_SORTS:
            rows += self._rows(expression, "s.id", after, want - len(rows), nulls=True)
        return rows

    def _rows(
        self, expression: str, order: str, after: Position | None, limit: int, *, nulls: bool = False
    ) -> list[tuple[int, Any, str]]:
        source = self.source(self._way())
        if self.query.sort in _NULLABLE_SORTS:
            source += f" AND {expression} IS {'' if nulls else 'NOT '}NULL"
        if after is not None and (after.value is None) == nulls:
            source += f" AND {self._behind(after, expression)}"
        sql = f"SELECT s.sid, {expression}, s.id {source} ORDER BY {order} LIMIT {int(limit)}"
        return self.db.execute(sql, self.values.bound).fetchall()

    def _way(self) -> Filter | None:
        """Start from a filter, or from none: walk the sort's own index, or without one the whole table."""
        start, total, sort = self.start(), float(self.total_rows), self.query.sort
        if start is None or (start.index and sort == "created_at" and "," not in start.start):
            return start  # for one value an index is in the order of created_at already
        walk = total
        if sort in _INDEXED_SORTS and not self._clustered():
            walk = min(total, self.query.limit * total / self.matches)
        cost = start.matches * _ENTRY_COST + self.matches if start.index else start.matches
        return start if cost < walk else None

    def _clustered(self) -> bool:
        """A time range does not lie in the order of the sort by chance: a walk may have to pass all rows before it."""
        query = self.query
        if query.sort == "created_at":
            return query.since is not None and not query.descending
        return query.until is not None if query.descending else query.since is not None

    def _behind(self, position: Position, expression: str) -> str:
        """The rows behind a position; ties go by id."""
        by_id = f"s.id > {self.values.bind(position.id)}"
        if position.value is None:
            return by_id
        value = self.values.bind(position.value)
        beyond = "<" if self.query.descending else ">"
        # The first half is what an index can use.
        return f"{expression} {beyond}= {value} AND ({expression} {beyond} {value} OR {by_id})"


def read_page(db: sqlite3.Connection, query: ListQuery, rev: int, fetch: Callable[[list[int]], list[Session]]) -> Page:
    listing = _List(db, query)
    total, exact = listing.total()
    if not query.limit:
        return Page([], total, exact, None, rev)
    rows = listing.page()
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return Page(
        fetch([row[0] for row in rows]), total, exact, Position(rows[-1][1], rows[-1][2]) if more else None, rev
    )


def matching_sids(db: sqlite3.Connection, sids: list[int], query: ListQuery) -> set[int]:
    values = _Values(query.now)
    tests = _all([f.test for f in _filters(query, values, [])])
    found: set[int] = set()
    for start in range(0, len(sids), 500):
        numbers = ",".join(str(int(sid)) for sid in sids[start : start + 500])
        sql = f"SELECT s.sid FROM sessions s WHERE s.sid IN ({numbers}) AND {tests}"
        found.update(row[0] for row in db.execute(sql, values.bound))
    return found


def _all(tests: list[str]) -> str:
    return " AND ".join(f"({test})" if " OR " in test else test for test in tests) or "1"


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
