"""A real JupyterLab in a process of its own, with directories of its own, that a test may kill and start again.

Nothing of the user's Jupyter is read or written: data, configuration, runtime files, settings and the store all lie in
the directory that is handed in. The server has a base URL, as it would have on a hub.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

TOKEN = "token-of-the-test"
BASE = "/user/x/"
START_S = 60


class Lab:
    token = TOKEN

    def __init__(self, home: Path, theme: str = "JupyterLab Light") -> None:
        self.home = home
        self.port = free_port()
        self.notebooks = home / "notebooks"
        self.notebooks.mkdir()
        self._process: subprocess.Popen[bytes] | None = None
        self.set_theme(theme)
        # A toast that asks for news would cover the corner of every picture.
        self._write_setting("notification", {"fetchNews": "false", "checkForUpdates": False})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{BASE}"

    @property
    def page_url(self) -> str:
        """With an empty workspace: Lab would else open as the last page left it."""
        return f"{self.url}lab?reset&token={TOKEN}"

    @property
    def log(self) -> str:
        return (self.home / "server.log").read_text()

    def set_theme(self, theme: str) -> None:
        self._write_setting("themes", {"theme": theme})

    def start(self) -> Lab:
        environment = os.environ | {
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_DATA_DIR": str(self.home / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.home / "workspaces"),
        }
        options = {
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.base_url": BASE,
            "ServerApp.root_dir": self.notebooks,
            "ServerApp.allow_root": True,
            "ServerApp.open_browser": False,
            "IdentityProvider.token": TOKEN,
        }
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyter", "lab", *(f"--{name}={value}" for name, value in options.items())],
                env=environment,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.kill()  # nobody else knows of it yet
            raise
        return self

    def kill(self) -> None:
        """As a crash would: no goodbye to anybody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = httpx.request(
            method, self.url + path, headers={"Authorization": f"token {TOKEN}"}, timeout=20, **options
        )
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response

    def create(self, session: str, **fields: Any) -> None:
        self.call("POST", f"sessions/{session}", json={"appname": "trip-planner"} | fields)

    def append(self, session: str, *entries: dict[str, Any]) -> None:
        self.call("POST", f"sessions/{session}/log", json={"entries": list(entries)})

    def end(self, session: str) -> None:
        self.call("DELETE", f"sessions/{session}")

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended at once:\n{self.log}")
            try:
                # The server answers before the store is open; then this is a 503.
                if httpx.get(f"{self.url}sessions/?limit=1&token={TOKEN}", timeout=2).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not answer within {START_S} s:\n{self.log}")

    def _write_setting(self, name: str, values: dict[str, Any]) -> None:
        folder = self.home / "settings/@jupyterlab/apputils-extension"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jupyterlab-settings").write_text(json.dumps(values))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
