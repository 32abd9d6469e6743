"""From a wish to a transport: tries the places where a server may be, and opens the file when there is none."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import msgspec

from ..errors import ConnectionFailed, Invalid, NotFound, SessionsError
from ..paths import STORE_VARIABLE, default_store_path
from ..wire import API_VERSION
from . import addresses
from .addresses import TOKEN_VARIABLE, URL_VARIABLE, Address
from .transport import Transport

#: A server that was only found may be busy or stuck; the file is there at once.
_PROBE_SECONDS = 1.0
_NAMED_SECONDS = 10.0


async def open_transport(
    url: str | None = None, token: str | None = None, path: str | os.PathLike[str] | None = None
) -> Transport:
    if url is not None and path is not None:
        raise Invalid("Either a url or a path, not both: one is a server, the other the store's file itself.")
    if token is not None and url is None:
        raise Invalid("A token needs the url of its server.")
    if path is not None:
        return await _embedded(os.fspath(path))
    env = os.environ
    runtime_dir = _runtime_dir()
    if url is not None:
        return await _named(addresses.given(url, token, runtime_dir), "")
    if named := env.get(URL_VARIABLE):
        found = addresses.given(named, env.get(TOKEN_VARIABLE), runtime_dir)
        return await _named(found, f" It is named by {URL_VARIABLE}.")
    store = default_store_path()
    # Whoever names a file means this file: a server will do when it is the one that has it open.
    wanted = _store_id(store) if env.get(STORE_VARIABLE) else None
    if wanted is not None or not env.get(STORE_VARIABLE):
        for address in addresses.around(env, runtime_dir):
            if transport := await _found(address, wanted):
                return transport
    return await _embedded(store)


async def _named(places: list[Address], hint: str) -> Transport:
    """A server that somebody named: it answers, or the caller hears why not. Nothing takes its place silently."""
    from .http import HttpTransport

    missing: SessionsError | None = None
    for address in places:
        transport = HttpTransport(address)
        try:
            version, _, _ = _judged(await transport.probe(_NAMED_SECONDS), address.url)
            if version == API_VERSION:
                return transport
            raise ConnectionFailed(
                f"The server at {address.url} speaks version {version} of the sessions API, this client {API_VERSION}. "
                "Bring both to the same version of jupyter-sessions." + hint
            )
        except NotFound:
            await transport.close()
            missing = missing or ConnectionFailed(
                f"The server at {address.url} has no sessions API. Is jupyter-sessions installed there, and is this "
                "the server's base URL?" + hint
            )
        except SessionsError as exc:
            await transport.close()
            raise type(exc).revived(exc.message + hint, exc.reason, exc.detail, exc.retry_after) from None
    assert missing is not None
    raise missing


async def _found(address: Address, wanted: str | None) -> Transport | None:
    from .http import HttpTransport

    transport = HttpTransport(address)
    with contextlib.suppress(SessionsError):
        version, status, store = _judged(await transport.probe(_PROBE_SECONDS), address.url)
        if version == API_VERSION and status == "ok" and wanted in (None, store):
            return transport
    await transport.close()
    return None


def _judged(answer: bytes, url: str) -> tuple[str, str, str | None]:
    """API version, status and store id. Read with care: anything may listen on a port."""
    try:
        health = msgspec.json.decode(answer)
        return str(health["api_version"]), str(health["status"]), (health.get("store") or {}).get("id")
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        raise ConnectionFailed(f"What answers at {url} is not a sessions API.") from None


async def _embedded(path: str) -> Transport:
    from .embedded import EmbeddedTransport

    return await EmbeddedTransport.open(path)


def _runtime_dir() -> Path:
    from jupyter_core.paths import jupyter_runtime_dir

    return Path(jupyter_runtime_dir())


def _store_id(path: str) -> str | None:
    """The id of the store in a file, without opening it as a store."""
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True, timeout=1)) as db,
    ):
        row = db.execute("SELECT value FROM store WHERE key = 'id'").fetchone()
        return str(row[0]) if row else None
    return None
