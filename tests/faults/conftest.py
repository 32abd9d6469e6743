from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.jupyter import JupyterServer


@pytest.fixture
def server_at(tmp_path: Path) -> Iterator[Callable[..., JupyterServer]]:
    """Makes servers, each in a directory of its own, and takes care that none outlives the test."""
    made: list[JupyterServer] = []

    def make(name: str, *args: str, **options: Any) -> JupyterServer:
        made.append(JupyterServer(tmp_path / name, *args, **options))
        return made[-1]

    yield make
    for server in made:
        server.kill()
