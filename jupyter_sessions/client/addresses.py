"""Where a server may be: what the caller says, the environment, and the files that running servers leave.

Reads the environment and runtime files; asks nobody over the network (`opening.py` does).
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from msgspec import Struct

from ..errors import Invalid

URL_VARIABLE = "JUPYTER_SESSIONS_URL"
TOKEN_VARIABLE = "JUPYTER_SESSIONS_TOKEN"  # noqa: S105  # a name, not a token

_PAGES = re.compile(r"/(lab|tree|notebooks|doc|edit|consoles|terminals|sessions)(/.*)?$")
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104  # read, not bound
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")


class Address(Struct, frozen=True):
    #: The base URL, with a slash at its end.
    url: str
    token: str = ""
    #: A Unix socket that the server listens on instead of a port.
    socket: str | None = None
    #: Whether the server runs on this machine, for certain.
    local: bool = False


def given(url: str, token: str | None, runtime_dir: Path) -> list[Address]:
    """An address that somebody wrote: a base URL or the address of a page below it, the token beside or in it."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Invalid(f"{url.partition('?')[0]!r} is no address of a server: http://host:port/ is read.")
    if token is None:
        token = next(iter(parse_qs(parts.query).get("token", ())), None)
    paths = dict.fromkeys(path.rstrip("/") + "/" for path in (parts.path, _PAGES.sub("", parts.path)))
    addresses = [Address(urlunsplit((parts.scheme, parts.netloc, path, "", "")), token or "") for path in paths]
    if token is not None:
        return addresses
    # A server of this user's own: its token lies in its runtime file.
    known = {_place(server.url): server for server in running(runtime_dir) if server.socket is None}
    return [known.get(_place(address.url), address) for address in addresses]


def _place(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    host, colon, port = parts.netloc.rpartition(":") if parts.port else (parts.netloc, "", "")
    return parts.scheme, f"{'localhost' if host in _LOOPBACK else host}{colon}{port}", parts.path


def around(env: Mapping[str, str], runtime_dir: Path) -> Iterator[Address]:
    """The server that started this kernel first, then the running ones of this user, the newest first."""
    parent = _parent_pid(env)
    file = runtime_dir / f"jpserver-{parent}.json"
    hub_token, hub_prefix = env.get("JUPYTERHUB_API_TOKEN"), env.get("JUPYTERHUB_SERVICE_PREFIX")
    server = _read(file) if parent else None
    if hub_token and hub_prefix:
        # On a hub the token in the file does not serve; the user's own does, and the prefix is the base URL.
        inside = server.url if server else env.get("JUPYTERHUB_SERVICE_URL", "")
        if inside:
            parts = urlsplit(inside)
            netloc = f"127.0.0.1:{parts.port}" if parts.hostname in _EVERYWHERE else parts.netloc
            socket = server.socket if server else None
            yield Address(f"{parts.scheme}://{netloc}{hub_prefix.rstrip('/')}/", hub_token, socket, True)
    elif server:
        yield server
    yield from (server for server in running(runtime_dir, but=file))


def running(runtime_dir: Path, but: Path | None = None) -> Iterator[Address]:
    """Servers whose process lives, the newest first."""
    dated = []
    for path in runtime_dir.glob("jpserver-*.json"):
        try:
            dated.append((path.stat().st_mtime, path))
        except OSError:  # it has just stopped
            continue
    for _, path in sorted(dated, reverse=True):
        if path != but and (server := _read(path, must_live=True)):
            yield server


def _parent_pid(env: Mapping[str, str]) -> int | None:
    text = env.get("JPY_PARENT_PID", "")
    if sys.platform == "win32":
        return os.getppid() if text else None  # the variable holds a handle there
    return int(text) if text.isdecimal() else None


def _read(path: Path, *, must_live: bool = False) -> Address | None:
    try:
        info: Any = json.loads(path.read_text(encoding="utf-8"))
        if must_live and not _lives(int(info["pid"])):
            return None  # killed: whoever has its port now must not get its token
        if sock := info.get("sock"):
            return Address(f"http://localhost{info['base_url']}", info.get("token", ""), str(sock), True)
        url = str(info["url"])
        if info.get("hostname") in _EVERYWHERE:
            url = f"{'https' if info.get('secure') else 'http'}://127.0.0.1:{info['port']}{info['base_url']}"
        return Address(url.rstrip("/") + "/", str(info.get("token") or ""), None, True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not there, half written, or of another program


def _lives(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid)
