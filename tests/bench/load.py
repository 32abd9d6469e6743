"""A bare HTTP load client: prepared bytes over kept-open sockets, so that it measures the server and not itself."""

from __future__ import annotations

import re
import selectors
import socket
import statistics
import time
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"(?i)content-length: (\d+)")


def request(url: str, method: str, token: str, body: bytes = b"", kind: str = "application/json") -> bytes:
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: token {token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.sock = socket.create_connection((parts.hostname, parts.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.sent = 0.0

    def send(self, data: bytes) -> None:
        self.sent = time.perf_counter()
        self.sock.sendall(data)

    def receive(self) -> tuple[int, bytes] | None:
        """(status, body) once the answer is whole."""
        self.buffer += self.sock.recv(1 << 18)
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(self.buffer, 0, end)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self.buffer) < whole:
            return None
        answer, self.buffer = self.buffer[:whole], self.buffer[whole:]
        return int(answer[9:12]), answer[end + 4 :]

    def ask(self, data: bytes) -> tuple[int, bytes]:
        self.send(data)
        while (answer := self.receive()) is None:
            pass
        return answer


def run(url: str, requests: list[bytes], connections: int, seconds: float) -> tuple[float, list[float]]:
    """Requests per second, and the milliseconds of each. Connection i sends requests[i % n] again and again."""
    chooser = selectors.DefaultSelector()
    open_ = [Connection(url) for _ in range(connections)]
    for i, c in enumerate(open_):
        chooser.register(c.sock, selectors.EVENT_READ, (c, requests[i % len(requests)]))
        c.send(requests[i % len(requests)])
    took: list[float] = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        for key, _ in chooser.select(1):
            c, data = key.data
            answer = c.receive()
            if answer is None:
                continue
            if answer[0] >= 300:
                raise SystemExit(f"answered {answer[0]}: {answer[1][:300]!r}")
            took.append((time.perf_counter() - c.sent) * 1e3)
            c.send(data)
    rate = len(took) / (time.perf_counter() - begin)
    for c in open_:  # what is still under way is waited for, so that the next run starts in peace
        while c.receive() is None:
            pass
        c.sock.close()
    return rate, took


def spread(took: list[float]) -> str:
    ordered = sorted(took)
    at = lambda q: ordered[min(len(ordered) - 1, int(len(ordered) * q))]  # noqa: E731
    return f"p50 {statistics.median(ordered):6.2f} ms  p99 {at(0.99):6.2f} ms  max {ordered[-1]:6.1f} ms"
