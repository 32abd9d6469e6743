"""Fill a store file with many closed sessions, quickly, as the service would have written them.

python -m tests.bench.fill FILE COUNT
"""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from pathlib import Path

from jupyter_sessions.ids import new_id
from jupyter_sessions.model import Session
from jupyter_sessions.store.sqlite.indexing import facets, search_text
from jupyter_sessions.store.sqlite.schema import DOCUMENTS, Settings, connect, prepare
from jupyter_sessions.store.sqlite.tx import _INSERT_SESSION, _row

DAY = 86_400 * 10**9
WORDS = [
    f"{a}{b}"
    for a in ("lis", "por", "ber", "kyo", "osl", "mad", "rom", "pra")
    for b in ("bon", "to", "lin", "lo", "rid")
]
STATES = (
    "completed",
    "completed",
    "completed",
    "completed",
    "ended",
    "ended",
    "failed",
    "abandoned",
    "expired",
    "archived",
)


def session(i: int, count: int, now: int, rng: random.Random) -> Session:
    """Dimensions from a handful of values to thousands; some 1 % are open; most are short, a few run for days."""
    created = now - 180 * DAY + i * (180 * DAY // count) + rng.randrange(10**9)
    length = int(rng.lognormvariate(4, 2) * 10**9)
    open_ = rng.random() < 0.01
    ended = None if open_ else min(created + length, now)
    touched = ended or created + rng.randrange(max(1, now - created))
    return Session(
        i + 1, new_id(), None,
        rng.choices(("conversation", "client", "kernel", "room"), (60, 25, 10, 5))[0],
        rng.choice(("api", "sdk", "telemetry")),
        rng.choice(("active", "idle", "escalated")) if open_ else rng.choice(STATES),
        f"app-{rng.randrange(20)}", rng.choice(("", "editor", "build")), created, touched, touched,
        ended_at=ended, title=" ".join(rng.choices(WORDS, k=4)),
        agent=f"agent-{rng.randrange(40)}", user=f"user-{rng.randrange(5000)}", room=f"room-{rng.randrange(500)}",
        environment=rng.choices(("production", "staging", "dev"), (70, 20, 10))[0],
        channel=rng.choice(("web", "voice", "slack", "email", "api")), version=f"1.{rng.randrange(30)}",
        jobid=f"job-{i // 10}", log_count=rng.randrange(200), error_count=int(rng.random() < 0.1) * rng.randrange(1, 9),
        message_count=rng.randrange(40), trace_count=rng.randrange(300), tokens=rng.randrange(200_000),
        cost_pico=rng.randrange(10**12), rev=i + 1,
        metadata=f'{{"build":{{"id":{i % 10_000},"branch":"b{i % 50}"}},"host":"h{i % 300}"}}',
        dimensions=f'{{"experiment":"v{i % 25}"}}',
    )  # fmt: skip


def fill(path: Path, count: int) -> None:
    settings = Settings(str(path), synchronous="OFF")
    prepare(settings)
    db, rng, now = connect(settings), random.Random(1), time.time_ns()
    for start in range(0, count, 20_000):
        rows = [session(i, count, now, rng) for i in range(start, min(start + 20_000, count))]
        db.execute("BEGIN IMMEDIATE")
        db.executemany(_INSERT_SESSION, [_row(s) for s in rows])
        db.executemany(
            "INSERT INTO session_documents VALUES (?,?,?,?)",
            [(s.sid, *(getattr(s, d) for d in DOCUMENTS)) for s in rows],
        )
        db.executemany("INSERT INTO facets VALUES (?,?,?)", [(k, v, s.sid) for s in rows for k, v in facets(s)])
        db.executemany("INSERT INTO search(rowid, text) VALUES (?,?)", [(s.sid, search_text(s, [])) for s in rows])
        db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


if __name__ == "__main__":
    begin = time.perf_counter()
    fill(Path(sys.argv[1]), int(sys.argv[2]))
    took, megabytes = time.perf_counter() - begin, Path(sys.argv[1]).stat().st_size / 1e6
    print(f"{sys.argv[2]} sessions in {took:.1f} s, {megabytes:.0f} MB, SQLite {sqlite3.sqlite_version}")
