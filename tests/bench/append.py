"""Durable log appends over HTTP, against an empty authenticated POST in the same server; and the event loop's lag.

python -m tests.bench.append [SECONDS] [ROUNDS]
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from .load import Connection, request, run, spread
from .server import bench_server

LINE = b"2026-11-21 worker-3 step finished, 70 characters of text as logs have it"
BATCH = b"\n".join(LINE for _ in range(5000))


def main(seconds: float, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as home, bench_server(Path(home), "--SessionsExtension.log_ring=0") as server:
        url, token = server.url, server.token
        control = Connection(url)

        def ask(method: str, path: str, body: bytes = b"") -> dict:
            status, answer = control.ask(request(f"{url}{path}", method, token, body))
            assert status < 300, answer
            return json.loads(answer)

        for i in range(16):
            ask("POST", f"sessions/s{i}", b'{"appname":"bench"}')
        empty = [request(f"{url}bench/empty", "POST", token, b"{}")]
        single = [request(f"{url}sessions/s{i}/log", "POST", token, LINE, "text/plain") for i in range(16)]
        batch = [request(f"{url}sessions/s{i}/log", "POST", token, BATCH, "text/plain") for i in range(16)]
        structured = [
            request(f"{url}sessions/s{i}/log", "POST", token, b'{"level":"info","message":"x","data":{"a":1}}')
            for i in range(16)
        ]
        ratios, lags = [], []
        run(url, single, 16, 0.5)
        for round_ in range(rounds):
            print(f"round {round_ + 1}")
            base, took = run(url, empty, 16, seconds)
            print(f"  empty POST       x16 {base:8.0f} /s  {spread(took)}")
            ask("GET", "bench/lag")
            rate, took = run(url, single, 16, seconds)
            lag = ask("GET", "bench/lag")
            ratios.append(rate / base)
            lags.append(lag)
            print(f"  append 1 line    x16 {rate:8.0f} /s  {spread(took)}  = {100 * rate / base:.0f}% of empty")
            print(f"                       event loop late: p99 {lag['p99']:.1f} ms  max {lag['max']:.1f} ms")
            rate, took = run(url, structured, 16, seconds)
            print(f"  append 1 JSON    x16 {rate:8.0f} /s  {spread(took)}  = {100 * rate / base:.0f}% of empty")
            _, took = run(url, empty, 1, seconds)
            print(f"  empty POST       x1                {spread(took)}")
            _, took = run(url, single, 1, seconds)
            print(f"  append 1 line    x1                {spread(took)}")
            for connections in (1, 3):
                ask("GET", "bench/lag")
                rate, took = run(url, batch, connections, seconds)
                lag = ask("GET", "bench/lag")
                print(f"  append 5000      x{connections}  {rate * 5000:8.0f} lines/s  {spread(took)}")
                print(f"                       event loop late: p99 {lag['p99']:.1f} ms  max {lag['max']:.1f} ms")
        print(f"single line, 16 connections: {100 * statistics.median(ratios):.0f}% of an empty POST (median)")
        print(f"event loop late: p99 {statistics.median(late['p99'] for late in lags):.1f} ms (median)")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
