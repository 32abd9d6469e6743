"""Creating, changing, ending and removing sessions, and every way in which that is refused."""

from __future__ import annotations

import gzip
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.server.conftest import Create
from tests.support.jupyter import TOKEN, JupyterServer, running


def refused(answer: httpx.Response, status: int, reason: str, *words: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    assert body["reason"] == reason
    for word in words:
        assert word in body["message"]
    return body


def at(session_id: str) -> str:
    """The path of an id as a careful client writes it."""
    return "sessions/" + quote(session_id, safe="")


# Create


def test_a_post_creates_and_says_where(server: JupyterServer, fresh: str) -> None:
    answer = server.post(
        f"sessions/{fresh}",
        json={"appname": "zen", "mode": "build", "jobid": "j1", "metadata": {"a": {"b": [1, None]}}},
    )
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/user/x/sessions/{fresh}"
    body = answer.json()
    assert body["id"] == fresh
    assert (body["appname"], body["mode"], body["jobid"]) == ("zen", "build", "j1")
    assert body["metadata"] == {"a": {"b": [1, None]}}
    assert server.get(f"sessions/{fresh}").json()["metadata"] == body["metadata"]


def test_a_new_session_has_all_fields_and_no_more(server: JupyterServer, fresh: str) -> None:
    body = server.post(f"sessions/{fresh}", json={"appname": "zen"}).json()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", body.pop("created_at"))
    for name in ("updated_at", "last_activity_at", "rev", "duration_ms", "owner", "server_id"):
        assert body.pop(name) is not None
    assert body == {
        "id": fresh, "appname": "zen", "mode": "", "kind": "client", "origin": "api", "status": "active", "open": True,
        "metadata": {}, "dimensions": {}, "settled": True, "disposition": "pending",
        "log_count": 0, "message_count": 0, "trace_count": 0, "run_count": 0, "error_count": 0, "note_count": 0,
        "tokens": None, "cost_usd": None,
    }  # fmt: skip


def test_the_server_gives_an_id_where_none_is_brought(server: JupyterServer) -> None:
    for path in ("sessions", "sessions/"):
        answer = server.post(path, json={"appname": "zen"})
        assert answer.status_code == 201
        session_id = answer.json()["id"]
        assert answer.headers["Location"].endswith("/sessions/" + session_id)
        assert server.get("sessions/" + session_id).json()["id"] == session_id


def test_ids_of_the_server_sort_by_their_time(server: JupyterServer) -> None:
    ids = []
    for _ in range(3):
        ids.append(server.post("sessions/", json={"appname": "zen"}).json()["id"])
        server.get("sessions/health")
    assert ids == sorted(ids)


OPTIONAL = {
    "title": "A title", "agent": "a", "user": "u", "room": "r", "environment": "e", "channel": "c", "version": "v",
    "deployment": "d", "platform": "p", "parent_session_id": "parent", "dimensions": {"team": "red"},
}  # fmt: skip


def test_create_takes_every_optional_field(create: Create, fresh: str) -> None:
    body = create(fresh, **OPTIONAL, kind="conversation", pid=4_000_000)
    assert body.items() >= OPTIONAL.items()
    assert (body["kind"], body["status"], body["pid"]) == ("conversation", "idle", 4_000_000)


@pytest.mark.parametrize(
    ("kind", "status"), [("conversation", "idle"), ("kernel", "idle"), ("room", "active"), ("client", "active")]
)
def test_the_kind_decides_the_first_status(create: Create, fresh: str, kind: str, status: str) -> None:
    assert create(fresh, kind=kind)["status"] == status


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "missing_body"),
        (b"  \n", "missing_body"),
        (b"{}", "missing_field"),
        (b'{"mode": "x"}', "missing_field"),
        (b'{"appname": ""}', "bad_field"),
        (b'{"appname": "  "}', "bad_field"),
        (b'{"appname": null}', "bad_field"),
        (b'{"appname": 1}', "bad_field"),
        (b'{"appname": "a", "mode": 5}', "bad_field"),
        (b'{"appname": "a", "metadata": [1]}', "bad_field"),
        (b'{"appname": "a", "metadata": null}', "bad_field"),
        (b'{"appname": "a", "metadata": "text"}', "bad_field"),
        (b'{"appname": "a", "kind": "pet"}', "bad_field"),
        (b'{"appname": "a", "pid": -1}', "bad_field"),
        (b'{"appname": "a", "pid": 3000000000}', "bad_field"),
        (b'{"appname": "a", "pid": "7"}', "bad_field"),
        (b'{"appname": "a", "dimensions": {"k": 1}}', "bad_field"),
        (b'[{"appname": "a"}]', "bad_field"),
        (b'"a"', "bad_field"),
        (b"null", "bad_field"),
        (b'{"appname": "a"', "bad_json"),
        (b"appname=a", "bad_json"),
        (b'{"appname": "\xff"}', "bad_json"),
        (b'{"appname": "a", "metadata": {"a": "\xff"}}', "bad_json"),
        (b'{"appname": "a", "metadata": {"a": 1e999}}', "bad_field"),
        (b'{"appname": "a", "metadata": {"a": NaN}}', "bad_json"),
    ],
)
def test_a_body_that_makes_no_session_is_refused(server: JupyterServer, fresh: str, body: bytes, reason: str) -> None:
    refused(server.post(f"sessions/{fresh}", content=body), 400, reason)
    refused(server.get(f"sessions/{fresh}"), 404, "session_not_found")


