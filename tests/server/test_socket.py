"""The live socket: the list for plain clients, frames for those who subscribe, and what a slow reader costs."""

from __future__ import annotations

import contextlib
import json
import socket as sockets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.jupyter import JupyterServer, running
from tests.support.live import Live, live

RING = 1000
MAX_SOCKETS = 20
MAX_SUBSCRIPTIONS = 10


@pytest.fixture(scope="module")
def pushing(home: Path) -> Iterator[JupyterServer]:
    """A server that pushes often, keeps short logs and few sockets."""
    traits = {
        "push_interval": 0.3, "log_ring": RING, "max_sockets": MAX_SOCKETS, "max_subscriptions": MAX_SUBSCRIPTIONS,
    }  # fmt: skip
    with running(home, *(f"--SessionsExtension.{name}={value}" for name, value in traits.items())) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture
def followed(pushing: JupyterServer, fresh: str) -> str:
    assert pushing.post(f"sessions/{fresh}", json={"appname": "t"}).status_code == 201
    return fresh


@pytest.fixture
def client(pushing: JupyterServer) -> Iterator[Live]:
    with live(pushing) as client:
        yield client


def append(server: JupyterServer, session: str, text: str) -> None:
    assert server.post(f"sessions/{session}/log", content=text).status_code == 200


# Plain clients


def test_a_plain_client_gets_the_list_at_once(pushing: JupyterServer, followed: str, client: Live) -> None:
    frame = client.frame()
    assert frame["type"] == "sessions"
    by_id = {session["id"]: session for session in frame["sessions"]}
    assert frame["total"] == len(by_id)
    assert by_id[frame["self_id"]]["appname"] == "jupyter-server"
    listed = pushing.get(f"sessions/{followed}").json()
    assert by_id[followed] | {"duration_ms": 0} == listed | {"duration_ms": 0}


def test_and_again_every_push_interval(pushing: JupyterServer, followed: str, client: Live) -> None:
    client.frame()
    started = time.monotonic()
    pushing.delete(f"sessions/{followed}")
    for _ in range(3):
        frame = client.frame()
    assert time.monotonic() - started < 5
    assert {s["id"]: s["status"] for s in frame["sessions"]}[followed] == "ended"


def test_ended_sessions_are_in_the_list_too(pushing: JupyterServer, followed: str) -> None:
    pushing.delete(f"sessions/{followed}")
    with live(pushing) as client:
        assert followed in [s["id"] for s in client.frame()["sessions"]]


def test_the_address_may_end_in_a_slash(pushing: JupyterServer) -> None:
    with ExitStack() as stack:
        from websockets.sync.client import connect

        address = pushing.url.replace("http", "ws", 1) + "sessions/ws/"
        socket = stack.enter_context(connect(address, additional_headers=pushing.headers))
        assert json.loads(socket.recv(5))["type"] == "sessions"


def test_a_plain_request_is_told_what_this_is(pushing: JupyterServer) -> None:
    answer = pushing.get("sessions/ws")
    assert answer.status_code == 400
    assert "WebSocket" in answer.json()["message"]


GARBAGE: list[str | bytes] = [
    "", "hello", "{", "[]", "null", "5", '"op"', "{}", '{"id":"a"}', '{"topic":"log"}', "\0", b"", b"\xff\xfe", b"{}",
    '{"op"', "[" * 30_000, '{"a":' * 5_000, '["op","subscribe"]', "\u00e9",
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda g: repr(g)[:20])
def test_what_is_no_op_is_ignored(client: Live, garbage: str | bytes) -> None:
    client.frame()
    client.send(garbage)
    for _ in range(2):
        assert client.frame()["type"] == "sessions"


def test_an_op_in_a_binary_frame_is_read(client: Live, followed: str) -> None:
    client.send(json.dumps({"op": "subscribe", "id": "a", "topic": "log", "session": followed}).encode())
    assert client.of("a")["items"] == []


# Subscribing


@pytest.mark.parametrize("topic", ["log", "notes"])
def test_the_first_frame_comes_even_when_it_is_empty(client: Live, followed: str, topic: str) -> None:
    expected = {"id": "a", "topic": topic, "cursor": 0, "dropped": 0, "items": []}
    assert client.subscribe("a", topic, followed) == expected


