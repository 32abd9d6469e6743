"""What the benchmarks compare with, in the same server: a POST that does nothing behind Jupyter's own authentication
and authorization, and a clock that says how late the event loop was."""

from __future__ import annotations

import asyncio
import json
import time

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.ioloop import IOLoop

TICK = 0.002
late: list[float] = []


class Empty(APIHandler):
    auth_resource = "jupyter_sessions"

    @web.authenticated
    @authorized
    async def post(self) -> None:
        self.finish(b"{}")


class Lag(APIHandler):
    auth_resource = "jupyter_sessions"

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Milliseconds by which a timer of 2 ms came late since the last call."""
        taken = sorted(late)
        late.clear()
        n = len(taken) or 1
        picks = {name: taken[min(n - 1, int(n * q))] * 1e3 if taken else 0 for name, q in (("p50", 0.5), ("p99", 0.99))}
        self.finish(json.dumps({**picks, "max": taken[-1] * 1e3 if taken else 0, "ticks": len(taken)}))


async def _watch() -> None:
    while True:
        begin = time.perf_counter()
        await asyncio.sleep(TICK)
        late.append(time.perf_counter() - begin - TICK)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "empty_extension"}]


def _load_jupyter_server_extension(app) -> None:
    base = app.web_app.settings["base_url"]
    app.web_app.add_handlers(
        ".*$", [(url_path_join(base, "bench/empty"), Empty), (url_path_join(base, "bench/lag"), Lag)]
    )
    IOLoop.current().add_callback(lambda: asyncio.create_task(_watch()))
