"""A real server with the benchmarks' own extension beside ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import jupyter

HERE = Path(__file__).parent


@contextmanager
def bench_server(home: Path, *args: str, store: Path | None = None) -> Iterator[jupyter.JupyterServer]:
    extensions = {**jupyter.EXTENSIONS, "empty_extension": True}
    path = os.pathsep.join([str(HERE), str(jupyter.ROOT), os.environ.get("PYTHONPATH", "")])
    server = jupyter.JupyterServer(home, *args, store=store, env={"PYTHONPATH": path}, extensions=extensions)
    server.start()
    try:
        yield server
    finally:
        server.stop()
