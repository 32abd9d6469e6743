"""The client's way to a server: HTTP with a token. Refusals come back as the exceptions that the server raised."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from .. import errors
from ..errors import ConnectionFailed, SessionsError
from ..ids import alias_of
from .addresses import Address
from .transport import Parameters, Transport

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_JSON = {"Content-Type": "application/json"}


class HttpTransport:
    def __init__(self, address: Address) -> None:
        self.address = address
        url = httpx.URL(address.url)
        headers = {"Authorization": f"token {address.token}"} if address.token else {}
        self._http = httpx.AsyncClient(
            base_url=url.join("sessions/"),
            headers=headers,
            timeout=_TIMEOUT,
            # A proxy of the company's network does not know this machine's own ports.
            trust_env=url.host not in _LOOPBACK,
            # Loading the certificates costs more than the rest of connecting.
            verify=url.scheme == "https",
            transport=httpx.AsyncHTTPTransport(uds=address.socket) if address.socket else None,
        )

    @property
    def where(self) -> str:
        return self.address.socket or self.address.url

    @property
    def local(self) -> bool:
        return self.address.local

    async def health(self) -> bytes:
        return await self._send("GET", "health")

    async def probe(self, seconds: float) -> bytes:
        """Health, for one who has other places to look."""
        return await self._send("GET", "health", timeout=httpx.Timeout(seconds))

    async def put(self, session_id: str | None, body: bytes, *, must_exist: bool = False) -> bytes:
        # An alias cannot create: there the id itself must stand in the path.
        path = "" if session_id is None else _path(session_id) if must_exist else _quoted(session_id)
        return await self._send("POST", path, body=body, headers={"If-Match": "*"} if must_exist else None)

    async def session(self, session_id: str) -> bytes:
        return await self._send("GET", _path(session_id))

    async def sessions(self, params: Parameters) -> bytes:
        return await self._send("GET", "", params=params)

    async def act(self, session_id: str, action: str, body: bytes) -> bytes:
        return await self._send("POST", f"{_path(session_id)}/{action}", body=body)

    async def delete(self, session_id: str) -> bytes:
        return await self._send("DELETE", _path(session_id))

    async def purge(self, session_id: str) -> None:
        await self._send("DELETE", _path(session_id), params={"purge": ["true"]})

    async def append(self, session_id: str, body: bytes) -> bytes:
        return await self._send("POST", f"{_path(session_id)}/log", body=body)

    async def log(self, session_id: str, params: Parameters) -> bytes:
        return await self._send("GET", f"{_path(session_id)}/log", params=params)

    async def events(self, session_id: str, params: Parameters) -> bytes:
        return await self._send("GET", f"{_path(session_id)}/events", params=params)

    async def notes(self, session_id: str, params: Parameters) -> bytes:
        return await self._send("GET", f"{_path(session_id)}/notes", params=params)

    async def add_note(self, session_id: str, body: bytes) -> bytes:
        return await self._send("POST", f"{_path(session_id)}/notes", body=body)

    async def close(self) -> None:
        await self._http.aclose()

    def renewed(self) -> Transport:
        # The old connections stay with the process that opened them. They must not even be closed here: both
        # processes share one epoll set.
        _left_behind.append(self._http)
        return HttpTransport(self.address)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> bytes:
        try:
            response = await self._http.request(
                method,
                path,
                params={name: list(values) for name, values in params.items()} if params else None,
                content=body,
                headers={**(_JSON if body is not None else {}), **(headers or {})},
                timeout=timeout,
            )
        except httpx.TimeoutException:
            raise ConnectionFailed(f"The server at {self.where} did not answer in time.") from None
        except (httpx.TransportError, httpx.InvalidURL, OSError) as exc:
            raise ConnectionFailed(
                f"The server at {self.where} cannot be reached: {exc or type(exc).__name__}."
            ) from None
        if response.is_success:
            return response.content
        raise error_of(response, self.where)


_left_behind: list[object] = []


def _quoted(session_id: str) -> str:
    # A path of dots only would be taken for a way up.
    return quote(session_id, safe="") if session_id.strip(".") else "%2E" * len(session_id)


def _path(reference: str) -> str:
    """An id, or the alias of one whose slashes a proxy would take for its own; an alias is itself safe."""
    return reference if reference.startswith("~") else _quoted(alias_of(reference) or reference)


class _Body(Struct):
    message: str
    reason: str | None = None
    detail: dict[str, object] | None = None


#: What a status means when the body's reason is not the name of a class.
_BY_STATUS: dict[int, tuple[type[SessionsError], ...]] = {
    400: (errors.Invalid,),
    401: (errors.Forbidden,),
    403: (errors.Forbidden,),
    404: (errors.NotFound,),
    409: (errors.Conflict,),
    410: (errors.SessionExpired,),
    413: (errors.TooLarge,),
    415: (errors.UnsupportedMedia,),
    429: (errors.LimitReached,),
    503: (errors.StoreError, errors.Busy),
    507: (errors.DiskFull,),
}


def _family(kind: type[SessionsError]) -> dict[str, type[SessionsError]]:
    found = {kind.reason: kind}
    for child in kind.__subclasses__():
        found.update(_family(child))
    return found


def error_of(response: httpx.Response, where: str) -> SessionsError:
    """The refusal, as the class that it was raised as."""
    status = response.status_code
    if response.is_redirect:
        return ConnectionFailed(
            f"The server at {where} sends us to {response.headers.get('Location', 'another place')!r} "
            "instead of answering. Is the address complete, and the token right?"
        )
    try:
        body = msgspec.json.decode(response.content, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = None
    family = _BY_STATUS.get(status)
    if family is None or (body is None and status >= 500):
        said = f" ({body.message})" if body else ""
        return ConnectionFailed(f"The server at {where} answered {status} {response.reason_phrase}{said}.")
    message = body.message if body else f"{response.reason_phrase} ({status})"
    if family[0] is errors.Forbidden:
        message = f"The server at {where} refuses: {message}. Is the token right?"
    reason = body.reason if body else None
    kind = _family(SessionsError).get(reason or "", family[0])
    if not issubclass(kind, family):
        kind = family[0]
    retry = response.headers.get("Retry-After", "")
    return kind.revived(message, reason, body.detail if body else None, int(retry) if retry.isdecimal() else None)