def test_events_begin_with_the_creation(client: Live, followed: str) -> None:
    frame = client.subscribe("a", "events", followed)
    assert frame["cursor"] == 1
    assert [item["type"] for item in frame["items"]] == ["created"]


def test_what_is_appended_comes_as_the_api_answers_it(pushing: JupyterServer, client: Live, followed: str) -> None:
    client.subscribe("a", "log", followed)
    pushing.post(f"sessions/{followed}/log", json={"message": "m", "level": "warn", "data": {"k": 1}, "logger": "l"})
    frame = client.of("a")
    assert frame["items"] == pushing.get(f"sessions/{followed}/log").json()["entries"]
    assert frame["cursor"] == 1
    append(pushing, followed, "two\nthree")
    assert [item["index"] for item in client.items("a", 2)] == [1, 2]


def test_events_and_notes_come_too(pushing: JupyterServer, client: Live, followed: str) -> None:
    client.subscribe("e", "events", followed)
    client.subscribe("n", "notes", followed)
    pushing.post(f"sessions/{followed}/notes", json={"text": "t"})
    assert client.of("n")["items"] == pushing.get(f"sessions/{followed}/notes").json()["items"]
    pushing.post(f"sessions/{followed}/complete")
    assert client.of("e")["items"][0]["data"]["to"] == "completed"


def test_sessions_come_as_changed_rows(pushing: JupyterServer, client: Live, followed: str) -> None:
    first = client.subscribe("s", "sessions", filter={"status": "all"})
    assert followed in [row["id"] for row in first["items"]]
    assert first["rev"] >= max(row["rev"] for row in first["items"] if "rev" in row)
    pushing.post(f"sessions/{followed}", json={"mode": "changed"})
    frame = client.of("s")
    assert [(row["id"], row["mode"]) for row in frame["items"]] == [(followed, "changed")]
    assert frame["rev"] > first["rev"]
    pushing.delete(f"sessions/{followed}?purge=true")
    rows = []
    while not any(row.get("gone") for row in rows):
        rows += client.of("s")["items"]
    assert rows[-1] == {"key": followed, "id": followed, "gone": True}


def test_the_filter_of_sessions_is_that_of_the_list(pushing: JupyterServer, client: Live, fresh: str) -> None:
    given = {"agent": ["one", "two"], "status": "active", "meta.k": 5, "has_errors": False}
    client.subscribe("s", "sessions", filter=given)
    for n, (agent, k) in enumerate([("one", 5), ("three", 5), ("two", 6), ("two", 5)]):
        pushing.post(f"sessions/{fresh}-{n}", json={"appname": "t", "agent": agent, "metadata": {"k": k}})
    seen: dict[str, Any] = {}
    while f"{fresh}-3" not in seen:
        seen |= {row["id"]: row for row in client.of("s")["items"]}
    assert {i for i, row in seen.items() if i.startswith(fresh) and not row.get("gone")} == {f"{fresh}-0", f"{fresh}-3"}
    pushing.post(f"sessions/{fresh}-0", json={"agent": "three"})
    rows = client.of("s")["items"]
    assert {"key": f"{fresh}-0", "id": f"{fresh}-0", "gone": True} in rows


def test_a_cursor_resumes_where_a_reader_stood(pushing: JupyterServer, followed: str) -> None:
    append(pushing, followed, "a\nb\nc")
    with live(pushing) as client:
        assert client.subscribe("a", "log", followed, limit=2)["cursor"] == 2
    append(pushing, followed, "d")
    with live(pushing) as client:
        frame = client.subscribe("a", "log", followed, cursor=2)
        assert [item["message"] for item in frame["items"]] == ["c", "d"]


def test_after_rev_resumes_the_list(pushing: JupyterServer, followed: str) -> None:
    rev = pushing.get("sessions/").json()["rev"]
    append(pushing, followed, "a")
    with live(pushing) as client:
        frame = client.subscribe("s", "sessions", after_rev=rev)
        assert followed in [row["id"] for row in frame["items"]]
        assert client.subscribe("t", "sessions", after_rev=frame["rev"])["items"] == []


def test_a_cursor_beyond_the_end_waits_at_the_end(pushing: JupyterServer, client: Live, followed: str) -> None:
    assert client.subscribe("a", "log", followed, cursor=10**6)["cursor"] == 0
    append(pushing, followed, "first")
    assert client.of("a")["items"][0]["message"] == "first"


