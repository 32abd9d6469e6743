"""The Python client: one interface over a server and over the store's file, plain and async.

`addresses` and `opening` find where the sessions are, `http` and `embedded` carry, `calls` is what can be done,
`sync` and `aio` are the two faces of it.
"""

from __future__ import annotations

from .aio import AsyncClient, AsyncSession, AsyncTail, connect_async
from .records import Event, LogEntry, LogPage, Note, SessionList
from .sync import Client, Session, Tail, connect

__all__ = [
    "AsyncClient",
    "AsyncSession",
    "AsyncTail",
    "Client",
    "Event",
    "LogEntry",
    "LogPage",
    "Note",
    "Session",
    "SessionList",
    "Tail",
    "connect",
    "connect_async",
]
