"""A client of the live socket, as a test wants one: frames by what they are about."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.jupyter import JupyterServer

Frame = dict[str, Any]


class Live:
    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def send(self, op: Any) -> None:
        self.connection.send(op if isinstance(op, (str, bytes)) else json.dumps(op))

    def frame(self, seconds: float = 10) -> Frame:
        frame: Frame = json.loads(self.connection.recv(seconds))
        return frame

    def subscribe(self, name: str | int, topic: str, session: str | None = None, **more: Any) -> Frame:
        """The first answer to the op, whatever it is."""
        self.send({"op": "subscribe", "id": name, "topic": topic, **({"session": session} if session else {}), **more})
        return self.of(name)

    def of(self, name: str | int, seconds: float = 10) -> Frame:
        """The next frame of a subscription; what others get meanwhile is passed over."""
        deadline = time.monotonic() + seconds
        while True:
            frame = self.frame(max(0.01, deadline - time.monotonic()))
            if frame.get("id") == name:
                return frame

    def items(self, name: str | int, count: int, seconds: float = 20) -> list[Any]:
        """Items of a subscription's frames, until there are as many."""
        found: list[Any] = []
        while len(found) < count:
            found += self.of(name, seconds)["items"]
        return found

    def quiet(self, seconds: float = 0.3) -> bool:
        try:
            self.connection.recv(seconds)
        except TimeoutError:
            return True
        return False


@contextmanager
def live(server: JupyterServer, **options: Any) -> Iterator[Live]:
    address = server.url.replace("http://", "ws://") + "sessions/ws"
    options = {"max_size": None, "additional_headers": server.headers, **options}
    with connect(address, **options) as connection:
        yield Live(connection)
