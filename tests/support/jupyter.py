"""A real Jupyter Server in a process of its own, with directories of its own, that a test may kill and start again.

    server = JupyterServer(tmp_path, "--SessionsExtension.log_ring=100").start()
    server.post("sessions/a", json={"appname": "build"}).json()
    server.kill()  # as a crash would
    server.start()  # the same port, the same store
    server.stop()

Nothing of the user's Jupyter is read or written: data, configuration, runtime files and the store all lie in `home`.
Several servers on one store: give each a home of its own and all of them the same `store`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parents[2]
#: Ours, and none of those that the environment happens to enable: a server starts in a second.
EXTENSIONS = {
    "jupyter_sessions": True,
    "jupyterlab": False,
    "jupyter_lsp": False,
    "jupyter_server_terminals": False,
    "notebook_shim": False,
}
TOKEN = "token-of-the-test"
START_S = 60.0


class JupyterServer:
    def __init__(
        self,
        home: Path,
        *args: str,
        base_url: str = "/user/x/",
        store: Path | None = None,
        env: Mapping[str, str] | None = None,
        before_exec: Callable[[], None] | None = None,
        prefix: tuple[str, ...] = (),
        extensions: Mapping[str, bool] = EXTENSIONS,
    ) -> None:
        """`before_exec` runs in the child (limits, another user); `prefix` is a command that runs the server."""
        self.home = home
        self.home.mkdir(parents=True, exist_ok=True)
        (home / "root").mkdir(exist_ok=True)
        self.base_url = base_url
        self.token = TOKEN
        self.port = free_port()
        self.store = store or home / "data" / "jupyter_sessions" / "sessions.db"
        self._args = args
        self._extensions = extensions
        self._env = dict(env or {})
        self._before_exec = before_exec
        self._prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None
        self._client: httpx.Client | None = None

    # The process

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server does not run"
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        path = self.home / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, *, wait_for: str = "ok") -> JupyterServer:
        """Returns when health says `wait_for`: `ok`, or `degraded` where the store cannot be opened."""
        self.launch()
        try:
            self.wait(wait_for)
        except BaseException:
            self.kill()  # nobody else knows of it yet
            raise
        return self

    def launch(self) -> None:
        """Start the process, and wait for nothing."""
        assert not self.alive, "the server runs already"
        environment = os.environ | {
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_DATA_DIR": str(self.home / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
            "JUPYTER_PLATFORM_DIRS": "0",
            "PYTHONPATH": str(ROOT),
        }
        options = {
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.base_url": self.base_url,
            "ServerApp.root_dir": self.home / "root",
            "ServerApp.allow_root": True,
            "ServerApp.open_browser": False,
            "ServerApp.allow_unauthenticated_access": False,
            "ServerApp.jpserver_extensions": dict(self._extensions),
            "SessionsExtension.store_path": self.store,
            "IdentityProvider.token": self.token,
        }
        command = [*self._prefix, sys.executable, "-m", "jupyter_server"]
        command += [f"--{name}={value}" for name, value in options.items()]
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._args],
                env=environment | self._env,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=self._before_exec,
            )

    def wait(self, wait_for: str = "ok", seconds: float = START_S) -> dict[str, Any]:
        """The answer of health, as soon as its status is this."""
        deadline = time.monotonic() + seconds
        seen: object = None
        while time.monotonic() < deadline:
            if not self.alive:
                raise RuntimeError(f"The server ended at once:\n{self.log}")
            with contextlib.suppress(httpx.TransportError):
                answer = self.get("sessions/health", timeout=5)
                seen = answer.text
                # While the store is being opened, health is degraded with a promise.
                if answer.status_code == 200 and answer.json()["status"] == wait_for and "being opened" not in seen:
                    health: dict[str, Any] = answer.json()
                    return health
            time.sleep(0.05)
        raise RuntimeError(f"Health was not {wait_for!r} within {seconds} s but {seen}:\n{self.log}")

    def kill(self) -> None:
        """SIGKILL: no goodbye to anybody."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: the server ends as it does for its user."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is not None:
            if self.alive:
                self._process.send_signal(number)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise RuntimeError(f"The server did not stop:\n{self.log}") from None
            finally:
                self._process = None
                self._close_client()

    def memory(self) -> int:
        """Bytes of resident memory."""
        return int(psutil.Process(self.pid).memory_info().rss)

    # Requests

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.base_url}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"}

    def client(self, **options: Any) -> httpx.Client:
        """A client of its own, for a thread of its own; paths are below the base URL."""
        return httpx.Client(**{"base_url": self.url, "headers": self.headers, "timeout": 30.0, **options})

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        if self._client is None:
            self._client = self.client()
        return self._client.request(method, path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def _close_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


@contextlib.contextmanager
def running(home: Path, *args: str, wait_for: str = "ok", **options: Any) -> Iterator[JupyterServer]:
    """A server for the length of a `with` block; it is gone afterwards, however the block ends."""
    server = JupyterServer(home, *args, **options)
    try:
        yield server.start(wait_for=wait_for)
    finally:
        server.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