def test_a_reader_is_told_what_the_ring_dropped(pushing: JupyterServer, client: Live, followed: str) -> None:
    append(pushing, followed, "x\n" * (RING + 500))
    frame = client.subscribe("a", "log", followed, cursor=100)
    assert (frame["dropped"], frame["items"][0]["index"]) == (400, 500)
    last = frame["items"][-1]["index"]
    while last < RING + 499:
        frame = client.of("a")
        assert frame["dropped"] == 0
        assert frame["items"][0]["index"] == last + 1
        last = frame["items"][-1]["index"]


def test_a_limit_cuts_frames_and_loses_nothing(pushing: JupyterServer, client: Live, followed: str) -> None:
    append(pushing, followed, "".join(f"{n}\n" for n in range(100)))
    client.send({"op": "subscribe", "id": "a", "topic": "log", "session": followed, "limit": 7})
    found: list[int] = []
    while len(found) < 100:
        frame = client.of("a")
        assert len(frame["items"]) <= 7
        found += [item["index"] for item in frame["items"]]
    assert found == list(range(100))


def test_the_log_is_filtered(pushing: JupyterServer, client: Live, followed: str) -> None:
    client.subscribe("a", "log", followed, filter={"level": "warn", "q": "Disk"})
    for level, message in [("info", "disk ok"), ("error", "net down"), ("warn", "disk full"), ("error", "DISK gone")]:
        pushing.post(f"sessions/{followed}/log", json={"level": level, "message": message})
    assert [item["message"] for item in client.items("a", 2)] == ["disk full", "DISK gone"]


def test_an_alias_is_followed_as_well(pushing: JupyterServer, client: Live) -> None:
    alias = pushing.post("sessions/follow%2Fme", json={"appname": "t"}).json()["alias"]
    client.subscribe("a", "log", alias)
    client.subscribe("b", "log", "follow/me")
    client.subscribe("n", "notes", alias)
    append(pushing, "follow%2Fme", "line")
    assert client.of("a")["items"][0]["message"] == "line"
    append(pushing, alias, "again")
    assert client.of("b", 5)["items"]
    pushing.post(f"sessions/{alias}/notes", json={"text": "t"})
    assert client.of("n")["items"][0]["text"] == "t"


def test_an_oid_is_followed_in_either_case(pushing: JupyterServer, client: Live) -> None:
    pushing.post("sessions/ABCDEF0123456789ABCDEF77", json={"appname": "t"})
    client.subscribe("a", "log", "ABCDEF0123456789ABCDEF77")
    append(pushing, "abcdef0123456789abcdef77", "line")
    assert client.of("a")["items"]


def test_who_subscribes_gets_no_plain_list_any_more(client: Live, followed: str) -> None:
    client.subscribe("a", "log", followed)
    assert client.quiet(0.7)
    client.send({"op": "unsubscribe", "id": "a"})
    assert client.quiet(0.7)


def test_who_subscribes_with_the_first_word_never_gets_it(pushing: JupyterServer, followed: str) -> None:
    seen = []
    with live(pushing) as client:
        client.send({"op": "subscribe", "id": "a", "topic": "log", "session": followed})
        seen.append(client.frame())
        if "type" in seen[0]:  # the greeting may have left before the op came in
            seen.append(client.frame())
    assert seen[-1]["id"] == "a"


def test_unsubscribing_ends_the_frames(pushing: JupyterServer, client: Live, followed: str) -> None:
    client.subscribe("a", "log", followed)
    client.subscribe("b", "log", followed)
    client.send({"op": "unsubscribe", "id": "a"})
    append(pushing, followed, "line")
    assert client.frame()["id"] == "b"
    assert client.quiet()


def test_an_id_that_is_used_again_replaces_its_subscription(
    pushing: JupyterServer, client: Live, followed: str, fresh: str
) -> None:
    other = f"{fresh}-other"
    pushing.post(f"sessions/{other}", json={"appname": "t"})
    client.subscribe("a", "log", followed)
    client.subscribe("a", "log", other)
    append(pushing, followed, "to the old one")
    append(pushing, other, "to the new one")
    assert client.of("a")["items"][0]["message"] == "to the new one"
    assert client.quiet()


