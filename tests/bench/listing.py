"""How long one page of 50 sessions takes over HTTP, by filter and sort.

    python -m tests.bench.listing FILE [ROUNDS]          (FILE made by tests.bench.fill)

`fast` are one or two of the common filters with the common sorts; `slow` all other filters and sorts; `text` are
metadata and search.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from jupyter_sessions.store.protocol import SORTS

from .load import Connection, request
from .server import bench_server

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


def main(path: Path, rounds: int) -> None:
    now = time.time_ns()
    rows = []
    with tempfile.TemporaryDirectory() as home, bench_server(Path(home), store=path) as server:
        control = Connection(server.url)
        for kind, params in queries(now):
            query = urlencode({"status": "all", "limit": "50", **params})
            data = request(f"{server.url}sessions/?{query}", "GET", server.token)
            took = []
            for _ in range(rounds):
                begin = time.perf_counter()
                status, body = control.ask(data)
                took.append((time.perf_counter() - begin) * 1e3)
                assert status == 200, body
            shown = " ".join(f"{k}={v}" for k, v in params.items())
            rows.append((kind, statistics.median(took), max(took), json.loads(body)["total"], shown))
        print(f"{path}: {control.ask(request(f'{server.url}sessions/health', 'GET', server.token))[1].decode()}")
        empty = request(f"{server.url}bench/empty", "POST", server.token, b"{}")
        took = []
        for _ in range(200):
            begin = time.perf_counter()
            control.ask(empty)
            took.append((time.perf_counter() - begin) * 1e3)
        print(f"an empty POST in the same server: median {statistics.median(took):.2f} ms")
    for kind in ("fast", "slow", "text"):
        mine = sorted((r for r in rows if r[0] == kind), key=lambda r: -r[1])
        median = statistics.median(r[1] for r in mine)
        print(f"{kind}: {len(mine)} queries; median {median:.2f} ms; the slowest:")
        for _, median, worst, total, shown in mine[:8]:
            print(f"  {median:8.2f} ms  max {worst:8.2f}  total {total:6d}  {shown}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5)
