"""The live server held to its own description, by requests that are made from it: the fitting and the broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from jupyter_sessions.ids import RESERVED
from tests.support.jupyter import JupyterServer

CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def operations(server: JupyterServer) -> list[Any]:
    address = f"http://127.0.0.1:{server.port}/user/x/sessions/openapi.json"
    schema = schemathesis.openapi.from_url(address, headers=server.headers)
    schema.config.update(base_url=f"http://127.0.0.1:{server.port}/user/x", headers=server.headers)
    return [r.ok() for r in schema.get_all_operations() if not r.ok().path.endswith("/ws")]


def honest(case: Any) -> bool:
    """Whether the description alone can say that this will be taken: some rules need what is stored."""
    body = case.body if isinstance(case.body, dict) else {}
    return not (
        (case.query or {}).get("next")  # only the server makes one
        or str((case.path_parameters or {}).get("id", "")).startswith("~")  # an alias that nobody has
        or (case.path == "/sessions/{id}" and case.method == "POST" and "appname" not in body)  # needed to create
        or body.get("outcome")  # of an escalated session only
        or isinstance(body.get("pid"), float)  # 7.0 is an integer to JSON schema alone
    )


def hold(server: JupyterServer, mode: GenerationMode, examples: int) -> None:
    for operation in operations(server):
        if mode is GenerationMode.NEGATIVE and not (operation.definition.raw.keys() & {"parameters", "requestBody"}):
            continue  # nothing of it can be broken

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=examples < 1000,  # the same every day; at length, other ones every night
            phases=[Phase.generate],
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )
        def held(case: Any) -> None:
            assume((case.path_parameters or {}).get("id") not in RESERVED)  # another route
            answer = case.call()
            assert "Traceback" not in answer.text
            checks = list(CHECKS)
            if mode is GenerationMode.POSITIVE and honest(case):
                checks.append(positive_data_acceptance)
            case.validate_response(answer, checks=checks)

        held()
    assert "Traceback" not in server.log


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_server_keeps_to_its_description(server: JupyterServer, mode: GenerationMode) -> None:
    hold(server, mode, 100)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_server_keeps_to_its_description_at_length(server: JupyterServer, mode: GenerationMode) -> None:
    hold(server, mode, 400)
