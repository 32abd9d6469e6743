"""jupyter-sessions: the flight recorder for agent runs, inside Jupyter. Public names only; importing it stays light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .client import AsyncClient, Client, Session, connect, connect_async

__all__ = ["AsyncClient", "Client", "Session", "__version__", "connect", "connect_async"]


def __getattr__(name: str) -> Any:
    # The client is loaded when it is used, so that a server extension or a CLI does not pay for it.
    if name in __all__:
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .server.extension import SessionsExtension

    return [{"module": "jupyter_sessions", "app": SessionsExtension}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-sessions"}]