@pytest.mark.parametrize("name", [0, -5, 2**53, "", "\u00e9\U0001f600", 'a"b\\', "x" * 200])
def test_the_id_of_a_subscription_comes_back_as_it_was(client: Live, followed: str, name: str | int) -> None:
    assert client.subscribe(name, "log", followed)["id"] == name


# Refusals

BAD_OPS: list[tuple[dict[str, Any], str]] = [
    ({"op": "shout"}, "unknown_op"),
    ({"op": 5}, "unknown_op"),
    ({"op": None}, "unknown_op"),
    ({"op": "subscribe", "topic": "weather"}, "unknown_filter"),
    ({"op": "subscribe"}, "unknown_filter"),
    ({"op": "subscribe", "topic": "log"}, "missing_field"),
    ({"op": "subscribe", "topic": "log", "session": 5}, "bad_field"),
    ({"op": "subscribe", "topic": "log", "session": ""}, "malformed_id"),
    ({"op": "subscribe", "topic": "log", "session": "a\nb"}, "malformed_id"),
    ({"op": "subscribe", "topic": "log", "session": "health"}, "reserved_id"),
    ({"op": "subscribe", "topic": "log", "session": "nobody-there"}, "session_not_found"),
    ({"op": "subscribe", "topic": "log", "session": "~aaaa"}, "session_not_found"),
    ({"op": "subscribe", "topic": "events", "session": "nobody-there"}, "session_not_found"),
    ({"op": "subscribe", "topic": "log", "session": "s", "cursor": -1}, "bad_query"),
    ({"op": "subscribe", "topic": "log", "session": "s", "cursor": 2**63}, "bad_query"),
    ({"op": "subscribe", "topic": "log", "session": "s", "cursor": "0"}, "bad_field"),
    ({"op": "subscribe", "topic": "log", "session": "s", "cursor": 1.5}, "bad_field"),
    ({"op": "subscribe", "topic": "log", "session": "s", "limit": 0}, "bad_query"),
    ({"op": "subscribe", "topic": "log", "session": "s", "limit": -5}, "bad_query"),
    ({"op": "subscribe", "topic": "log", "session": "s", "filter": {"agent": "a"}}, "unknown_filter"),
    ({"op": "subscribe", "topic": "log", "session": "s", "filter": {"level": "loud"}}, "bad_level"),
    ({"op": "subscribe", "topic": "log", "session": "s", "filter": [1]}, "bad_field"),
    ({"op": "subscribe", "topic": "events", "session": "s", "filter": {"q": "a"}}, "unknown_filter"),
    ({"op": "subscribe", "topic": "sessions", "filter": {"agnet": "a"}}, "unknown_filter"),
    ({"op": "subscribe", "topic": "sessions", "filter": {"status": "none"}}, "bad_query"),
    ({"op": "subscribe", "topic": "sessions", "filter": {"state": None}}, "bad_query"),
    ({"op": "subscribe", "topic": "sessions", "filter": {"since": {"a": 1}}}, "bad_time"),
    ({"op": "subscribe", "topic": "sessions", "after_rev": -1}, "bad_query"),
    ({"op": "unsubscribe"}, "unknown_subscription"),
]


@pytest.mark.parametrize(("op", "reason"), BAD_OPS, ids=lambda value: str(value)[:60])
def test_a_refused_op_is_answered_and_the_socket_lives_on(
    client: Live, followed: str, op: dict[str, Any], reason: str
) -> None:
    client.send({**op, "id": "bad"})
    frame = client.of("bad")
    assert set(frame) == {"id", "error"}
    assert frame["error"]["reason"] == reason
    assert frame["error"]["message"]
    assert client.subscribe("good", "log", followed)["items"] == []


def test_a_refused_op_without_an_id_is_answered_too(client: Live) -> None:
    client.send({"op": "subscribe", "topic": "log", "session": "s"})
    assert client.of("")["error"]["reason"] == "bad_field"


@pytest.mark.parametrize(
    "name", ["1" + "0" * 40, "-" + "9" * 25, "18446744073709551616", "1e400", "[1]", "{}", "true", "1.5"]
)
def test_an_id_that_is_none_is_refused(client: Live, followed: str, name: str) -> None:
    client.send(f'{{"op":"subscribe","topic":"log","session":"{followed}","id":{name}}}')
    client.send({"op": "subscribe", "topic": "log", "session": followed, "id": "next"})
    assert client.of("next")["items"] == []


