"""Clients that append to logs as fast as they can, and remember what they were promised."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Sequence

import httpx
from msgspec import Struct, field

from tests.support.jupyter import JupyterServer


class Batch(Struct):
    session: str
    messages: list[str]
    #: The index of its first entry, as the server said; None where there was no answer.
    first: int | None = None


class Record(Struct):
    acknowledged: list[Batch] = field(default_factory=list)
    #: Sent, and the connection broke: may be there or not, but not in part.
    unknown: list[Batch] = field(default_factory=list)
    #: Answered with an error: must not be there.
    refused: list[Batch] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def entries(self) -> int:
        return sum(len(batch.messages) for batch in self.acknowledged)


class Load:
    """Each client is a thread with a connection of its own, and ends when its server is gone."""

    _names = itertools.count()

    def __init__(self, servers: Sequence[JupyterServer], sessions: Sequence[str], clients: int = 6) -> None:
        self.record = Record()
        self._sessions = sessions
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._append, args=(servers[n % len(servers)], f"c{next(self._names)}"))
            for n in range(clients)
        ]

    def start(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> Record:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()
        return self.record

    def _append(self, server: JupyterServer, name: str) -> None:
        choose = random.Random(name)
        with server.client() as client:
            for number in itertools.count():
                if self._stop.is_set():
                    return
                size = choose.choice([1, 1, 1, 5, 40])
                batch = Batch(choose.choice(self._sessions), [f"{name}/{number}/{n}" for n in range(size)])
                try:
                    answer = self._send(client, batch, as_text=choose.random() < 0.5)
                except httpx.TransportError:
                    with self._lock:
                        self.record.unknown.append(batch)
                    return
                with self._lock:
                    self.record.statuses[answer.status_code] = self.record.statuses.get(answer.status_code, 0) + 1
                    if answer.status_code == 200:
                        batch.first = answer.json()["cursor"] - len(batch.messages)
                        self.record.acknowledged.append(batch)
                    else:
                        self.record.refused.append(batch)

    def _send(self, client: httpx.Client, batch: Batch, *, as_text: bool) -> httpx.Response:
        path = f"sessions/{batch.session}/log"
        if as_text:
            text = "\n".join(batch.messages)
            return client.post(path, content=text.encode(), headers={"Content-Type": "text/plain"})
        return client.post(path, json={"entries": [{"message": message} for message in batch.messages]})


def whole_log(server: JupyterServer, session: str) -> list[str]:
    """Every message by its index, read by cursor to the end; the indexes have no gap."""
    messages: list[str] = []
    while True:
        answer = server.get(f"sessions/{session}/log", params={"cursor": len(messages), "limit": 10_000}).json()
        assert answer["dropped"] == 0
        assert [entry["index"] for entry in answer["entries"]] == list(
            range(len(messages), len(messages) + answer["count"])
        )
        messages += [entry["message"] for entry in answer["entries"]]
        if not answer["count"]:
            assert answer["cursor"] == answer["total"] == len(messages)
            return messages


def check(server: JupyterServer, sessions: Sequence[str], *records: Record) -> None:
    """What was promised is kept, what was refused is not, and nothing is there twice or in part."""
    logs = {session: whole_log(server, session) for session in sessions}
    for session, messages in logs.items():
        assert len(set(messages)) == len(messages), "an entry is there twice"
        row = server.get(f"sessions/{session}").json()
        assert row["log_count"] == len(messages)
    for record in records:
        for batch in record.acknowledged:
            assert batch.first is not None
            there = logs[batch.session][batch.first : batch.first + len(batch.messages)]
            assert there == batch.messages, "an acknowledged entry is not where it was said to be"
        for batch in record.unknown:
            there = set(logs[batch.session]) & set(batch.messages)
            assert len(there) in (0, len(batch.messages)), "half of a batch is there"
        for batch in record.refused:
            assert not set(logs[batch.session]) & set(batch.messages), "a refused entry is there"
