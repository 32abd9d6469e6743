"""Several processes, and what becomes of sessions when one of them ends, dies or forks."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import jupyter_sessions as js
from jupyter_sessions.client import Client
from jupyter_sessions.service.config import Config
from jupyter_sessions.service.servers import Servers
from jupyter_sessions.service.sessions import Sessions
from jupyter_sessions.store.sqlite import Settings, SqliteStore
from tests.client.conftest import Python, output
from tests.support.jupyter import JupyterServer

LIGHT = """
import sys, time
began = time.perf_counter()
import jupyter_sessions
took = time.perf_counter() - began
heavy = {"httpx", "tornado", "pandas", "numpy", "traitlets", "jupyter_core", "jupyter_server", "sqlite3", "psutil"}
print(sorted(heavy & set(sys.modules)), took < 0.15)
from jupyter_sessions import Client, connect
print(sorted((heavy - {"sqlite3"}) & set(sys.modules)))
"""


def test_importing_is_light(python: Python) -> None:
    assert output(python(LIGHT)).splitlines() == ["[] True", "[]"]


def test_a_program_that_just_ends_ends_at_once_and_without_complaint(python: Python, file: Path) -> None:
    program = """
import sys, jupyter_sessions as js
session = js.connect(path=sys.argv[1]).create("trip", id="left")
session.log("last words")
"""
    began = time.monotonic()
    assert output(python(program, file)) == ""
    assert time.monotonic() - began < 10
    with js.connect(path=file) as client:
        session = client.get("left")
        assert [entry.message for entry in session.logs()] == ["last words"]
        assert session.open  # another process may take it up, for a minute


def repair(file: Path) -> None:
    """As the next server does, when nobody came back within the grace."""

    async def main() -> None:
        store = SqliteStore(Settings(str(file)))
        await store.open()
        await Servers(Sessions(store, Config(reattach_grace=0))).repair()
        await store.close()

    asyncio.run(main())


OPENS = """
import sys, jupyter_sessions as js
session = js.connect(path=sys.argv[1]).create("trip", id="theirs")
print("open", flush=True)
for line in sys.stdin:
    session.log(line.strip())
    print("logged", flush=True)
"""


def test_what_a_dead_writer_left_open_is_ended(python: Python, file: Path) -> None:
    writer = python(OPENS, file)
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.kill()
    writer.wait()
    repair(file)
    with js.connect(path=file) as client:
        session = client.get("theirs")
        assert (session.status, session.ended_by) == ("ended", "process_gone")
        assert session.status_reason == f"Process {writer.pid} is gone."


def test_what_a_writer_left_that_said_goodbye_is_ended_too(python: Python, file: Path) -> None:
    output(python("import sys, jupyter_sessions as js; js.connect(path=sys.argv[1]).create('a', id='left')", file))
    repair(file)
    with js.connect(path=file) as client:
        assert client.get("left").ended_by == "process_gone"


def test_a_living_writers_sessions_stay_its_own(python: Python, file: Path) -> None:
    with js.connect(path=file) as client:  # looked around before the other began
        writer = python(OPENS, file)
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        session = client.get("theirs")
        session.log("from another process")
        repair(file)

        assert session.refresh().open
        assert client.get("theirs").server_id == session.server_id
        writer.stdin.write("still mine\n")
        writer.stdin.flush()
        assert writer.stdout.readline() == "logged\n"
        assert [entry.message for entry in session.logs()] == ["from another process", "still mine"]
        output(writer)
        assert session.refresh().open


APPENDS = """
import sys, jupyter_sessions as js
path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with js.connect(path=path) as client:
    session = client.get("shared")
    for number in range(count):
        session.log(f"{name} {number}")
"""


def test_two_processes_write_one_log_without_gaps(python: Python, file: Path) -> None:
    with js.connect(path=file) as client:
        session = client.create("trip", id="shared")
        writers = [python(APPENDS, file, name, 150) for name in ("a", "b")]
        lines = session.tail(poll=0.02)
        seen = [next(lines) for _ in range(300)]
        for writer in writers:
            output(writer)

        assert [entry.index for entry in seen] == list(range(300))
        for name in ("a", "b"):
            assert [e.message for e in seen if e.message.startswith(name)] == [f"{name} {n}" for n in range(150)]


FORKS = """
import os, sys, jupyter_sessions as js
client = js.connect(sys.argv[1], "token-of-the-test")
session = client.create("trip", id=sys.argv[2])
session.log("parent")
child = os.fork()
if child == 0:
    session.log("child")
    assert client.get(session.id).id == session.id
    sys.exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
