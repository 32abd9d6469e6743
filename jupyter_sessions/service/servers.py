"""Runs of servers on one store: signs of life, and repair of what a dead one left open.

Only rows of dead servers are touched. A server is dead when its process on this host is gone (or another one has
its pid), or, on another host, when its last sign of life is too old.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from .. import lifecycle
from ..model import Kind, ServerRun, Session
from ..store.protocol import Tx
from ..times import SECOND
from .processes import HOST, is_dead, this_process
from .sessions import Sessions, event

#: The setting of a store that says how many entries a log keeps: the last server that began decides.
LOG_RING = "log_ring"


class Repaired(Struct):
    servers: int = 0
    sessions: int = 0


class Servers:
    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self.config = sessions.config
        pid, started = this_process()
        now = sessions.clock()
        self.run = ServerRun(sessions.server_id, HOST, pid, started, now, now)

    async def register(self, base_url: str | None, session_id: str | None) -> None:
        self.run.base_url, self.run.session_id = base_url, session_id
        if base_url is not None:
            ring = str(self.config.log_ring)
            await self.sessions.store.write(lambda tx: tx.put_setting(LOG_RING, ring))
        await self.beat()

    async def beat(self) -> None:
        """A sign of life; also learns who else lives, and how long the logs of this store are."""
        self.run.heartbeat_at = self.sessions.clock()

        def work(tx: Tx) -> tuple[frozenset[str], str | None]:
            tx.put_server(self.run)
            return frozenset(run.server_id for run in tx.servers() if not self._dead(run)), tx.setting(LOG_RING)

        living, ring = await self.sessions.store.write(work)
        self.sessions.living = living - {self.sessions.server_id}
        if self.run.base_url is None and ring is not None:
            # A program beside a server must not drop lines that the server was told to keep.
            self.sessions.config = msgspec.structs.replace(self.sessions.config, log_ring=int(ring))

    async def leave(self) -> None:
        """What we leave open ends as after a crash, unless another process takes it up."""

        def work(tx: Tx) -> None:
            tx.release_leases(self.run.server_id)
            if tx.open_of_server(self.run.server_id):
                self.run.stopped_at = self.run.heartbeat_at = self.sessions.clock()
                tx.put_server(self.run)
            else:
                tx.remove_server(self.run.server_id)

        await self.sessions.store.write(work)

    def _dead(self, run: ServerRun) -> bool:
        if run.server_id == self.run.server_id:
            return False
        return is_dead(run, self.sessions.clock(), self.config.server_dead_after)

    async def repair(self) -> Repaired:
        """End what dead servers left open: their own session at once, others after the grace to come back."""
        dead = [run for run in await self.sessions.store.read(lambda view: view.servers()) if self._dead(run)]
        repaired = Repaired()
        for run in dead:
            ended, waiting = await self.sessions.store.write(lambda tx, id=run.server_id: self._repair(tx, id))  # type: ignore[misc]
            repaired.sessions += ended
            if not waiting:
                repaired.servers += 1
        return repaired

    def _repair(self, tx: Tx, server_id: str) -> tuple[int, int]:
        now = self.sessions.clock()
        run = next((run for run in tx.servers() if run.server_id == server_id), None)
        if run is None or not self._dead(run):
            return 0, 0  # another server was faster, or it lives after all
        tx.release_leases(server_id)
        if run.stopped_at is None:
            # From here on the grace counts: the first server that noticed writes it down.
            run.stopped_at = now
            tx.put_server(run)
        ended = waiting = 0
        over = now - run.stopped_at >= self.config.reattach_grace * SECOND
        for session in tx.open_of_server(run.server_id):
            own = session.id == run.session_id
            if not own and not over:
                waiting += 1
                continue
            self._end(tx, session, run)
            ended += 1
        if not waiting:
            tx.remove_server(run.server_id)
        return ended, waiting

    def _end(self, tx: Tx, session: Session, run: ServerRun) -> None:
        if run.base_url is None:  # no server: the program itself wrote to the store
            trigger = by = "process_gone"
            reason = f"Process {run.pid} is gone."
        else:
            trigger = by = "server_restart"
            own = session.id == run.session_id
            reason = "The server stopped without notice." if own else "Its server stopped, and nobody came back."
        if session.kind == Kind.KERNEL:
            trigger = "kernel_gone"
        # The last moment anybody knows of; not the moment of the repair.
        last = max(run.heartbeat_at, session.last_activity_at)
        before = session.status
        lifecycle.transition(session, trigger, last, by=by, reason=reason)
        session.updated_at = max(session.updated_at, self.sessions.clock())
        tx.save(session)
        data = {"from": before, "to": session.status, "by": by, "reason": session.status_reason}
        tx.append_event(session, event(self.sessions.clock(), "status_changed", data))
