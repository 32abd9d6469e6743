"""The notebooks run from top to bottom: without a server, and in a kernel that a real server started."""

from __future__ import annotations

import time
from pathlib import Path

import nbformat
import pytest
from jupyter_client.blocking import BlockingKernelClient
from nbclient import NotebookClient

import jupyter_sessions as js
from tests.support.jupyter import ROOT, running

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CELL_S = 60

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)]


def test_it_runs_without_a_server(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        monkeypatch.setenv(f"JUPYTER_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=CELL_S, kernel_name="python3").execute(cwd=str(tmp_path))

    assert [
        output for cell in notebook.cells for output in cell.get("outputs", ()) if output.get("name") == "stderr"
    ] == []
    with js.connect(path=tmp_path / "data_dir/jupyter_sessions/sessions.db") as client:
        assert client.sessions("all").total > 0
        assert client.sessions("active").total == 0  # what it began it also ended


def test_it_finds_the_server_that_runs_it(path: Path, tmp_path: Path) -> None:
    with running(tmp_path / "server") as server:
        kernel_id = server.post("api/kernels", json={"name": "python3"}).json()["id"]
        kernel = BlockingKernelClient(
            connection_file=str(_when_there(server.home / f"runtime/kernel-{kernel_id}.json"))
        )
        kernel.load_connection_file()
        kernel.start_channels()
        try:
            kernel.wait_for_ready(timeout=CELL_S)
            for cell in nbformat.read(path, as_version=4).cells:
                if cell.cell_type == "code":
                    answer = kernel.execute_interactive(cell.source, timeout=CELL_S, output_hook=lambda _: None)
                    assert answer["content"]["status"] == "ok", "\n".join(answer["content"]["traceback"])
        finally:
            kernel.stop_channels()
            server.delete(f"api/kernels/{kernel_id}")

        with js.connect(server.url, server.token) as client:
            own, *recorded = client.sessions("all", sort="created_at")
            assert own.appname == "jupyter-server"
            assert {session.status for session in recorded} == {"ended"}


def _when_there(path: Path) -> Path:
    deadline = time.monotonic() + CELL_S
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.05)
    return path
