"""The API's own description (OpenAPI 3.1), generated from the route table and the types of bodies and answers."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import msgspec

from .._version import __version__
from ..wire import ErrorView, GoneView
from .base import Handler, api
from .parameters import PATH, described

if TYPE_CHECKING:
    from .routes import Verb

_REFUSALS = {
    400: "The request does not say something that can be done",
    403: "Jupyter's authentication or authorization refused",
    404: "No such session",
    409: "The session's state does not allow this",
    410: "The session expired",
    413: "Larger than a limit, which is named",
    415: "A content type that is not read",
    503: "Too much waits to be written, or the store is not available; see Retry-After",
    507: "The disk is full",
}
_ALWAYS = (400, 403, 503)
_WRITES = (507,)


class OpenApi(Handler):
    @api
    async def get(self) -> None:
        self.answer_bytes(document(self.base_url))


@functools.lru_cache(maxsize=4)
def document(base_url: str) -> bytes:
    from .routes import ROUTES  # the table names this handler's siblings

    types: list[type] = [ErrorView, GoneView]
    for route in ROUTES:
        for verb in route.verbs.values():
            types += [kind for kind in (*verb.answers.values(), *_alternatives(verb.body)) if kind is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(types, schemas, strict=True))
    rows = components["SessionListView"]["properties"]["sessions"]
    rows["items"] = {"anyOf": [rows["items"], schema_of[GoneView]]}

    paths: dict[str, Any] = {}
    for route in ROUTES:
        path = ("sessions/" + route.path).rstrip("/")
        operations = paths.setdefault("/" + path if path != "sessions" else "/sessions/", {})
        for method, verb in route.verbs.items():
            operations[method] = _operation(route.path, method, verb, schema_of)
    paths["/sessions/ws"] = {"get": _socket(schema_of[ErrorView])}
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "jupyter-sessions", "version": __version__, "description": "Sessions of this server."},
            "servers": [{"url": base_url.rstrip("/") or "/"}],
            "security": [{"token": []}],
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {
                    "token": {
                        "type": "apiKey",
                        "in": "header",
                        "name": "Authorization",
                        "description": "`token` and a space, then the server's token.",
                    }
                },
            },
        }
    )


def _alternatives(body: Any) -> tuple[type, ...]:
    return body if isinstance(body, tuple) else () if body is None else (body,)


def _operation(path: str, method: str, verb: Verb, schema_of: dict[type, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": PATH[name]} for name in re.findall(r"{(\w+)}", path)
    ]
    parameters += [described(name, description) for name, description in verb.parameters.items()]
    operation: dict[str, Any] = {"summary": verb.summary, "operationId": _operation_id(path, method)}
    if parameters:
        operation["parameters"] = parameters
    if verb.body is not None:
        bodies = [schema_of[kind] for kind in _alternatives(verb.body)]
        content = {"application/json": {"schema": bodies[0] if len(bodies) == 1 else {"anyOf": bodies}}}
        if verb.text_body:
            content["text/plain"] = {"schema": {"type": "string"}}
        operation["requestBody"] = {"required": verb.body_required, "content": content}
    responses: dict[str, Any] = {}
    for status, kind in verb.answers.items():
        responses[str(status)] = {"description": verb.summary}
        if kind is not None:
            responses[str(status)]["content"] = {"application/json": {"schema": schema_of[kind]}}
    refusals = {*_ALWAYS, *verb.refusals, *(_WRITES if method != "get" else ())}
    for status in sorted(refusals):
        responses[str(status)] = _refusal(status, schema_of[ErrorView])
    operation["responses"] = responses
    return operation


def _socket(error: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": "The live socket: the list now and then, or what is subscribed to",
        "operationId": "get_ws",
        "responses": {
            "101": {"description": "The protocol is WebSocket from here on"},
            **{str(status): _refusal(status, error) for status in (400, 403)},
        },
    }


def _refusal(status: int, error: dict[str, Any]) -> dict[str, Any]:
    return {"description": _REFUSALS[status], "content": {"application/json": {"schema": error}}}


def _operation_id(path: str, method: str) -> str:
    words = re.findall(r"\w+", path.replace("{id}", "session").replace("{action}", "act"))
    return "_".join([method, *words]) if words else f"{method}_sessions"
