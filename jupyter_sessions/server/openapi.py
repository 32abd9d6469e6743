"""The API's own description (OpenAPI 3.1), generated from the route table and the types of bodies and answers."""

from __future__ import annotations

import functools
import re
from typing import Any

import msgspec

from .._version import __version__
from ..ids import MAX_LENGTH
from ..service.sessions import ACTIONS
from ..wire import ErrorView
from .base import Handler, api

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

    types: list[Any] = [ErrorView]
    for route in ROUTES:
        for verb in route.verbs.values():
            types += [kind for kind in (*verb.answers.values(), verb.body) if kind is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = {str(kind): schema for kind, schema in zip(types, schemas, strict=True)}

    paths: dict[str, Any] = {}
    for route in ROUTES:
        path = ("sessions/" + route.path).rstrip("/")
        operations = paths.setdefault("/" + path if path != "sessions" else "/sessions/", {})
        for method, verb in route.verbs.items():
            operations[method] = _operation(route.path, method, verb, schema_of)
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


def _operation(path: str, method: str, verb: Any, schema_of: dict[str, Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = []
    for name in re.findall(r"{(\w+)}", path):
        schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH}
        if name == "action":
            schema = {"type": "string", "enum": list(ACTIONS)}
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    for name, description in verb.parameters.items():
        parameters.append({"name": name, "in": "query", "description": description, "schema": {"type": "string"}})
    operation: dict[str, Any] = {"summary": verb.summary, "operationId": _operation_id(path, method)}
    if parameters:
        operation["parameters"] = parameters
    if verb.body is not None:
        content = {"application/json": {"schema": schema_of[str(verb.body)]}}
        if verb.text_body:
            content["text/plain"] = {"schema": {"type": "string"}}
        operation["requestBody"] = {"required": verb.body_required, "content": content}
    responses: dict[str, Any] = {}
    for status, kind in verb.answers.items():
        responses[str(status)] = {"description": verb.summary}
        if kind is not None:
            responses[str(status)]["content"] = {"application/json": {"schema": schema_of[str(kind)]}}
    refusals = {*_ALWAYS, *verb.refusals, *(_WRITES if method != "get" else ())}
    for status in sorted(refusals):
        responses[str(status)] = {
            "description": _REFUSALS[status],
            "content": {"application/json": {"schema": schema_of[str(ErrorView)]}},
        }
    operation["responses"] = responses
    return operation


def _operation_id(path: str, method: str) -> str:
    words = re.findall(r"\w+", path.replace("{id}", "session").replace("{action}", "act"))
    return "_".join([method, *words]) if words else f"{method}_sessions"
