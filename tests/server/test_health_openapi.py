"""Health, and the API's description of itself: complete, consistent, and true of what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from jupyter_sessions.server.routes import ROUTES
from jupyter_sessions.service.sessions import ACTIONS
from tests.server.test_sessions_api import refused
from tests.support.jupyter import JupyterServer


def test_health_says_how_the_service_is(server: JupyterServer) -> None:
    before = server.get("sessions/health").json()
    assert (before["status"], before["api_version"]) == ("ok", "1")
    assert before["store"]["kind"] == "sqlite"
    assert before["store"]["bytes"] > 0
    assert before["store"]["schema"] >= 1000
    assert set(before["store"]) == {"kind", "id", "schema", "bytes"}
    assert before["queue"] == {"rows": 0, "bytes": 0}
    assert set(before["lag"]) == {"figures_s", "index_s"}
    server.post("sessions/", json={"appname": "t"})
    gone = server.post("sessions/", json={"appname": "t"}).json()["id"]
    server.delete(f"sessions/{gone}")
    after = server.get("sessions/health").json()
    assert after["open"] == before["open"] + 1
    assert after["ended"] == before["ended"] + 1
    assert after["uptime_s"] > before["uptime_s"] > 0
    assert after["store"]["id"] == before["store"]["id"]


def test_health_takes_no_parameters(server: JupyterServer) -> None:
    refused(server.get("sessions/health?verbose=1"), 400, "unknown_filter", "verbose")


# The description


@pytest.fixture(scope="module")
def description(server: JupyterServer) -> dict[str, Any]:
    answer = server.get("sessions/openapi.json")
    assert answer.headers["Content-Type"].startswith("application/json")
    body: dict[str, Any] = answer.json()
    return body


def test_every_route_and_verb_is_described(description: dict[str, Any]) -> None:
    described = {(path.rstrip("/"), verb) for path, verbs in description["paths"].items() for verb in verbs}
    routed = {(f"/sessions/{route.path}".rstrip("/"), verb) for route in ROUTES for verb in route.verbs}
    assert described >= routed
    assert ("/sessions/ws", "get") in described
    assert ("/sessions/openapi.json", "get") in described


def test_its_server_is_this_one(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    assert description["servers"] == [{"url": "/user/x"}]


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    for node in nodes(description):
        if "$ref" in node:
            assert node["$ref"].removeprefix("#/components/schemas/") in description["components"]["schemas"]


def test_every_schema_is_one(description: dict[str, Any]) -> None:
    for schema in description["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, verbs in description["paths"].items():
        for verb, operation in verbs.items():
            yield path, verb, operation


def test_every_operation_has_a_name_of_its_own_and_its_path_parameters(description: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(names) == len(set(names))
    for path, _, operation in operations(description):
        given = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert given == set(re.findall(r"{(\w+)}", path))
        assert operation["summary"]


def test_every_parameter_says_what_it_is_for(description: dict[str, Any]) -> None:
    for _, _, operation in operations(description):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                assert parameter["description"]


def test_numbers_are_described_as_numbers(description: dict[str, Any]) -> None:
    for path, verb, operation in operations(description):
        kinds = {p["name"]: p["schema"] for p in operation.get("parameters", []) if p["in"] == "query"}
        for name in ("limit", "cursor", "offset", "after_rev"):
            if name in kinds:
                assert kinds[name]["type"] == "integer", (path, verb, name)
                assert kinds[name]["minimum"] == 0


def valid(description: dict[str, Any], path: str, verb: str, answer: httpx.Response) -> None:
    described = description["paths"][path][verb]["responses"][str(answer.status_code)]
    schema = described["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": description["components"]}).validate(answer.json())


def test_what_is_answered_is_as_described(server: JupyterServer, description: dict[str, Any], fresh: str) -> None:
    one, of = "/sessions/{id}", f"sessions/{fresh}"
    everything = {
        "appname": "t", "title": "t", "agent": "a", "pid": 4_000_000, "metadata": {"a": 1}, "dimensions": {"b": "c"},
    }  # fmt: skip
    valid(description, one, "post", server.post(of, json=everything))
    valid(description, one, "post", server.post(of, json={"mode": "m"}))
    valid(description, "/sessions/", "post", server.post("sessions/", json={"appname": "t"}))
    valid(description, one, "put", server.put(of, json={"metadata": {}}))
    entry = {"message": "m", "level": "info", "data": {}, "logger": "l"}
    valid(description, one + "/log", "post", server.post(of + "/log", json=entry))
    valid(description, one + "/log", "get", server.get(of + "/log"))
    note = {"score": 1, "label": "l", "text": "t", "name": "n", "span": "s"}
    valid(description, one + "/notes", "post", server.post(of + "/notes", json=note))
    valid(description, one + "/notes", "get", server.get(of + "/notes"))
    valid(description, one + "/events", "get", server.get(of + "/events"))
    valid(description, one, "get", server.get(of))
    valid(description, "/sessions/", "get", server.get("sessions/?status=all&limit=1"))
    valid(description, "/sessions/", "get", server.get("sessions/?after_rev=0&status=ended"))
    valid(description, "/sessions/health", "get", server.get("sessions/health"))
    valid(description, one + "/{action}", "post", server.post(of + "/complete", json={"message": "bye"}))
    valid(description, one + "/{action}", "post", server.post(of + "/complete"))
    valid(description, one + "/reset", "post", server.post(of + "/reset"))
    valid(description, one, "delete", server.delete(of))
    valid(description, one, "get", server.get("sessions/nobody-there"))
    valid(description, one, "post", server.post(of, json={"appname": "late"}))
    valid(description, "/sessions/", "get", server.get("sessions/?color=red"))
    valid(description, one + "/log", "post", server.post(of + "/log", content="x", headers={"Content-Type": "a/b"}))
    assert server.delete(of + "?purge=true").status_code == 204
    assert "content" not in description["paths"][one]["delete"]["responses"]["204"]


def test_the_actions_are_listed(description: dict[str, Any]) -> None:
    (action,) = [
        p for p in description["paths"]["/sessions/{id}/{action}"]["post"]["parameters"] if p["name"] == "action"
    ]
    assert action["schema"]["enum"] == list(ACTIONS)


def test_a_server_at_the_root_describes_itself_too() -> None:
    from jupyter_sessions.server.openapi import document

    assert b'"servers":[{"url":"/"}]' in document("/")
