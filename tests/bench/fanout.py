"""Live sockets: how many frames of one entry each reach 100 subscribed sockets, and how soon one frame comes.

python -m tests.bench.fanout [SECONDS]
"""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import selectors
import socket
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from .load import Connection, request, run, spread
from .server import bench_server

ENTRY = b"one entry, as a step of an agent writes it"


class Socket:
    """The least of a WebSocket client: it counts frames and keeps the last one."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.sock = socket.create_connection((parts.hostname, parts.port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET {parts.path}sessions/ws HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: token {token}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.sock.recv(4096)
        self.buffer = self.buffer.split(b"\r\n\r\n", 1)[1]

    def send(self, op: dict) -> None:
        data = json.dumps(op).encode()
        head = (
            bytes([0x81, 0x80 | len(data)]) if len(data) < 126 else bytes([0x81, 0xFE]) + len(data).to_bytes(2, "big")
        )
        self.sock.sendall(head + b"\0\0\0\0" + data)

    def receive(self) -> list[bytes]:
        """Whole frames that have come."""
        data = self.buffer + self.sock.recv(1 << 18)
        frames, at, end = [], 0, len(data)
        while end - at >= 2:
            size, head = data[at + 1], 2
            if size == 126:
                head, size = 4, int.from_bytes(data[at + 2 : at + 4], "big")
            elif size == 127:
                head, size = 10, int.from_bytes(data[at + 2 : at + 10], "big")
            if end - at < head + size:
                break
            frames.append(data[at + head : at + head + size])
            at += head + size
        self.buffer = data[at:]
        return frames


def follow(url: str, token: str, sockets: int, sessions: int, counts: object) -> None:
    """A process of its own: subscribes, and counts frames and entries until it is ended."""
    chooser = selectors.DefaultSelector()
    for _ in range(sockets):
        s = Socket(url, token)
        for i in range(sessions):
            s.send({"op": "subscribe", "id": i, "topic": "log", "session": f"s{i}", "cursor": 0})
        chooser.register(s.sock, selectors.EVENT_READ, s)
    counts[2] = 1  # type: ignore[index]
    while True:
        for key, _ in chooser.select(1):
            frames = key.data.receive()
            counts[0] += len(frames)  # type: ignore[index]
            counts[1] += sum(frame.count(b'{"index":') for frame in frames)  # type: ignore[index]


def fan_out(url: str, token: str, sessions: int, seconds: float) -> None:
    """One writer per session, as fast as it is acknowledged."""
    control = Connection(url)
    counts = multiprocessing.Array("q", 3, lock=False)
    reader = multiprocessing.Process(target=follow, args=(url, token, 100, sessions, counts), daemon=True)
    reader.start()
    while not counts[2]:
        time.sleep(0.01)
    time.sleep(1)
    control.ask(request(f"{url}bench/lag", "GET", token))
    appends = [request(f"{url}sessions/s{i}/log", "POST", token, ENTRY, "text/plain") for i in range(sessions)]
    frames, entries, begin = counts[0], counts[1], time.perf_counter()
    rate, _ = run(url, appends, sessions, seconds)
    time.sleep(0.2)
    span = time.perf_counter() - begin
    lag = json.loads(control.ask(request(f"{url}bench/lag", "GET", token))[1])
    frames, entries = counts[0] - frames, counts[1] - entries
    print(
        f"{sessions} writers, {rate:5.0f} appends/s -> 100 sockets: {frames / span:7.0f} frames/s, "
        f"{entries / max(1, frames):.2f} entries each; event loop late p99 {lag['p99']:.1f} max {lag['max']:.1f} ms"
    )
    reader.terminate()
    reader.join()


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as home, bench_server(Path(home), "--SessionsExtension.log_ring=0") as server:
        url, token = server.url, server.token
        control = Connection(url)
        for i in range(8):
            control.ask(request(f"{url}sessions/s{i}", "POST", token, b'{"appname":"bench"}'))
        append = request(f"{url}sessions/s0/log", "POST", token, ENTRY, "text/plain")
        _, took = run(url, [request(f"{url}bench/empty", "POST", token, b"{}")], 1, 1)
        print(f"an empty POST in the same server           {spread(took)}")

        one = Socket(url, token)
        one.send({"op": "subscribe", "id": 1, "topic": "log", "session": "s0", "cursor": 0})
        one.receive()
        took = []
        for _ in range(300):
            begin = time.perf_counter()
            control.ask(append)
            while not one.receive():
                pass
            took.append((time.perf_counter() - begin) * 1e3)
            time.sleep(0.005)
        print(f"send an append -> its frame, 1 socket      {spread(took)}")
        one.sock.close()
        for sessions in (1, 2, 4, 8):
            fan_out(url, token, sessions, seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 4)
