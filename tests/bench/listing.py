"""How long one page of 50 sessions takes, by filter and sort, from the store alone and over HTTP.

    python tests/bench/listing.py FILE          (made by tests/bench/fill.py)

Prints the median and the worst of each query; the last lines are the worst median of each class.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time

from jupyter_sessions.server.sessions import encode_list
from jupyter_sessions.service.filters import parse_list
from jupyter_sessions.store.protocol import SORTS
from jupyter_sessions.store.sqlite.schema import Settings, connect
from jupyter_sessions.store.sqlite.view import SqliteView, register_functions

FAST_SORTS = ("-created_at", "-updated_at", "-last_activity_at", "created_at")
FAST = {
    "state": "failed", "agent": "agent-7", "environment": "dev", "channel": "slack", "kind": "kernel",
    "appname": "app-3", "room": "room-77", "user": "user-4321",
}  # fmt: skip
SLOW = {
    "version": "1.7", "jobid": "job-99", "mode": "build", "origin": "sdk", "has_errors": "true", "min_duration": "2h",
    "dim.experiment": "v3",
}  # fmt: skip
TEXT = {"meta.build.id": "77", "meta.build.branch": "b7", "q": "lisbon"}


def times(now: int) -> dict[str, dict[str, str]]:
    day = 86_400 * 10**9
    return {
        "last hour": {"since": str(now - day // 24)},
        "last week": {"since": str(now - 7 * day)},
        "an hour in the middle": {"since": str(now - 90 * day), "until": str(now - 90 * day + day // 24)},
        "a month long ago": {"since": str(now - 150 * day), "until": str(now - 120 * day)},
    }


def queries(now: int) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    for sort in FAST_SORTS:
        found.append(("fast", {"sort": sort}))
        found.append(("fast", {"sort": sort, "status": "active"}))
        found += [("fast", {"sort": sort, name: value}) for name, value in FAST.items()]
        found += [("fast", {"sort": sort, a: FAST[a], b: FAST[b]}) for a, b in itertools.combinations(FAST, 2)]
        found += [("fast", {"sort": sort, **span}) for span in times(now).values()]
        found += [
            ("fast", {"sort": sort, **span, a: FAST[a]})
            for span in times(now).values()
            for a in ("agent", "state", "user")
        ]
        found += [("slow", {"sort": sort, name: value}) for name, value in SLOW.items()]
        found += [("text", {"sort": sort, name: value}) for name, value in TEXT.items()]
    for sort in SORTS:
        found.append(("slow", {"sort": "-" + sort}))
        found.append(("slow", {"sort": "-" + sort, "agent": FAST["agent"]}))
        found.append(("slow", {"sort": "-" + sort, "environment": "production", "kind": "conversation"}))
    found += [
        ("text", {"q": q, **more})
        for q in ("lisbon portin", "app", "user-77", "zzz")
        for more in ({}, {"agent": "agent-7"}, {"sort": "-cost"})
    ]
    return found


def main(path: str, rounds: int = 5) -> None:
    db = connect(Settings(path), readonly=True)
    register_functions(db)
    view = SqliteView(db, "")
    now = time.time_ns()
    rows = []
    for kind, params in queries(now):
        given = {"status": "all", "limit": "50", **params}
        request = parse_list({name: [value] for name, value in given.items()}, now)
        took = []
        for _ in range(rounds):
            begin = time.thread_time()
            page = view.sessions(request.query)
            encode_list("", request, page)
            took.append((time.thread_time() - begin) * 1e3)
        shown = " ".join(f"{k}={v}" for k, v in params.items())
        rows.append((kind, statistics.median(took), max(took), page.total, shown))
    for kind, limit in (("fast", 20), ("slow", 12), ("text", 20)):
        mine = sorted((r for r in rows if r[0] == kind), key=lambda r: -r[1])
        print(f"{kind}: {len(mine)} queries; median of medians {statistics.median(r[1] for r in mine):.2f} ms")
        for _, median, worst, total, shown in mine[:limit]:
            print(f"  {median:8.2f} ms  max {worst:8.2f}  total {total:6d}  {shown}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
