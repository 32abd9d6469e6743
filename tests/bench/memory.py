"""What recording costs in memory: beside a server without it, idle, and while much is appended.

python -m tests.bench.memory [SECONDS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.support import jupyter

from .load import Connection, request, run
from .server import bench_server

LINE = b"2026-11-21 worker-3 step finished, 70 characters of text as logs have it"
BATCH = b"\n".join(LINE for _ in range(5000))
MB = 1e6


def bare(home: Path) -> float:
    server = jupyter.JupyterServer(home, extensions={**jupyter.EXTENSIONS, "jupyter_sessions": False})
    server.launch()
    for _ in range(300):
        try:
            server.get("api/status").raise_for_status()
            break
        except Exception:
            time.sleep(0.1)
    time.sleep(3)
    memory = server.memory() / MB
    server.stop()
    return memory


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as home:
        without = bare(Path(home) / "bare")
        print(f"server without jupyter-sessions   {without:7.1f} MB")
        with bench_server(Path(home) / "ours", "--SessionsExtension.log_ring=0") as server:
            time.sleep(3)
            idle = server.memory() / MB
            print(f"with it, idle                     {idle:7.1f} MB   (+{idle - without:.1f})")
            control = Connection(server.url)
            for i in range(4):
                control.ask(request(f"{server.url}sessions/s{i}", "POST", server.token, b'{"appname":"x"}'))
            batch = [
                request(f"{server.url}sessions/s{i}/log", "POST", server.token, BATCH, "text/plain") for i in range(3)
            ]
            for part in range(4):
                rate, _ = run(server.url, batch, 3, seconds / 4)
                memory = server.memory() / MB
                done = (part + 1) * seconds / 4
                print(
                    f"after {done:4.0f} s of {rate * 5000:7.0f} lines/s   {memory:7.1f} MB   (+{memory - without:.1f})"
                )
            size = sum(f.stat().st_size for f in server.store.parent.iterdir()) / MB
            print(f"store and WAL on disk             {size:7.1f} MB")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 12)
