"""Whatever is sent, the server answers with what the contract knows, keeps its word, and lives on."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from jupyter_sessions.service.feeds import TOPICS
from jupyter_sessions.service.filters import PARAMETERS
from jupyter_sessions.service.sessions import ACTIONS
from tests.support.jupyter import JupyterServer
from tests.support.live import Live, live

STATUSES = {200, 201, 204, 400, 404, 405, 409, 413, 415}


def fuzz(examples: int) -> Any:
    return settings(
        max_examples=examples, deadline=None, database=None, derandomize=examples < 1000,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


SOME = [
    pytest.param(60, id="some"),
    pytest.param(2000, id="many", marks=[pytest.mark.full, pytest.mark.timeout(1800)]),
]


def sound(answer: httpx.Response) -> dict[str, Any]:
    """The answer is one that the contract knows; a refusal says what and why, and does not repeat what was sent."""
    assert answer.status_code in STATUSES, answer.text
    if answer.status_code == 204:
        return {}
    body: dict[str, Any] = answer.json()
    if answer.status_code >= 400:
        assert set(body) <= {"message", "reason", "detail"}
        assert body["message"]
        assert body["reason"]
        assert len(answer.content) < 3000, answer.text[:200]
    return body


# What JSON is made of, and what it is made of in bad hands

TEXT = st.text(max_size=30) | st.sampled_from(
    ["", "\0", "\ud83d\ude00", "%s", "{a}", "{{", "../..", "~a", "null", "-1", "1e999"]
)
SCALAR = (
    st.none() | st.booleans() | st.integers() | st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**30, 0, -1])
    | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)  # fmt: skip
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


def dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


@st.composite
def spoiled(draw: st.DrawFn, bodies: st.SearchStrategy[bytes]) -> bytes:
    """A body with some bytes cut, doubled or replaced."""
    body = draw(bodies)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.binary(max_size=4)) + body[at + draw(st.integers(0, 4)) :]
    return body


def keyed(*keys: str) -> st.SearchStrategy[bytes]:
    """Objects with these keys and others, of values of every type."""
    names = st.sampled_from(keys) | TEXT
    return st.dictionaries(names, JSON, max_size=6).map(dumped)


ENTRY_KEYS = ("message", "level", "data", "timestamp", "logger", "format", "fields", "entries")
ENTRY = st.fixed_dictionaries(
    {"message": TEXT},
    optional={
        "level": st.sampled_from(["info", "WARN", "x", None]) | SCALAR, "data": JSON, "timestamp": SCALAR,
        "logger": SCALAR, "format": TEXT, "fields": JSON,
    },
)  # fmt: skip
LOG_BODIES = (
    keyed(*ENTRY_KEYS) | ENTRY.map(dumped) | st.lists(ENTRY, max_size=4).map(lambda e: dumped({"entries": e}))
    | JSON.map(dumped) | st.binary(max_size=200)
)  # fmt: skip
MEDIA = st.sampled_from(["application/json", "text/plain", "", "text/html", "application/x-ndjson", "a", ";", "\u00e9"])
ENCODINGS = st.sampled_from(["", "identity", "gzip", "br", "gzip, gzip"])


@pytest.mark.parametrize("examples", SOME)
def test_any_log_body(server: JupyterServer, session: str, examples: int) -> None:
    kept = 0

    @given(body=spoiled(LOG_BODIES), media=MEDIA, encoding=ENCODINGS)
    @fuzz(examples)
    def fuzzed(body: bytes, media: str, encoding: str) -> None:
        nonlocal kept
        headers = {"Content-Type": media.encode(), **({"Content-Encoding": encoding} if encoding else {})}
        answer = sound(server.post(f"sessions/{session}/log", content=body, headers=headers))
        kept += answer.get("appended", 0)
        if "appended" in answer:
            assert answer["cursor"] == kept
            read = sound(server.get(f"sessions/{session}/log", params={"cursor": kept - answer["appended"]}))
            assert read["count"] == min(answer["appended"], 1000)

    fuzzed()
    assert server.get(f"sessions/{session}").json()["log_count"] == kept


@pytest.mark.parametrize("examples", SOME)
def test_any_text_comes_back_as_its_lines(server: JupyterServer, session: str, examples: int) -> None:
    cursor = 0

    @given(text=st.text(st.characters(codec="utf-8"), max_size=200))
    @fuzz(examples)
    def fuzzed(text: str) -> None:
        nonlocal cursor
        answer = server.post(f"sessions/{session}/log", content=text.encode(), headers={"Content-Type": "text/plain"})
        lines = [line.removesuffix("\r") for line in text.replace("\0", "\ufffd").split("\n")]
        read = server.get(f"sessions/{session}/log", params={"cursor": cursor}).json()
        assert [entry["message"] for entry in read["entries"]] == [line for line in lines if line]
        cursor = answer.json()["cursor"]

    fuzzed()


SESSION_KEYS = (
    "appname", "mode", "jobid", "metadata", "dimensions", "kind", "title", "agent", "user", "pid", "parent_session_id",
    "timeout", "id", "status", "reason", "outcome", "message", "score", "label", "text", "name", "span", "author",
)  # fmt: skip
PATHS = ["", *(f"/{action}" for action in ACTIONS), "/notes", "/reset", "/log", "/events"]


@pytest.mark.parametrize("examples", SOME)
def test_any_body_anywhere(server: JupyterServer, fresh: str, examples: int) -> None:
    @given(
        body=spoiled(keyed(*SESSION_KEYS)),
        verb=st.sampled_from(["POST", "PUT", "DELETE", "PATCH", "GET"]),
        path=st.sampled_from(PATHS),
        named=st.booleans(),
    )
    @fuzz(examples)
    def fuzzed(body: bytes, verb: str, path: str, named: bool) -> None:
        if named:
            body = b'{"appname":"a",' + body.lstrip(b"{ ")
        sound(server.request(verb, f"sessions/{fresh}{path}", content=body))

    fuzzed()
    sound(server.get("sessions/?status=all"))


@pytest.mark.parametrize("examples", SOME)
def test_any_metadata_comes_back(server: JupyterServer, session: str, examples: int) -> None:
    @given(metadata=st.dictionaries(TEXT, JSON, max_size=4))
    @fuzz(examples)
    def fuzzed(metadata: dict[str, Any]) -> None:
        sent = json.dumps({"metadata": metadata})
        metadata = json.loads(sent)["metadata"]  # two halves of a character become one
        answer = server.put(f"sessions/{session}", content=sent)
        body = sound(answer)
        if answer.status_code == 200:
            assert body["metadata"] == metadata
            for key, value in metadata.items():
                if isinstance(value, str) and key and value.strip() and "," not in value:
                    found = sound(server.get("sessions/", params={f"meta.{key}": value.strip()}))
                    if value == value.strip():
                        assert session in [s["id"] for s in found["sessions"]]

    fuzzed()


NAMES = st.sampled_from([*PARAMETERS, "meta.a", "dim.b", "cursor", "offset", "level", "order", "purge"]) | TEXT
VALUES = (
    TEXT | st.integers().map(str)
    | st.sampled_from(["all", "active", "-created_at", "true", "0", "2s", "2026-11-21", "a,b,,c"])
)  # fmt: skip


@pytest.mark.parametrize("examples", SOME)
def test_any_query(server: JupyterServer, session: str, examples: int) -> None:
    @given(
        query=st.lists(st.tuples(NAMES, VALUES), max_size=5),
        path=st.sampled_from(["", f"{session}/log", f"{session}/events", f"{session}/notes", session, "health"]),
    )
    @fuzz(examples)
    def fuzzed(query: list[tuple[str, str]], path: str) -> None:
        text = "&".join(f"{quoted(name)}={quoted(value)}" for name, value in query)
        sound(server.get(f"sessions/{path}?{text}"))

    fuzzed()


def quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.mark.parametrize("examples", SOME)
def test_any_id(server: JupyterServer, examples: int) -> None:
    @given(text=st.text(min_size=1, max_size=210))
    @fuzz(examples)
    def fuzzed(text: str) -> None:
        if not text.strip("./"):
            return  # clients resolve dots in a path
        path = f"sessions/{quoted(text)}"
        answer = server.post(path, json={"appname": "fuzzed"})
        body = sound(answer)
        if answer.status_code in (200, 201):
            assert body["id"] == (text.lower() if len(text) == 24 and text.isalnum() and text.isascii() else text)
            assert server.get(path).json()["id"] == body["id"]
            reference = body.get("alias", quoted(body["id"]))
            assert server.delete(f"sessions/{reference}?purge=true").status_code == 204

    fuzzed()


# The socket

OP = st.fixed_dictionaries(
    {"op": st.sampled_from(["subscribe", "unsubscribe", "x"]) | SCALAR},
    optional={
        "id": SCALAR, "topic": st.sampled_from([*TOPICS, "x"]) | SCALAR, "session": st.just("{session}") | SCALAR,
        "cursor": SCALAR, "after_rev": SCALAR, "limit": SCALAR,
        "filter": st.dictionaries(NAMES, JSON, max_size=3) | JSON,
    },
)  # fmt: skip
FRAMES = OP.map(dumped) | spoiled(OP.map(dumped)) | JSON.map(dumped) | st.binary(max_size=100)


@pytest.mark.parametrize("examples", SOME)
def test_any_frame(server: JupyterServer, session: str, examples: int) -> None:
    with contextlib.ExitStack() as stack:
        clients: list[Live] = []

        @given(frames=st.lists(st.tuples(FRAMES, st.booleans()), min_size=1, max_size=5))
        @fuzz(examples)
        def fuzzed(frames: list[tuple[bytes, bool]]) -> None:
            if not clients:
                clients.append(stack.enter_context(live(server)))
            client = clients[-1]
            told = True
            for frame, binary in frames:
                frame = frame.replace(b"{session}", session.encode())
                if not binary:
                    try:
                        text = frame.decode()
                    except UnicodeDecodeError:
                        text = ""  # a text frame that is no text ends the socket: that is the protocol's rule
                client.send(frame if binary else text)
            # Its own subscription is answered: the socket lives.
            client.send({"op": "subscribe", "id": "still-there", "topic": "notes", "session": session})
            try:
                first = client.of("still-there")
            except ConnectionClosed:
                told = False
            assert told, "the socket died"
            if "error" in first:  # what came before may have taken all the room
                assert first["error"]["reason"] == "limit_reached"
                clients.pop()
            else:
                client.send({"op": "unsubscribe", "id": "still-there"})

        fuzzed()
    assert server.get("sessions/health").json()["status"] == "ok"
    assert "Traceback" not in server.log