def test_a_refusal_names_the_field(server: JupyterServer, fresh: str) -> None:
    refused(server.post(f"sessions/{fresh}", json={"appname": "a", "mode": 5}), 400, "bad_field", "mode")


def test_unknown_keys_are_ignored_on_create(create: Create, fresh: str) -> None:
    assert "unheard_of" not in create(fresh, unheard_of=[1])


def test_text_is_kept_as_it_is_but_for_nul(create: Create, fresh: str) -> None:
    text = "\u00e9\u4e2d\U0001f600 <b>\"'\\"
    body = create(fresh, title=text, mode="a\0b", metadata={text: text})
    assert body["title"] == text
    assert body["metadata"] == {text: text}
    assert body["mode"] == "a\ufffdb"


def test_a_query_on_a_write_is_refused_with_the_nearest_name(server: JupyterServer, session: str) -> None:
    answer = server.delete(f"sessions/{session}", params={"purged": "true"})
    refused(answer, 400, "unknown_filter", "purged", "'purge'")
    refused(server.get(f"sessions/{session}", params={"x": "1"}), 400, "unknown_filter", "'x'")


def test_of_many_who_create_at_once_one_does(server: JupyterServer, fresh: str) -> None:
    def post(n: int) -> int:
        with server.client() as client:
            return client.post(f"sessions/{fresh}", json={"appname": f"app{n}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(post, range(8)))
    assert statuses == [200] * 7 + [201]
    assert server.get(f"sessions/{fresh}/events").json()["total"] == 1


@pytest.mark.parametrize("base_url", ["/", "/a%40b/"])
def test_any_base_url_will_do(tmp_path: Path, base_url: str) -> None:
    with running(tmp_path, base_url=base_url) as elsewhere:
        answer = elsewhere.post("sessions/s", json={"appname": "t"})
        assert answer.headers["Location"] == f"{base_url}sessions/s"
        assert elsewhere.post("sessions/s/log", content="line").json()["cursor"] == 1
        assert elsewhere.get("sessions/openapi.json").json()["servers"] == [{"url": base_url.rstrip("/") or "/"}]
        assert elsewhere.get("sessions/no/route").json()["reason"] == "not_found"


# Update


def test_a_second_post_replaces_what_it_names_and_leaves_the_rest(server: JupyterServer, create: Create, fresh: str):
    before = create(fresh, mode="one", jobid="j", title="t", metadata={"a": 1, "b": 2}, dimensions={"k": "v"})
    answer = server.post(f"sessions/{fresh}", json={"mode": "two", "metadata": {"c": 3}, "jobid": None})
    assert answer.status_code == 200
    assert "Location" not in answer.headers
    after = answer.json()
    assert after["mode"] == "two"
    assert after["metadata"] == {"c": 3}
    assert "jobid" not in after
    assert (after["appname"], after["title"], after["dimensions"]) == ("test", "t", {"k": "v"})
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]
    assert after["rev"] > before["rev"]


def test_an_update_that_is_refused_changes_nothing(server: JupyterServer, create: Create, fresh: str) -> None:
    before = create(fresh, mode="one")
    refused(server.post(f"sessions/{fresh}", json={"mode": "two", "appname": ""}), 400, "bad_field")
    after = server.get(f"sessions/{fresh}").json()
    assert (after["mode"], after["rev"], after["updated_at"]) == ("one", before["rev"], before["updated_at"])


def test_put_replaces_metadata_as_a_whole(server: JupyterServer, create: Create, fresh: str) -> None:
    before = create(fresh, metadata={"a": 1}, dimensions={"k": "v"}, mode="one")
    answer = server.put(f"sessions/{fresh}", json={"metadata": {"b": 2}})
    assert answer.status_code == 200
    after = answer.json()
    assert after["metadata"] == {"b": 2}
    assert (after["mode"], after["dimensions"]) == ("one", {"k": "v"})
    assert after["updated_at"] > before["updated_at"]


def test_put_may_carry_names_and_dimensions(server: JupyterServer, session: str) -> None:
    body = {"metadata": {}, "appname": "n", "mode": "m", "jobid": "j", "dimensions": {"a": "b"}}
    assert server.put(f"sessions/{session}", json=body).json().items() >= body.items()


@pytest.mark.parametrize(
    ("body", "reason", "word"),
    [
        ({}, "bad_field", "metadata"),
        ({"mode": "x"}, "bad_field", "metadata"),
        ({"metadata": {}, "title": "x"}, "bad_field", "title"),
        ({"metadata": {}, "color": 1}, "bad_field", "color"),
        ({"metadata": [1]}, "bad_field", "metadata"),
        ({"metadata": None}, "bad_field", "metadata"),
        ({"metadata": {}, "appname": ""}, "bad_field", "appname"),
    ],
)
def test_put_refuses_what_it_does_not_know(
    server: JupyterServer, session: str, body: dict[str, Any], reason: str, word: str
) -> None:
    refused(server.put(f"sessions/{session}", json=body), 400, reason, word)


def test_put_of_an_unknown_session_is_a_404(server: JupyterServer, fresh: str) -> None:
    refused(server.put(f"sessions/{fresh}", json={"metadata": {}}), 404, "session_not_found", fresh)


# End and remove


def test_delete_ends_and_once_more_answers_the_same(server: JupyterServer, session: str) -> None:
    first = server.delete(f"sessions/{session}")
    assert first.status_code == 200
    body = first.json()
    assert (body["status"], body["open"], body["disposition"]) == ("ended", False, "user_ended")
    assert body["ended_at"]
    assert body["ended_by"]
    second = server.delete(f"sessions/{session}")
    assert second.status_code == 200
    assert second.json() == body
    assert server.get(f"sessions/{session}").json() == body


def test_a_closed_session_refuses_changes(server: JupyterServer, session: str) -> None:
    server.delete(f"sessions/{session}")
    for answer in (
        server.post(f"sessions/{session}", json={"appname": "again"}),
        server.put(f"sessions/{session}", json={"metadata": {}}),
        server.post(f"sessions/{session}/log", content="late"),
    ):
        assert refused(answer, 409, "session_closed", "ended")["detail"]["status"] == "ended"


def test_purge_removes_the_session_and_its_rows(server: JupyterServer, session: str) -> None:
    server.post(f"sessions/{session}/log", content="a\nb")
    server.post(f"sessions/{session}/notes", json={"text": "n"})
    answer = server.delete(f"sessions/{session}", params={"purge": "true"})
    assert (answer.status_code, answer.content) == (204, b"")
    for path in ("", "/log", "/notes", "/events"):
        refused(server.get(f"sessions/{session}{path}"), 404, "session_not_found")
    refused(server.delete(f"sessions/{session}", params={"purge": "true"}), 404, "session_not_found")
    # The id is free again, and nothing of before comes back.
    assert server.post(f"sessions/{session}", json={"appname": "new"}).status_code == 201
    assert server.get(f"sessions/{session}/log").json()["cursor"] == 0


def test_a_closed_session_can_be_purged(server: JupyterServer, session: str) -> None:
    server.delete(f"sessions/{session}")
    assert server.delete(f"sessions/{session}?purge=true").status_code == 204


def test_purge_false_only_ends(server: JupyterServer, session: str) -> None:
    assert server.delete(f"sessions/{session}?purge=false").status_code == 200
    refused(server.delete(f"sessions/{session}?purge=maybe"), 400, "bad_query", "purge")


def test_an_unknown_session_is_a_404_everywhere(server: JupyterServer, fresh: str) -> None:
    for verb, path in (
        ("GET", ""), ("DELETE", ""), ("GET", "/log"), ("POST", "/log"), ("GET", "/events"), ("GET", "/notes"),
        ("POST", "/complete"), ("POST", "/reset"),
    ):  # fmt: skip
        content = "line" if path == "/log" and verb == "POST" else None
        refused(server.request(verb, f"sessions/{fresh}{path}", content=content), 404, "session_not_found", fresh)


# Ids

STRANGE = [
    "a/b", "/", "//", "a b", " ", "a%2Fb", "100%", "\u00e9t\u00e9", "\u4e2d\u6587", "\U0001f600", ".", "..", "...",
    "a?b", "a#b", "a+b", "a&b=c", "a\\b", "a;b", "a,b", "'\"", "<script>", "{id}", "complete/x", "x" * 199 + "/",
]  # fmt: skip


@pytest.mark.parametrize("session_id", STRANGE)
def test_a_strange_id_works_percent_encoded_and_by_its_alias(server: JupyterServer, session_id: str) -> None:
    path = at(session_id)
    if not session_id.strip("."):
        # Every client resolves dots in a path; raw bytes on a socket say what is meant.
        assert raw_post(server, path, b'{"appname":"strange"}').startswith(b"HTTP/1.1 201")
    else:
        answer = server.post(path, json={"appname": "strange"})
        assert answer.status_code == 201, answer.text
        assert answer.json()["id"] == session_id
    listed = {s["id"]: s for s in server.get("sessions/", params={"appname": "strange"}).json()["sessions"]}
    alias = listed[session_id]["alias"]
    assert re.fullmatch(r"~[a-z2-7]+", alias)
    assert server.get(f"sessions/{alias}").json()["id"] == session_id
    assert server.post(f"sessions/{alias}/log", content="line").json()["cursor"] == 1
    assert server.get(f"sessions/{alias}/log").json()["total"] == 1
    assert server.post(f"sessions/{alias}", json={"mode": "m"}).json()["mode"] == "m"
    assert server.put(f"sessions/{alias}", json={"metadata": {}}).json()["alias"] == alias
    assert server.post(f"sessions/{alias}/notes", json={"text": "t"}).status_code == 201
    assert server.get(f"sessions/{alias}/events").json()["total"] == 1
    assert server.post(f"sessions/{alias}/complete").json()["status"] == "completed"
    assert server.delete(f"sessions/{alias}?purge=true").status_code == 204


def raw_post(server: JupyterServer, path: str, body: bytes) -> bytes:
    head = (
        f"POST {server.base_url}{path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: token {TOKEN}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(head.encode() + body)
        found = b""
        while part := connection.recv(65536):
            found += part
    return found


def test_the_location_of_a_strange_id_can_be_followed(server: JupyterServer) -> None:
    answer = server.post(at("follow/me \u00e9"), json={"appname": "test"})
    assert "~" in answer.headers["Location"]
    location = answer.headers["Location"].removeprefix(server.base_url)
    assert server.get(location).json()["id"] == "follow/me \u00e9"


@pytest.mark.parametrize("session_id", ["plain", "UPPER.lower_0:9@x-y", "a" * 200, "0" * 23, "0" * 25, "g" * 24])
def test_a_plain_id_has_no_alias(create: Create, session_id: str) -> None:
    body = create(session_id)
    assert body["id"] == session_id
    assert "alias" not in body


def test_an_oid_folds_to_lower_case(server: JupyterServer) -> None:
    assert server.post("sessions/ABCDEF0123456789ABCDEF01", json={"appname": "t"}).json()["id"] == (
        "abcdef0123456789abcdef01"
    )
    assert server.get("sessions/aBcDeF0123456789ABCDEF01").status_code == 200
    assert server.post("sessions/abcdef0123456789abcdef01", json={"mode": "m"}).status_code == 200


@pytest.mark.parametrize(
    "session_id",
    ["0" * 24, "a" * 201, "a\nb", "\x00", "a\x7f", "a\x85b", "\x9f", "~mine", "~", "~a/b"],
    ids=lambda text: repr(text)[:20],
)
def test_a_malformed_id_is_refused(server: JupyterServer, session_id: str) -> None:
    refused(server.post(at(session_id), json={"appname": "t"}), 400, "malformed_id")


@pytest.mark.parametrize(
    "word", ["app", "export", "stats", "rooms", "services", "agents", "otlp", "ws%2F", "%68ealth%2F"]
)
def test_a_word_of_the_url_space_is_no_id(server: JupyterServer, word: str) -> None:
    if word.endswith("%2F"):
        assert server.post(f"sessions/{word}", json={"appname": "t"}).status_code == 201  # "ws/" is another word
    else:
        refused(server.post(f"sessions/{word}", json={"appname": "t"}), 400, "reserved_id", word)


@pytest.mark.parametrize("word", ["ws", "health", "openapi.json"])
def test_a_route_of_its_own_takes_no_session(server: JupyterServer, word: str) -> None:
    for path in (f"sessions/{word}", f"sessions/{word}/"):
        answer = server.post(path, json={"appname": "t"})
        assert answer.status_code == 405
        assert answer.json()["reason"] == "method_not_allowed"


def test_a_path_that_is_no_utf8_is_refused(server: JupyterServer) -> None:
    answer = raw_post(server, "sessions/%ff%fe", b'{"appname":"x"}')
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"reason"' in answer


# Paths and verbs


def test_trailing_slashes_do_not_matter(server: JupyterServer, session: str) -> None:
    for path in ("", "health", "openapi.json", session, f"{session}/log", f"{session}/events", f"{session}/notes"):
        plain, closed = server.get(f"sessions/{path}".rstrip("/")), server.get(f"sessions/{path}".rstrip("/") + "/")
        assert plain.status_code == closed.status_code == 200, path
    assert server.post(f"sessions/{session}/complete/").status_code == 200


@pytest.mark.parametrize("path", ["a/b", "a/log/b", "a/unheard-of", "a//log", "x/y/z", "a/complete/now"])
@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_an_unknown_route_is_a_json_404(server: JupyterServer, verb: str, path: str) -> None:
    answer = server.request(verb, f"sessions/{path}")
    refused(answer, 404, "not_found", path.split("/", maxsplit=1)[0])
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("verb", "path", "allowed"),
    [
        ("PUT", "", "GET, POST"),
        ("DELETE", "", "GET, POST"),
        ("POST", "health", "GET"),
        ("PATCH", "some", "GET, POST, PUT, DELETE"),
        ("PUT", "some/log", "GET, POST"),
        ("GET", "some/complete", "POST"),
        ("DELETE", "some/notes", "GET, POST"),
        ("POST", "some/events", "GET"),
        ("GET", "some/reset", "POST"),
    ],
)
def test_a_wrong_verb_is_a_405_that_names_the_right_ones(
    server: JupyterServer, verb: str, path: str, allowed: str
) -> None:
    answer = server.request(verb, f"sessions/{path}")
    refused(answer, 405, "method_not_allowed", verb, allowed)
    assert answer.headers["Allow"] == allowed


def test_a_verb_that_does_not_exist_is_a_json_405(server: JupyterServer, session: str) -> None:
    refused(server.request("BREW", f"sessions/{session}"), 405, "method_not_allowed")


# Bodies

JSON = {"Content-Type": "application/json"}


def test_a_gzip_body_is_read(server: JupyterServer, fresh: str) -> None:
    body = gzip.compress(json.dumps({"appname": "zipped"}).encode())
    for name in ("gzip", "GZIP", "x-gzip"):
        answer = server.post(f"sessions/{fresh}", content=body, headers=JSON | {"Content-Encoding": name})
        assert answer.json()["appname"] == "zipped"


def test_a_gzip_body_of_several_members_is_read_whole(server: JupyterServer, session: str) -> None:
    body = gzip.compress(b"one\ntwo\n") + gzip.compress(b"three\n")
    answer = server.post(
        f"sessions/{session}/log", content=body, headers={"Content-Type": "text/plain", "Content-Encoding": "gzip"}
    )
    assert answer.json()["appended"] == 3


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", gzip.compress(b'{"appname":"a"}')[:-9], gzip.compress(b'{"appname":"a"}') + b"tail"],
    ids=["empty", "text", "cut", "tail"],
)
def test_a_body_that_only_says_gzip_is_refused(server: JupyterServer, fresh: str, body: bytes) -> None:
    answer = server.post(f"sessions/{fresh}", content=body, headers=JSON | {"Content-Encoding": "gzip"})
    refused(answer, 400, "bad_gzip")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_another_encoding_is_refused(server: JupyterServer, fresh: str, encoding: str) -> None:
    answer = server.post(f"sessions/{fresh}", json={"appname": "a"}, headers={"Content-Encoding": encoding})
    refused(answer, 415, "unsupported_media_type", encoding)


@pytest.mark.parametrize(
    "media",
    ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/vnd.x+json",
     "application/x-www-form-urlencoded"],
)  # fmt: skip
def test_json_is_read_by_its_usual_names(server: JupyterServer, fresh: str, media: str) -> None:
    answer = server.post(f"sessions/{fresh}", content=b'{"appname":"a"}', headers={"Content-Type": media})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "media", ["text/plain", "application/xml", "multipart/form-data", "application/cbor", "nonsense"]
)
def test_another_content_type_is_refused(server: JupyterServer, fresh: str, media: str) -> None:
    answer = server.post(f"sessions/{fresh}", content=b'{"appname":"a"}', headers={"Content-Type": media})
    refused(answer, 415, "unsupported_media_type", media)


def test_a_chunked_body_is_read(server: JupyterServer, fresh: str) -> None:
    answer = server.post(f"sessions/{fresh}", content=iter([b'{"appn', b'ame":"', b'parts"}']), headers=JSON)
    assert answer.json()["appname"] == "parts"


def test_answers_are_json_in_utf8(server: JupyterServer, create: Create, fresh: str) -> None:
    create(fresh, title="\u00e9")
    answer = server.get(f"sessions/{fresh}")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert '"\u00e9"'.encode() in answer.content
