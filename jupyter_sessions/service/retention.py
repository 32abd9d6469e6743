"""What is kept, and for how long. Small transactions, so that nobody waits; open sessions are never touched.

One server of a store does this at a time: the holder of the lease.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from ..errors import Conflict, SessionNotFound
from ..model import Session
from ..store.protocol import View
from ..times import SECOND
from .bodies import ActionBody
from .sessions import Sessions

LEASE = "retention"
_STEP = 50
_DAY = 86_400 * SECOND
#: Beyond `retention_bytes`, purge until below this share of it.
_TARGET = 0.9
BY = "retention"


async def sweep(sessions: Sessions) -> int:
    """One round. How many sessions were archived or purged."""
    config, now = sessions.config, sessions.clock()
    until = now + int(2 * config.retention_interval * SECOND)
    if not await sessions.store.write(lambda tx: tx.acquire_lease(LEASE, sessions.server_id, now, until)):
        return 0
    purge = config.retention_action == "purge"
    count = 0
    if config.retention_days > 0:
        before = now - int(config.retention_days * _DAY)
        count += await _all(sessions, lambda view: view.ended_before(before, _STEP, archived=purge), purge)
    if config.retention_sessions > 0:
        keep = config.retention_sessions
        count += await _all(sessions, lambda view: view.ended_beyond(keep, _STEP, archived=purge), purge)
    if config.retention_bytes > 0 and await _bytes(sessions) > config.retention_bytes:
        while await _bytes(sessions) > config.retention_bytes * _TARGET:
            oldest = await sessions.store.read(lambda view: view.ended_beyond(0, _STEP, archived=True))
            if not oldest:
                break
            for session in oldest:
                count += await _remove(sessions, session, purge=True)
                if await _bytes(sessions) <= config.retention_bytes * _TARGET:
                    break
    if count:
        await sessions.store.reclaim()
    return count


async def _bytes(sessions: Sessions) -> int:
    return (await sessions.store.read(lambda view: view.info())).bytes


async def _all(sessions: Sessions, find: Callable[[View], list[Session]], purge: bool) -> int:
    count = 0
    while found := await sessions.store.read(find):
        for session in found:
            count += await _remove(sessions, session, purge=purge)
    return count


async def _remove(sessions: Sessions, session: Session, *, purge: bool) -> int:
    with contextlib.suppress(SessionNotFound, Conflict):  # somebody else was faster
        if purge:
            await sessions.purge(session.id, BY)
        else:
            await sessions.act(session.id, "archive", ActionBody(), BY)
        return 1
    return 0
