"""Servers that live and die on one store: who repairs what a dead one left open, and who comes back in time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jupyter_sessions.model import Kind, ServerRun
from jupyter_sessions.service import liveness
from jupyter_sessions.service.processes import HOST, started_at, this_process
from jupyter_sessions.service.servers import Servers
from tests.support.stores import SECOND, T0


@pytest.fixture(scope="module")
def gone_pid():
    """The pid of a process that is no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


@pytest.fixture
def living_pid():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield child.pid
    child.kill()
    child.wait()


@pytest.fixture
def old(service_at, clock, gone_pid):
    """A server that was killed: its own session and one of a client are open, the process is gone."""
    old = service_at("old")
    old.do(Servers(old.sessions).register("/", "own"))
    for name in ("own", "client"):
        old.create(name)
    old.create("kernel", kind=Kind.KERNEL)
    clock.move(20)
    old.append("client", "last words")
    put_run(old, pid=gone_pid)
    clock.move(60)
    return old


def put_run(service, **fields):
    values = {"host": HOST, "pid": 1, "pid_started": 0.0, "started_at": T0, "heartbeat_at": T0} | fields
    run = ServerRun("old", base_url="/", session_id="own", **values)
    service.write(lambda tx: tx.put_server(run))


@pytest.fixture
def new(service_at):
    new = service_at("new", reattach_grace=60)
    new.servers = Servers(new.sessions)
    new.do(new.servers.register("/", "own-of-new"))
    new.create("own-of-new")
    new.sessions.self_id = "own-of-new"
    return new


def repair(service):
    return service.do(service.servers.repair())


def test_the_own_session_of_a_dead_server_is_ended_at_once_with_its_last_sign_of_life(old, new):
    assert repair(new).sessions == 1
    own = new.get("own")
    assert (own.status, own.disposition, own.ended_by) == ("ended", "terminated", "server_restart")
    assert own.ended_at == T0
    assert new.get("client").open
    events = new.do(new.sessions.events("own", 0, 10)).items
    assert [event.type for event in events] == ["created", "status_changed"]


def test_sessions_of_clients_end_when_nobody_came_back_within_the_grace(old, new, clock):
    repair(new)
    clock.move(59)
    repair(new)
    assert new.get("client").open
    clock.move(1)
    assert repair(new).servers == 1
    client = new.get("client")
    assert (client.status, client.ended_by, client.ended_at) == ("ended", "server_restart", T0 + 20 * SECOND)
    kernel = new.get("kernel")
    assert (kernel.status, kernel.disposition) == ("failed", "failed")
    assert [run.server_id for run in new.read(lambda view: view.servers())] == ["new"]


def test_who_comes_back_in_time_goes_on(old, new, clock):
    repair(new)
    clock.move(30)
    new.append("client", "here again")
    clock.move(3600)
    repair(new)
    client = new.get("client")
    assert (client.open, client.server_id, client.log_count) == (True, "new", 2)


def test_a_living_server_is_let_alone(service_at, new, clock):
    other = service_at("other")
    other.do(Servers(other.sessions).register("/", "own-of-other"))
    other.create("client")
    clock.move(10 * 3600)
    assert repair(new).sessions == 0
    new.append("client", "through the other door")
    assert new.get("client").server_id == "other"


def test_a_server_on_another_host_is_dead_when_it_was_silent_for_two_minutes(old, new, clock):
    put_run(old, host="another", heartbeat_at=clock() - 120 * SECOND)
    assert repair(new).sessions == 0
    clock.move(1)
    assert repair(new).sessions == 1


def test_a_pid_that_was_given_anew_is_not_the_server(old, new, living_pid):
    put_run(old, pid=living_pid, pid_started=started_at(living_pid))
    assert repair(new).sessions == 0
    put_run(old, pid=living_pid, pid_started=started_at(living_pid) - 1000)
    assert repair(new).sessions == 1


