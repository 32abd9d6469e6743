"""How a program finds its sessions: the environment, the files of running servers, the store's file."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import time
from pathlib import Path

import pytest

import jupyter_sessions as js
from jupyter_sessions.client import addresses
from jupyter_sessions.errors import ConnectionFailed, StoreError
from jupyter_sessions.store.sqlite import schema
from tests.support.jupyter import JupyterServer, free_port


def where() -> str:
    with js.connect() as client:
        return repr(client).removeprefix("<Client ").removesuffix(">")


def announce(runtime_dir: Path, server: JupyterServer, pid: int | None = None, **changes: object) -> Path:
    """What a running server leaves in the runtime directory."""
    (original,) = (server.home / "runtime").glob("jpserver-*.json")
    path = runtime_dir / f"jpserver-{pid or server.pid}.json"
    path.write_text(json.dumps(json.loads(original.read_text()) | {"pid": pid or server.pid} | changes))
    return path


def test_without_anything_it_is_the_file_in_the_data_directory(tmp_path: Path) -> None:
    assert where() == str(tmp_path / "data/jupyter_sessions/sessions.db")
    assert (tmp_path / "data/jupyter_sessions/sessions.db").stat().st_mode & 0o777 == 0o600


def test_the_environment_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_SESSIONS_DB", str(tmp_path / "other.db"))
    assert where() == str(tmp_path / "other.db")


def test_the_environment_names_a_server(server: JupyterServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_SESSIONS_URL", server.url)
    monkeypatch.setenv("JUPYTER_SESSIONS_TOKEN", server.token)
    assert where() == server.url


def test_a_server_of_the_environment_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_SESSIONS_URL", f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(ConnectionFailed, match="It is named by JUPYTER_SESSIONS_URL"):
        js.connect()


@pytest.mark.parametrize("page", ["?token={token}", "lab?token={token}", "lab/tree/a%20b.ipynb?token={token}"])
def test_an_address_copied_from_the_browser_works(server: JupyterServer, page: str) -> None:
    with js.connect(server.url + page.format(token=server.token)) as client:
        assert repr(client) == f"<Client {server.url}>"


def test_a_running_server_of_this_user_needs_no_token(server: JupyterServer, runtime_dir: Path) -> None:
    announce(runtime_dir, server)
    with js.connect(server.url.replace("127.0.0.1", "localhost")) as client:
        assert client.health().status == "ok"


def test_a_server_that_was_found_here_watches_this_process(server: JupyterServer, runtime_dir: Path) -> None:
    announce(runtime_dir, server)
    with js.connect() as client:
        assert client.create("trip").pid == os.getpid()


def test_the_server_of_the_kernel_comes_first(
    server: JupyterServer, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(runtime_dir, server, pid=4_000_001)  # whether that process can be seen does not matter for a parent
    announce(runtime_dir, server, url=f"http://127.0.0.1:{free_port()}/")
    monkeypatch.setenv("JPY_PARENT_PID", "4000001")
    assert where().startswith("http://")
    assert f":{server.port}/" in where()


def test_without_a_kernel_the_newest_running_server_is_found(
    server: JupyterServer, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_PARENT_PID", "4000002")  # as nbclient does: a parent that is no server
    stuck = announce(runtime_dir, server, pid=os.getpid(), url=f"http://127.0.0.1:{free_port()}/user/x/")
    os.utime(stuck, (time.time() + 60,) * 2)
    announce(runtime_dir, server)
    assert f":{server.port}/" in where()


def test_files_of_dead_servers_and_broken_ones_are_passed_over(
    server: JupyterServer, runtime_dir: Path, tmp_path: Path
) -> None:
    announce(runtime_dir, server, pid=4_000_003)  # killed: its port may be another's by now
    announce(runtime_dir, server, pid=os.getpid(), token="changed")
    (runtime_dir / "jpserver-1.json").write_text("{")
    (runtime_dir / "jpserver-2.json").write_text("[]")
    assert where() == str(tmp_path / "data/jupyter_sessions/sessions.db")


def test_a_server_that_is_stuck_is_passed_over_quickly(
    server: JupyterServer, runtime_dir: Path, tmp_path: Path
) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        announce(runtime_dir, server, pid=os.getpid(), url=f"http://127.0.0.1:{mute.getsockname()[1]}/")
        started = time.monotonic()
        assert where().startswith(str(tmp_path))
        assert time.monotonic() - started < 5


def test_on_a_hub_the_users_token_serves_and_the_prefix_is_the_base(
    server: JupyterServer, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(runtime_dir, server, token="does not serve", url=f"http://127.0.0.1:{server.port}/elsewhere/")
    monkeypatch.setenv("JPY_PARENT_PID", str(server.pid))
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", server.token)
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/x/")
    assert where() == server.url


def test_on_a_hub_the_address_may_come_from_the_environment(
    server: JupyterServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", server.token)
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/x/")
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", f"http://0.0.0.0:{server.port}/user/x/")
    assert where() == server.url


def test_a_server_on_all_addresses_is_reached_on_this_one(runtime_dir: Path) -> None:
    info = {"url": "http://0.0.0.0:9/b/", "hostname": "0.0.0.0", "port": 9, "base_url": "/b/", "pid": os.getpid()}
    (runtime_dir / f"jpserver-{os.getpid()}.json").write_text(json.dumps(info))
    assert [address.url for address in addresses.around({}, runtime_dir)] == ["http://127.0.0.1:9/b/"]


def test_a_server_on_a_unix_socket_is_an_address(runtime_dir: Path) -> None:
    info = {"url": "http+unix://%2Frun%2Fa", "sock": "/run/a", "base_url": "/b/", "pid": os.getpid(), "token": "t"}
    (runtime_dir / f"jpserver-{os.getpid()}.json").write_text(json.dumps(info))
    (address,) = addresses.around({}, runtime_dir)
    assert (address.url, address.socket, address.token) == ("http://localhost/b/", "/run/a", "t")


def test_who_names_a_file_gets_the_server_that_has_it_open(
    server: JupyterServer, runtime_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(runtime_dir, server)
    monkeypatch.setenv("JUPYTER_SESSIONS_DB", str(server.store))
    assert f":{server.port}/" in where()
    monkeypatch.setenv("JUPYTER_SESSIONS_DB", str(tmp_path / "other.db"))
    assert where() == where() == str(tmp_path / "other.db")


def test_a_file_keeps_the_journal_that_its_server_chose(file: Path) -> None:
    schema.prepare(schema.Settings(str(file), journal_mode="delete"))
    with js.connect(path=file) as client:
        client.create("trip").log("x")
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    db.close()


def test_a_newer_file_is_refused_and_not_written(file: Path) -> None:
    schema.prepare(schema.Settings(str(file)))
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99001")
    db.close()
    before = file.read_bytes()
    with pytest.raises(StoreError, match="newer jupyter-sessions"):
        js.connect(path=file)
    assert file.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_an_error(file: Path) -> None:
    file.touch(0o000)
    with pytest.raises(StoreError):
        js.connect(path=file)


def test_a_damaged_file_is_an_error(file: Path) -> None:
    file.write_bytes(b"no database at all, but long enough to have a header" * 100)
    with pytest.raises(StoreError, match="damaged"):
        js.connect(path=file)


def test_connecting_again_in_one_process_opens_the_file_once(file: Path) -> None:
    first, second = js.connect(path=file), js.connect(path=str(file))
    first.close()
    session = second.create("trip")
    second.close()
    with pytest.raises(ConnectionFailed, match="closed"):
        session.refresh()
    with js.connect(path=file) as third:
        assert third.get(session.id).open
