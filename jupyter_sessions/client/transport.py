"""What carries a client's calls to the service: the API's operations, JSON bytes in and out.

Two implementations: `http.py` to a server, `embedded.py` to the store's file. Refusals are the same exceptions in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

#: Query parameters, each with all its values.
Parameters = Mapping[str, Sequence[str]]


class Transport(Protocol):
    @property
    def where(self) -> str:
        """An address or a file, for people. Never a token."""

    @property
    def local(self) -> bool:
        """Whether who records can see this process, and so may end its sessions when it is gone."""

    async def health(self) -> bytes: ...

    async def put(self, session_id: str | None, body: bytes, *, must_exist: bool = False) -> bytes:
        """Create or update."""

    async def session(self, session_id: str) -> bytes: ...

    async def sessions(self, params: Parameters) -> bytes: ...

    async def act(self, session_id: str, action: str, body: bytes) -> bytes: ...

    async def delete(self, session_id: str) -> bytes: ...

    async def purge(self, session_id: str) -> None: ...

    async def append(self, session_id: str, body: bytes) -> bytes: ...

    async def log(self, session_id: str, params: Parameters) -> bytes: ...

    async def events(self, session_id: str, params: Parameters) -> bytes: ...

    async def notes(self, session_id: str, params: Parameters) -> bytes: ...

    async def add_note(self, session_id: str, body: bytes) -> bytes: ...

    async def close(self) -> None: ...

    def renewed(self) -> Transport:
        """The same place again, for a process that was forked from the one that opened it."""
