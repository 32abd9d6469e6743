"""The client's way without a server: the service itself, on the store's file, in this process.

It counts as a server run of the store: it gives signs of life, and what it leaves open is repaired when it dies.
Several processes may have the file open at the same time.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import getpass
import os
import time
from pathlib import Path
from typing import TypeVar

import msgspec

from ..errors import SessionsError, StoreError
from ..service import liveness
from ..service.answers import (
    encode_appended,
    encode_events,
    encode_list,
    encode_log,
    encode_notes,
    health,
    parse_log_request,
    parse_window,
)
from ..service.bodies import ActionBody, NoteBody, SessionBody
from ..service.entries import decoded, from_json
from ..service.filters import parse_list
from ..service.servers import Servers
from ..service.sessions import Sessions
from ..store.sqlite import Settings, SqliteStore
from ..wire import encode, note_view, session_view
from .transport import Parameters, Transport

T = TypeVar("T")

_EXIT_SECONDS = 3.0


class EmbeddedTransport:
    local = True

    def __init__(self, path: str) -> None:
        self.path = path
        self.loop = asyncio.get_running_loop()
        #: Clients that stand on it: a cell that connects again and again opens the file once.
        self.users = 1
        self._by = _user()
        self._started = time.monotonic()
        # A server or the command line brings an old file up to date, never a program beside them.
        self._store = SqliteStore(Settings(path, journal_mode=_journal_mode(path)), migrate=False)

    @classmethod
    async def open(cls, path: str) -> EmbeddedTransport:
        path = _absolute(path)
        if path in _inherited:
            raise _after_fork_error(path)
        for other in _open_here:
            if other.path == path and other.loop is asyncio.get_running_loop():
                other.users += 1
                return other
        self = cls(path)
        await self._start()
        _open_here.append(self)
        return self

    async def _start(self) -> None:
        await self._store.open()
        self._sessions = Sessions(self._store)
        self._servers = Servers(self._sessions)
        try:
            await self._servers.register(None, None)
            await self._servers.repair()
        except BaseException:
            await self._store.close()
            raise
        self._beating = self.loop.create_task(self._beat())

    @property
    def where(self) -> str:
        return self.path

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._sessions.config.heartbeat)
            with contextlib.suppress(SessionsError):  # a file that is locked now will not be at the next beat
                await self._servers.beat()
                await self._servers.repair()
                await liveness.end_of_gone_processes(self._sessions)

    async def close(self) -> None:
        self.users -= 1
        if not self.users:
            _open_here.remove(self)
            await self.leave()
            await self._store.close()

    async def leave(self) -> None:
        self._beating.cancel()
        with contextlib.suppress(SessionsError):  # then it is taken for dead when its process is gone
            await self._servers.leave()

    def renewed(self) -> Transport:
        raise _after_fork_error(self.path)

    # Operations

    async def health(self) -> bytes:
        return encode(await health(self._sessions, round(time.monotonic() - self._started, 3)))

    async def put(self, session_id: str | None, body: bytes, *, must_exist: bool = False) -> bytes:
        session, _ = await self._sessions.put_session(
            session_id, _read(SessionBody, body), owner=self._by, local=True, must_exist=must_exist
        )
        return encode(session_view(session, self._sessions.clock()))

    async def session(self, session_id: str) -> bytes:
        session = await self._sessions.session(session_id)
        return encode(session_view(session, self._sessions.clock()))

    async def sessions(self, params: Parameters) -> bytes:
        request = parse_list(params, self._sessions.clock())
        return await self._sessions.find(request, lambda result: encode_list("", request, result))

    async def act(self, session_id: str, action: str, body: bytes) -> bytes:
        session = await self._sessions.act(session_id, action, _read(ActionBody, body), self._by)
        return encode(session_view(session, self._sessions.clock()))

    async def delete(self, session_id: str) -> bytes:
        session = await self._sessions.delete(session_id, self._by)
        return encode(session_view(session, self._sessions.clock()))

    async def purge(self, session_id: str) -> None:
        await self._sessions.purge(session_id, self._by)

    async def append(self, session_id: str, body: bytes) -> bytes:
        entries = from_json(body, self._sessions.clock(), self._sessions.config)
        return encode_appended(await self._sessions.append_log(session_id, entries, len(body)))

    async def log(self, session_id: str, params: Parameters) -> bytes:
        return await self._sessions.read_log(session_id, parse_log_request(params), encode_log)

    async def events(self, session_id: str, params: Parameters) -> bytes:
        return encode_events(await self._sessions.events(session_id, *parse_window(params)))

    async def notes(self, session_id: str, params: Parameters) -> bytes:
        return encode_notes(await self._sessions.notes(session_id, *parse_window(params)))

    async def add_note(self, session_id: str, body: bytes) -> bytes:
        return encode(note_view(await self._sessions.add_note(session_id, _read(NoteBody, body), self._by)))


def _read(kind: type[T], body: bytes) -> T:
    result: T = decoded(functools.partial(msgspec.json.decode, type=kind), body)
    return result


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return "unknown"


def _journal_mode(path: str) -> str:
    """As the file has it: a server on a network home chose it on purpose, and opening must not change it."""
    try:
        with Path(path).open("rb") as file:
            header = file.read(20)
    except FileNotFoundError:
        return "wal"
    except OSError as exc:
        raise StoreError(f"{path} cannot be read: {exc.strerror}.") from exc
    return "delete" if len(header) == 20 and header[18] == 1 else "wal"


def _after_fork_error(path: str) -> StoreError:
    # SQLite's locks belong to the process that took them, and its memory of them is copied by a fork: a file that was
    # open before must not be used after.
    return StoreError(
        f"This process was forked from one that has {path} open, and cannot use the file itself. Start worker "
        "processes with multiprocessing's 'spawn' or 'forkserver', connect after the fork, or connect to a server.",
        reason="forked",
    )


_open_here: list[EmbeddedTransport] = []
#: Files that were open when this process was forked, and what held them: it is kept and never touched.
_inherited: set[str] = set()
_left_behind: list[EmbeddedTransport] = []


@atexit.register
def _say_goodbye() -> None:
    """Programs end without closing. The interpreter's thread pools are gone by now, so the store itself stays as it
    is: everything acknowledged is in the file."""
    for transport in _open_here:
        if transport.loop.is_running():
            with contextlib.suppress(Exception):  # nobody is left to hear of it
                asyncio.run_coroutine_threadsafe(transport.leave(), transport.loop).result(_EXIT_SECONDS)


def _after_fork() -> None:
    _inherited.update(transport.path for transport in _open_here)
    _left_behind.extend(_open_here)
    _open_here.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