session.log("parent again")
print([entry.message for entry in session.logs()])
"""


def test_after_a_fork_an_http_client_goes_on_in_both(python: Python, server: JupyterServer, fresh: str) -> None:
    printed = output(python(FORKS, server.url, fresh, flags=()))
    assert printed == "['parent', 'child', 'parent again']"


WORKERS = """
import multiprocessing, sys, jupyter_sessions as js
session = js.connect(sys.argv[1], "token-of-the-test").create("trip", id=sys.argv[2])

def work(number):
    session.log(str(number))

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(3) as pool:
        pool.map(work, range(9))
    print(sorted(entry.message for entry in session.logs()))
"""


def test_forked_workers_log_over_http(python: Python, server: JupyterServer, fresh: str) -> None:
    assert output(python(WORKERS, server.url, fresh, flags=())) == str(sorted(map(str, range(9))))


FORKS_WITH_A_FILE = """
import os, sys, jupyter_sessions as js
from jupyter_sessions.errors import StoreError
session = js.connect(path=sys.argv[1]).create("trip", id="a")
child = os.fork()
if child == 0:
    for attempt in (lambda: session.log("child"), lambda: js.connect(path=sys.argv[1])):
        try:
            attempt()
        except StoreError as error:
            assert error.reason == "forked", error
            assert "spawn" in str(error)
        else:
            sys.exit(3)
    js.connect(path=sys.argv[1] + ".other").create("own").log("a file of its own is fine")
    sys.exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
session.log("parent")
print([entry.message for entry in session.logs()])
"""


def test_after_a_fork_an_open_file_is_refused_with_what_to_do(python: Python, file: Path) -> None:
    assert output(python(FORKS_WITH_A_FILE, file, flags=())) == "['parent']"


FORKS_BEFORE = """
import os, sys, jupyter_sessions as js
with js.connect(path=sys.argv[1]) as client:
    client.create("trip", id="a")
child = os.fork()
js.connect(path=sys.argv[1]).get("a").log("child" if child == 0 else "parent")
if child:
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    print(sorted(entry.message for entry in js.connect(path=sys.argv[1]).get("a").logs()))
"""


def test_a_file_that_was_closed_before_the_fork_is_for_both(python: Python, file: Path) -> None:
    assert output(python(FORKS_BEFORE, file, flags=())) == "['child', 'parent']"


INTERRUPTED = """
import sys, jupyter_sessions as js
session = js.connect(path=sys.argv[1]).create("trip")
lines = session.tail(poll=0.02)
try:
    print("waiting", flush=True)
    next(lines)
except KeyboardInterrupt:
    session.log("after")
    session.end()
    print([entry.message for entry in lines])
"""


def test_an_interrupt_reaches_a_waiting_tail(python: Python, file: Path) -> None:
    waiting = python(INTERRUPTED, file)
    assert waiting.stdout is not None
    waiting.stdout.readline()
    time.sleep(0.2)  # the print came before the wait
    waiting.send_signal(signal.SIGINT)
    assert output(waiting) == "['after']"


def test_the_plain_client_works_inside_a_running_loop(client: Client) -> None:
    async def cell() -> list[str]:
        session = client.create("trip")
        session.log("from a cell")
        return [entry.message for entry in session.logs()]

    assert asyncio.run(cell()) == ["from a cell"]


def test_a_server_and_a_program_share_the_file(server: JupyterServer, fresh: str) -> None:
    with js.connect(server.url, server.token) as over_http, js.connect(path=server.store) as embedded:
        session = embedded.create("trip", id=fresh)
        session.log("embedded")
        over_http.get(fresh).log("over http")
        embedded.get(fresh).log("embedded again")

        assert [e.message for e in over_http.get(fresh).logs()] == ["embedded", "over http", "embedded again"]
        assert over_http.get(fresh).server_id == session.server_id


def test_a_program_beside_a_server_keeps_as_many_lines_as_the_server_was_told_to(tmp_path: Path) -> None:
    server = JupyterServer(tmp_path, "--SessionsExtension.log_ring=0").start()
    try:
        with js.connect(path=server.store) as client:
            session = client.create("long", pid=None)
            session.log(f"line {n}" for n in range(10_500))
            page = session.logs(limit=None)
            assert (len(page), page.total, page.dropped) == (10_500, 10_500, 0)
    finally:
        server.stop()
