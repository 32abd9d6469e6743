"""The notebooks run as they are: without a server under nbclient, and in a kernel that a real server started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient

import jupyter_sessions as js
from tests.support.jupyter import ROOT, running

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)]


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]


def test_a_notebook_runs_without_a_server(notebook: Path, tmp_path: Path) -> None:
    copy = shutil.copy(notebook, tmp_path)
    subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", "--inplace", copy],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        timeout=90,
    )
    outputs = [output for cell in code_cells(Path(copy)) for output in cell["outputs"]]

    assert [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"] == []
    with js.connect(path=tmp_path / "data/jupyter_sessions/sessions.db") as client:
        assert client.sessions("all").total > 0
        assert client.sessions().total == 0  # it ended what it began


def test_a_notebook_finds_the_server_that_runs_it(notebook: Path, tmp_path: Path) -> None:
    with running(tmp_path / "server") as server:
        kernel_id = server.post("api/kernels", json={"name": "python3"}).json()["id"]
        file = server.home / "runtime" / f"kernel-{kernel_id}.json"
        deadline = time.monotonic() + 30
        while not file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        kernel = BlockingKernelClient(connection_file=str(file))
        kernel.load_connection_file()
        kernel.start_channels()
        try:
            kernel.wait_for_ready(timeout=30)
            for cell in code_cells(notebook):
                reply = kernel.execute_interactive(
                    "".join(cell["source"]), timeout=60, output_hook=lambda message: None
                )["content"]
                assert reply["status"] == "ok", "\n".join(reply["traceback"])
        finally:
            kernel.stop_channels()
        with js.connect(server.url, server.token) as client:
            found = client.sessions("all", sort="created_at")
            assert [session.appname for session in found][:1] == ["jupyter-server"]
            recorded = found[1:]
            assert recorded
            assert {session.status for session in recorded} == {"ended"}
        server.delete(f"api/kernels/{kernel_id}")