def test_a_long_id_is_refused_and_not_repeated(client: Live, followed: str) -> None:
    client.send({"op": "subscribe", "topic": "log", "session": followed, "id": "x" * 50_000})
    client.send({"op": "shout", "id": "y" * 50_000})
    for _ in range(2):
        frame = client.of("")
        assert "error" in frame
        assert len(json.dumps(frame)) < 500


def test_more_subscriptions_than_a_socket_takes_are_refused(client: Live, followed: str) -> None:
    for n in range(MAX_SUBSCRIPTIONS):
        assert "error" not in client.subscribe(n, "log", followed)
    error = client.subscribe("more", "log", followed)["error"]
    assert error["reason"] == "limit_reached"
    assert str(MAX_SUBSCRIPTIONS) in error["message"]
    assert "error" not in client.subscribe(3, "events", followed)  # one that is replaced makes room for itself
    client.send({"op": "unsubscribe", "id": 0})
    assert "error" not in client.subscribe("more", "log", followed)


def test_more_sockets_than_the_server_takes_are_closed_with_the_reason(pushing: JupyterServer) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(live(pushing)) for _ in range(MAX_SOCKETS)]
        for client in clients:
            client.frame()
        extra = stack.enter_context(live(pushing))
        with pytest.raises(ConnectionClosed) as closed:
            extra.frame()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        assert str(MAX_SOCKETS) in closed.value.rcvd.reason
    deadline = time.monotonic() + 5
    while True:  # those that left made room
        try:
            with live(pushing) as client:
                assert client.frame()["type"] == "sessions"
                break
        except ConnectionClosed:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_session_that_is_purged_ends_its_subscriptions(pushing: JupyterServer, client: Live, followed: str) -> None:
    for topic in ("log", "events", "notes"):
        client.subscribe(topic, topic, followed)
    pushing.delete(f"sessions/{followed}?purge=true")
    told = set()
    while told != {"log", "events", "notes"}:
        frame = client.frame(5)
        if "error" in frame:
            assert frame["error"]["reason"] == "session_not_found"
            told.add(frame["id"])
    # The names are free again.
    pushing.post(f"sessions/{followed}", json={"appname": "again"})
    assert client.subscribe("log", "log", followed)["items"] == []


def closes(client: Live) -> bool:
    """Within the next frames."""
    with contextlib.suppress(ConnectionClosed):
        for _ in range(20):
            client.frame()
        return False
    return True


def test_a_frame_too_large_ends_only_its_socket(pushing: JupyterServer, followed: str) -> None:
    with live(pushing) as client, live(pushing) as other:
        client.send('{"op":"' + "x" * 100_000 + '"}')
        assert closes(client)
        assert other.frame()["type"] == "sessions"


# Many readers, slow readers


def test_readers_at_different_places_all_get_everything(pushing: JupyterServer, followed: str) -> None:
    append(pushing, followed, "".join(f"{n}\n" for n in range(50)))
    with ExitStack() as stack:
        clients = [stack.enter_context(live(pushing)) for _ in range(8)]
        for n, client in enumerate(clients):
            client.send({"op": "subscribe", "id": n, "topic": "log", "session": followed, "cursor": 5 * n})
        for part in range(10):
            append(pushing, followed, "".join(f"{50 + 10 * part + n}\n" for n in range(10)))
        for n, client in enumerate(clients):
            items = client.items(n, 150 - 5 * n)
            assert [item["index"] for item in items] == list(range(5 * n, 150))


