"""Each limit, from both sides: what just fits is kept, what does not is refused by name and costs nothing."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.test_sessions_api import refused
from tests.support.jupyter import JupyterServer, running

BODY, MESSAGE, DOCUMENT, DEPTH, ENTRIES = 100_000, 1000, 500, 5, 20
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def narrow(home: Path) -> Iterator[JupyterServer]:
    traits = {
        "max_body": BODY, "max_message": MESSAGE, "max_document": DOCUMENT, "max_depth": DEPTH, "max_entries": ENTRIES,
        "max_waiting_rows": 1,
    }  # fmt: skip
    with running(home, *(f"--SessionsExtension.{name}={value}" for name, value in traits.items())) as server:
        yield server


@pytest.fixture
def open_here(narrow: JupyterServer, fresh: str) -> str:
    assert narrow.post(f"sessions/{fresh}", json={"appname": "t"}).status_code == 201
    return fresh


def log(server: JupyterServer, session: str, body: Any) -> httpx.Response:
    if isinstance(body, (str, bytes)):
        return server.post(f"sessions/{session}/log", content=body, headers={"Content-Type": "text/plain"})
    return server.post(f"sessions/{session}/log", json=body)


def too_large(answer: httpx.Response, limit: int) -> None:
    body = refused(answer, 413, "too_large", str(limit))
    assert body["detail"]["limit"] == limit
    assert body["detail"]["size"]


# The body as a whole


def lines(size: int) -> bytes:
    return (b"x" * 99 + b"\n") * (size // 100)


def test_a_body_beyond_the_limit_is_refused_with_both_numbers(server: JupyterServer, session: str) -> None:
    too_large(log(server, session, b"x" * (10 * MIB + 1)), 10 * MIB)
    refused(log(server, session, b"x" * (10 * MIB + 1)), 413, "too_large", str(10 * MIB + 1))
    assert log(server, session, lines(4 * MIB)).status_code == 200


def test_the_limit_itself_fits(narrow: JupyterServer, open_here: str) -> None:
    assert log(narrow, open_here, b"\n" * BODY).status_code == 200
    too_large(log(narrow, open_here, b"\n" * (BODY + 1)), BODY)


def test_a_chunked_body_is_counted_too(narrow: JupyterServer, open_here: str) -> None:
    too_large(narrow.post(f"sessions/{open_here}/log", content=iter([b"\n" * 1000] * 101)), BODY)


def test_every_write_has_the_limit(narrow: JupyterServer, open_here: str) -> None:
    for verb, path in (("POST", ""), ("PUT", ""), ("POST", "/log"), ("POST", "/notes"), ("POST", "/complete")):
        too_large(narrow.request(verb, f"sessions/{open_here}{path}", content=b" " * (BODY + 1)), BODY)
    assert narrow.get(f"sessions/{open_here}").json()["open"]


def test_the_connection_lives_on_after_a_refusal(narrow: JupyterServer, open_here: str) -> None:
    with narrow.client() as client:
        for _ in range(3):
            assert client.post(f"sessions/{open_here}/log", content=b"x" * (BODY * 2)).status_code == 413
            assert client.get(f"sessions/{open_here}").status_code == 200


def test_a_body_far_beyond_the_limit_costs_no_memory(server: JupyterServer, session: str) -> None:
    log(server, session, lines(MIB))
    before = server.memory()
    too_large(server.post(f"sessions/{session}/log", content=(b"x" * MIB for _ in range(60))), 10 * MIB)
    assert server.memory() - before < 25 * MIB


# gzip


def zipped(server: JupyterServer, path: str, body: bytes, media: str = "text/plain") -> httpx.Response:
    return server.post(path, content=body, headers={"Content-Type": media, "Content-Encoding": "gzip"})


def test_the_decoded_size_counts(narrow: JupyterServer, open_here: str) -> None:
    assert zipped(narrow, f"sessions/{open_here}/log", gzip.compress(b"\n" * BODY)).status_code == 200
    too_large(zipped(narrow, f"sessions/{open_here}/log", gzip.compress(b"\n" * (BODY + 1))), BODY)


def test_the_decoded_size_of_all_members_counts(narrow: JupyterServer, open_here: str) -> None:
    too_large(zipped(narrow, f"sessions/{open_here}/log", gzip.compress(b"\n" * BODY) * 2), BODY)


def test_a_gzip_bomb_is_refused_and_costs_no_memory(server: JupyterServer, session: str) -> None:
    press = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(press.compress(b"\0" * MIB) for _ in range(300)) + press.flush()  # 300 MB in 300 KB
    before = server.memory()
    too_large(zipped(server, f"sessions/{session}/log", bomb), 10 * MIB)
    assert server.memory() - before < 40 * MIB


# Nesting


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def nested_lists(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 2):
        value = [value]
    return {"a": value}


@pytest.mark.parametrize("make", [nested, nested_lists])
def test_a_document_may_be_as_deep_as_the_limit(server: JupyterServer, session: str, make: Any) -> None:
    assert server.put(f"sessions/{session}", json={"metadata": make(32)}).status_code == 200
    refused(server.put(f"sessions/{session}", json={"metadata": make(33)}), 400, "too_deep", "metadata", "32")
    assert log(server, session, {"message": "m", "data": make(32)}).status_code == 200
    refused(log(server, session, {"message": "m", "data": make(33)}), 400, "too_deep", "data", "32")
    refused(log(server, session, {"format": "m", "fields": make(33)}), 400, "too_deep", "fields", "32")


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize(
    ("verb", "path", "start"),
    [
        ("POST", "", b'{"appname":"a","metadata":{"a":'),
        ("POST", "", b'{"appname":"a","unknown":'),
        ("PUT", "", b'{"metadata":{"a":'),
        ("POST", "/log", b'{"message":"m","data":{"a":'),
        ("POST", "/log", b'{"message":"m","unknown":'),
        ("POST", "/log", b'{"entries":['),
        ("POST", "/log", b""),
        ("POST", "/notes", b'{"text":"t","unknown":'),
        ("POST", "/complete", b'{"unknown":'),
    ],
)
def test_a_depth_bomb_is_a_400(
    server: JupyterServer, session: str, verb: str, path: str, start: bytes, opening: bytes
) -> None:
    for depth in (300, 1_000_000):
        answer = server.request(
            verb, f"sessions/{session}{path}", content=start + opening * depth,
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        assert answer.status_code == 400, answer.text
        assert answer.json()["reason"] in ("too_deep", "bad_json", "bad_field")
    assert server.get(f"sessions/{session}").json()["open"]


# Messages, documents, batches


def test_a_message_has_its_limit_in_bytes(narrow: JupyterServer, open_here: str) -> None:
    for text in ("x" * MESSAGE, "\u00e9" * (MESSAGE // 2), "\U0001f600" * (MESSAGE // 4)):
        assert log(narrow, open_here, text).status_code == 200
        assert log(narrow, open_here, {"message": text}).status_code == 200
        too_large(log(narrow, open_here, f"short\n{text}x\nshort"), MESSAGE)
        too_large(log(narrow, open_here, {"message": text + "x"}), MESSAGE)
        too_large(log(narrow, open_here, {"entries": [{"message": "m"}, {"message": text + "x"}]}), MESSAGE)
    assert narrow.get(f"sessions/{open_here}").json()["log_count"] == 6


def test_a_document_has_its_limit_as_it_is_kept(narrow: JupyterServer, open_here: str) -> None:
    fits = {"a": "x" * (DOCUMENT - len('{"a":""}'))}
    over = {"a": fits["a"] + "x"}
    assert narrow.put(f"sessions/{open_here}", json={"metadata": fits}).status_code == 200
    too_large(narrow.put(f"sessions/{open_here}", json={"metadata": over}), DOCUMENT)
    assert log(narrow, open_here, {"message": "m", "data": fits}).status_code == 200
    too_large(log(narrow, open_here, {"message": "m", "data": over}), DOCUMENT)
    too_large(narrow.post(f"sessions/{open_here}", json={"dimensions": over}), DOCUMENT)
    spaced = json.dumps(fits, indent=200)
    assert len(spaced) > DOCUMENT
    body = f'{{"metadata":{spaced}}}'
    assert narrow.put(f"sessions/{open_here}", content=body).status_code == 200


def test_a_batch_has_its_limit(narrow: JupyterServer, open_here: str) -> None:
    assert log(narrow, open_here, "x\n" * ENTRIES).status_code == 200
    too_large(log(narrow, open_here, "x\n" * (ENTRIES + 1)), ENTRIES)
    too_large(log(narrow, open_here, {"entries": [{"message": "m"}] * (ENTRIES + 1)}), ENTRIES)
    assert narrow.get(f"sessions/{open_here}/log").json()["total"] == ENTRIES


@pytest.mark.parametrize(
    "name", ["appname", "mode", "jobid", "title", "agent", "user", "platform", "parent_session_id"]
)
def test_a_name_has_its_limit(server: JupyterServer, session: str, name: str) -> None:
    assert server.post(f"sessions/{session}", json={name: "x" * 500}).status_code == 200
    body = refused(server.post(f"sessions/{session}", json={name: "x" * 501}), 413, "too_large", name, "500")
    assert body["detail"]["what"] == name


# The write queue


def test_when_too_much_waits_a_write_is_a_503_and_nothing_of_it_is_kept(narrow: JupyterServer, open_here: str) -> None:
    def many(_: int) -> Counter[int]:
        found: Counter[int] = Counter()
        with narrow.client() as client:
            for _ in range(40):
                answer = client.post(f"sessions/{open_here}/log", content="line")
                found[answer.status_code] += 1
                if answer.status_code == 503:
                    refused(answer, 503, "busy", "limit")
                    assert int(answer.headers["Retry-After"]) >= 1
        return found

    with ThreadPoolExecutor(8) as pool:
        found = sum(pool.map(many, range(8)), Counter())
    assert set(found) == {200, 503}
    assert narrow.get(f"sessions/{open_here}").json()["log_count"] == found[200]


def test_what_waits_is_told_by_health(narrow: JupyterServer) -> None:
    assert narrow.get("sessions/health").json()["queue"] == {"rows": 0, "bytes": 0}


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("PUT", "", {"metadata": {}, "x" * 100_000: 1}),
        ("POST", "", {"appname": "a", "kind": "x" * 100_000}),
        ("POST", "/log", {"message": "m", "level": "x" * 100_000}),
        ("POST", "/log", {"message": "m", "timestamp": "x" * 100_000}),
        ("POST", "/end", {"outcome": "x" * 100_000}),
    ],
)
def test_a_refusal_does_not_repeat_at_length_what_was_sent(
    server: JupyterServer, session: str, verb: str, path: str, body: dict[str, Any]
) -> None:
    answer = server.request(verb, f"sessions/{session}{path}", json=body)
    assert answer.status_code == 400
    assert len(answer.content) < 2000