def test_two_that_repair_at_once_repair_once(old, new, service_at, clock):
    third = service_at("third", reattach_grace=60)
    third.servers = Servers(third.sessions)
    third.do(third.servers.register("/", None))
    assert repair(new).sessions + repair(third).sessions == 1
    clock.move(40)
    assert repair(third).sessions == 0
    clock.move(20)  # the grace counts from the first that noticed
    assert repair(third).sessions + repair(new).sessions == 2
    for name, count in (("own", 2), ("client", 2), ("kernel", 2)):
        assert new.get(name).event_count == count


def test_a_server_that_looked_dead_and_gives_a_sign_is_let_alone(old, new, clock):
    """Its sign of life arrives between the look at the servers and the repair."""
    put_run(old, host="another", heartbeat_at=T0 - 1000 * SECOND)
    servers = new.servers
    look = new.sessions.store.read

    async def read_and_be_late(work):
        found = await look(work)
        run = ServerRun("old", "another", 1, 0.0, T0, clock(), "/", "own")
        await old.sessions.store.write(lambda tx: tx.put_server(run))
        return found

    new.sessions.store.read = read_and_be_late
    assert new.do(servers.repair()).sessions == 0
    del new.sessions.store.read
    assert new.get("own").open


def test_what_a_server_leaves_open_when_it_stops_ends_after_the_grace_too(service_at, new, clock):
    other = service_at("other")
    servers = Servers(other.sessions)
    other.do(servers.register("/", None))
    for name in ("stays away", "comes back"):
        other.create(name)
    clock.move(5)
    other.do(servers.leave())
    repair(new)
    new.append("comes back", "x")
    clock.move(60)
    repair(new)
    assert not new.get("stays away").open
    assert new.get("stays away").ended_at == T0 + 5 * SECOND
    assert new.get("comes back").open
    assert [run.server_id for run in new.read(lambda view: view.servers())] == ["new"]


def test_a_server_that_leaves_nothing_open_leaves_no_trace(service_at, new):
    other = service_at("other")
    servers = Servers(other.sessions)
    other.do(servers.register("/", None))
    other.do(servers.leave())
    assert [run.server_id for run in new.read(lambda view: view.servers())] == ["new"]


# Processes of clients


def end_of_gone(service):
    return service.do(liveness.end_of_gone_processes(service.sessions))


def test_a_session_ends_when_its_process_is_gone(service, gone_pid, living_pid, clock):
    service.create("lives", pid=living_pid, local=True)
    service.create("dies", pid=living_pid, local=True)
    service.create("remote", pid=gone_pid)
    assert end_of_gone(service) == 0

    def replace_process(tx):
        session = tx.session("dies")
        session.pid = gone_pid
        tx.save(session)

    service.write(replace_process)
    clock.move(5)
    assert end_of_gone(service) == 1
    dies = service.get("dies")
    assert (dies.status, dies.ended_by, dies.ended_at) == ("ended", "process_gone", T0 + 5 * SECOND)
    assert service.get("lives").open
    assert service.get("remote").open
    assert end_of_gone(service) == 0


def test_processes_are_judged_by_the_server_that_knew_them_alone(service_at, gone_pid, living_pid):
    mine, other = service_at("a"), service_at("b")
    mine.create("dies", pid=living_pid, local=True)

    def replace_process(tx):
        session = tx.session("dies")
        session.pid = gone_pid
        tx.save(session)

    mine.write(replace_process)
    assert end_of_gone(other) == 0
    assert end_of_gone(mine) == 1


def test_the_servers_own_session_is_never_ended_for_its_process(service, gone_pid):
    service.create("own", pid=this_process()[0], local=True)
    service.sessions.self_id = "own"

    def replace_process(tx):
        session = tx.session("own")
        session.pid = gone_pid
        tx.save(session)

    service.write(replace_process)
    assert end_of_gone(service) == 0
    assert service.get("own").open