def slow_live(server: JupyterServer) -> AbstractContextManager[Live]:
    """A client with small buffers that takes one message at a time, when it is asked to, and leaves in a hurry."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65536)
    raw.connect(("127.0.0.1", server.port))
    return live(server, sock=raw, max_queue=1, ping_interval=None, close_timeout=0.1)


def catch_up(reader: Live, name: str, end: int) -> tuple[int, int]:
    """How many items came, and how many were told as dropped, until the cursor is at the end."""
    seen = dropped = cursor = 0
    while cursor < end:
        frame = reader.of(name)
        seen, dropped, cursor = seen + len(frame["items"]), dropped + frame["dropped"], frame["cursor"]
    return seen, dropped


@pytest.mark.slow
def test_slow_sockets_cost_little_and_are_told_what_they_missed(pushing: JupyterServer, followed: str) -> None:
    """They read nothing while 60 MB pass by; then what the ring still has comes, and the rest is told as dropped."""
    batch = ("x" * 600 + "\n") * RING

    def flood() -> int:
        for _ in range(100):
            append(pushing, followed, batch)
        return pushing.memory()

    with ExitStack() as stack:
        reader = stack.enter_context(live(pushing))  # one that reads pays for what following costs at all
        reader.subscribe("s", "log", followed)
        flood()
        catch_up(reader, "s", 100 * RING)
        before = flood()
        slow = [stack.enter_context(slow_live(pushing)) for _ in range(10)]
        for client in slow:
            client.send({"op": "subscribe", "id": "s", "topic": "log", "session": followed})
        grown = (flood() - before) / len(slow)
        assert grown < 2_000_000, f"the server grew by {grown} bytes for each"
        end = pushing.get(f"sessions/{followed}").json()["log_count"]
        for client in slow[:2]:
            seen, dropped = catch_up(client, "s", end)
            assert seen + dropped == end
            assert seen >= RING
            assert dropped > end // 2


def test_a_slow_socket_holds_few_frames_however_many_streams_it_follows(pushing: JupyterServer, followed: str) -> None:
    """What it had not been sent yet when the session went, it never gets: it was not waiting in the server."""
    append(pushing, followed, ("x" * 200_000 + "\n") * 50)
    with slow_live(pushing) as slow:
        for n in range(MAX_SUBSCRIPTIONS):
            slow.send({"op": "subscribe", "id": n, "topic": "log", "session": followed, "limit": 100 + n})
        time.sleep(1)
        pushing.delete(f"sessions/{followed}?purge=true")
        with_data, told = 0, set()
        while len(told) < MAX_SUBSCRIPTIONS:
            frame = slow.frame()
            if "error" in frame:
                told.add(frame["id"])
            elif "id" in frame:
                with_data += 1
        assert with_data <= 4


def test_a_socket_that_drained_hears_of_all_its_streams(server: JupyterServer, session: str, fresh: str) -> None:
    """News of a second stream that came while the socket was full of the first is not forgotten, nor comes last."""
    other = f"{fresh}-other"
    server.post(f"sessions/{other}", json={"appname": "t"})
    with slow_live(server) as slow:
        slow.send({"op": "subscribe", "id": "big", "topic": "log", "session": session})
        slow.send({"op": "subscribe", "id": "small", "topic": "log", "session": other})
        slow.of("small")
        append(server, session, ("x" * 60_000 + "\n") * 100)
        append(server, other, "do not forget me")
        order: list[str] = []
        big = 0
        while big < 100 or "small" not in order:
            frame = slow.frame()
            if frame.get("items"):
                order.append(frame["id"])
                big += len(frame["items"]) if frame["id"] == "big" else 0
    assert order.index("small") < len(order) - 1


def test_refusals_that_nobody_reads_do_not_pile_up(server: JupyterServer) -> None:
    payload = json.dumps({"op": "shout", "id": "y" * 100}).encode()
    frame = b"\x81\xfe" + len(payload).to_bytes(2, "big") + b"\0\0\0\0" + payload
    before = server.memory()
    with slow_live(server) as slow:
        sent, deadline = 0, time.monotonic() + 1.5
        while sent < 100_000 * len(frame) and time.monotonic() < deadline:
            try:
                sent += slow.connection.socket.send(frame * 100, sockets.MSG_DONTWAIT)
            except BlockingIOError:
                time.sleep(0.01)
        assert server.memory() - before < 4_000_000
        assert server.get("sessions/health").status_code == 200
        slow.connection.socket.shutdown(sockets.SHUT_RDWR)


def test_a_server_that_stops_says_goodbye(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.post("sessions/s", json={"appname": "t"})
        with live(server) as reader, live(server) as plain:
            reader.subscribe("a", "log", "s")
            plain.frame()
            server.stop()
            for client in (reader, plain):
                with pytest.raises(ConnectionClosed) as closed:
                    client.frame()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1001
        assert "Traceback" not in server.log
