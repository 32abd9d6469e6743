"""The face that all handlers share: who may come in, how bodies are read, how answers and refusals look."""

from __future__ import annotations

import functools
import gzip
import inspect
import io
import logging
import zlib
from collections.abc import Awaitable, Callable
from http.client import responses
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.escape import url_escape

from ..errors import Invalid, NotFound, SessionsError, TooLarge, UnsupportedMedia
from ..model import Session
from ..service.entries import decoded
from ..wire import encode, error_view
from .errors import status_of
from .ownlog import left_out

if TYPE_CHECKING:
    from ..service.sessions import Sessions
    from .running import Running

T = TypeVar("T")

RESOURCE = "jupyter_sessions"

#: Parameters that are the transport's business: Jupyter's token, and what clients add to defeat caches.
_TRANSPORT_PARAMETERS = frozenset({"token", "_xsrf", "no_track_activity", "_"})
_VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def api(method: Callable[..., Awaitable[None]]) -> Callable[..., Any]:
    """A verb: behind authentication and authorization, with refusals turned into answers."""

    @functools.wraps(method)
    async def answered(self: Handler, *args: str) -> None:
        if self._refusal is not None:
            raise self._refusal
        try:
            await method(self, *args)
        except SessionsError as exc:
            self.refuse(exc)

    return web.authenticated(authorized(answered))


def error_body(status: int, exc_info: Any = None) -> bytes:
    """What a client is told of a refusal that is not ours: JSON, never a page, never a traceback."""
    message, reason = responses.get(status, "Error"), "error"
    exc = exc_info[1] if exc_info else None
    if isinstance(exc, web.HTTPError):
        message = exc.log_message or exc.reason or message
        reason = {403: "forbidden", 404: "not_found", 405: "method_not_allowed"}.get(status, "refused")
    elif status == 500:
        message, reason = "The server failed on this request; its log says why.", "internal_error"
    return encode({"message": message, "reason": reason})


def for_each_verb(method: Callable[..., Awaitable[None]]) -> list[Callable[..., Any]]:
    """Each verb needs a wrapper of its own: Jupyter's `authorized` keeps the action of the first request it sees."""
    return [api(method) for _ in _VERBS]


async def _not_allowed(self: Handler, *_: str) -> None:
    handlers = {verb: getattr(type(self), verb.lower()) for verb in _VERBS}
    allowed = ", ".join(verb for verb, method in handlers.items() if inspect.unwrap(method) is not _not_allowed)
    self.set_header("Allow", allowed)
    self.set_status(405)
    message = f"{self.request.method} is not for this route; {allowed} is."
    self.finish(encode({"message": message, "reason": "method_not_allowed"}))


async def _no_route(self: Handler, *_: str) -> None:
    raise NotFound(f"No route {self.request.path[:200]!r}.")


@web.stream_request_body
class Handler(APIHandler):
    auth_resource = RESOURCE
    #: Telemetry is not a user at work: it must not keep a Hub's idle server alive.
    _track_activity = False

    def initialize(self, running: Running) -> None:
        self.running = running
        self._chunks: list[bytes] = []
        self._received = 0
        self._too_large: TooLarge | None = None
        self._refusal: web.HTTPError | None = None

    @property
    def sessions(self) -> Sessions:
        return self.running.sessions

    # Bodies: refused while they arrive, so that a large one costs no memory

    async def prepare(self) -> None:  # type: ignore[override]  # as APIHandler's own
        """A refusal waits until the whole request has come: Tornado closes the connection on an early one."""
        try:
            with left_out(below=logging.WARNING):
                await super().prepare()
        except web.HTTPError as exc:
            if self.request.method == "OPTIONS":  # Jupyter's own verb does not ask for it
                raise
            self._refusal = exc

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        try:
            return super().decode_argument(value, name)
        except web.HTTPError:
            self._refusal = web.HTTPError(400, "The path is not UTF-8.")
            return ""

    def data_received(self, chunk: bytes) -> None:
        if self._refusal is not None:
            return
        self._received += len(chunk)
        limit = self.running.config.max_body
        if self._received > limit:
            self._chunks.clear()
            declared = self.request.headers.get("Content-Length")
            self._too_large = TooLarge("The body", f"{declared or f'more than {self._received}'} bytes", limit)
        else:
            self._chunks.append(chunk)

    def body(self) -> bytes:
        if self._too_large:
            raise self._too_large
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        encoding = self.request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in ("identity", ""):
            return body
        if encoding not in ("gzip", "x-gzip"):
            raise UnsupportedMedia(f"Content-Encoding {encoding[:40]!r} is not read; gzip is.")
        return _gunzip(body, self.running.config.max_body)

    def media_type(self) -> str:
        return self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def json_body(self, kind: type[T], *, empty: bool = False) -> T:
        """The body as one of our types; with `empty`, no body is one too."""
        body = self.body()
        if not body.strip():
            if empty:
                return kind()
            raise Invalid("The request needs a JSON body.", reason="missing_body")
        media = self.media_type()
        # curl -d names a form where it sends JSON; an empty name is as common.
        if media not in ("application/json", "", "application/x-www-form-urlencoded") and not media.endswith("+json"):
            raise UnsupportedMedia(f"Content-Type {media[:80]!r} is not read here; application/json is.")
        result: T = decoded(functools.partial(msgspec.json.decode, type=kind), body)
        return result

    def location_of(self, session: Session) -> str:
        return url_path_join(self.base_url, "sessions", url_escape(session.alias or session.id, plus=False))

    def who(self) -> str:
        """The user's name for people: a token's user has a random username."""
        user = self.current_user
        return str(user.display_name or user.name or user.username)

    # Queries

    def parameters(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, values in self.request.query_arguments.items():
            if name in _TRANSPORT_PARAMETERS or (name.isdigit() and values == [b""]):
                continue
            try:
                key = name.encode("latin-1").decode()
                found[key] = [value.decode() for value in values]
            except UnicodeError:
                raise Invalid("The query is not UTF-8.", reason="bad_query") from None
        return found

    # Answers

    def answer(self, value: Any, status: int = 200) -> None:
        self.answer_bytes(encode(value), status)

    def answer_bytes(self, body: bytes, status: int = 200) -> None:
        self.set_status(status)
        self.finish(body)

    def refuse(self, error: SessionsError) -> None:
        self.clear()
        self.set_status(status_of(error))
        if error.retry_after is not None:
            self.set_header("Retry-After", str(error.retry_after))
        self.finish(encode(error_view(error)))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.finish(error_body(status_code, kwargs.get("exc_info")))

    get, head, post, put, patch, delete = for_each_verb(_not_allowed)

    def compute_etag(self) -> None:
        return None  # answers change all the time; hashing them is work for nothing

    def _log(self) -> None:
        """Our own routes are called many times a second: only failures are worth a line."""
        if self.get_status() >= 500 or self.running.debug:
            with left_out():
                super()._log()


def _gunzip(body: bytes, limit: int) -> bytes:
    """All members, as gzip files may be laid one behind the other; never more than the limit in memory."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            data = file.read(limit + 1)
    except (EOFError, OSError, zlib.error) as exc:
        raise Invalid(f"The body is no whole gzip: {exc}", reason="bad_gzip") from None
    if not body:
        raise Invalid("The body is no gzip: it is empty.", reason="bad_gzip")
    if len(data) > limit:
        raise TooLarge("The decoded body", f"more than {limit} bytes", limit)
    return data


class UnknownRoute(Handler):
    """Any other path below /sessions/: a JSON 404, for those who may come in at all."""

    get, head, post, put, patch, delete = for_each_verb(_no_route)
