"""Clients that told their pid: when the process is gone, so is the session."""

from __future__ import annotations

from ..store.protocol import Tx
from .processes import lives
from .sessions import Sessions


async def end_of_gone_processes(sessions: Sessions) -> int:
    """End the open sessions of processes that no longer run. Only those that were seen running on this host."""

    watched = await sessions.store.read(
        lambda view: [
            s for s in view.open_with_pid() if s.pid_started is not None and s.server_id == sessions.server_id
        ]
    )
    gone = [(s.id, s.pid) for s in watched if s.pid is not None and not lives(s.pid, s.pid_started)]
    if not gone:
        return 0
    now = sessions.clock()

    def work(tx: Tx) -> int:
        ended = 0
        for session_id, pid in gone:
            session = tx.session(session_id)
            if session is not None and session.open and session.pid == pid and session_id != sessions.self_id:
                sessions.move(tx, session, "process_gone", now, by="process_gone", reason=f"Process {pid} is gone.")
                ended += 1
        return ended

    return await sessions.store.write(work)
