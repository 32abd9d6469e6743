"""The live socket. A plain client gets the list of sessions now and then, one that subscribes what it asked for."""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketHandler

from ..errors import Invalid, LimitReached, SessionsError
from ..service.feeds import MAX_SUBSCRIPTION_ID, make_feed, parse_op
from ..wire import encode
from .base import RESOURCE, error_body
from .live import Subscription, text_message
from .ownlog import left_out

if TYPE_CHECKING:
    from .running import Running

#: What the system may hold of unsent bytes for one slow socket.
_SEND_BUFFER = 256 * 1024
_MAX_OP_BYTES = 64 * 1024


class LiveSocket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    auth_resource = RESOURCE

    def initialize(self, running: Running) -> None:
        self.running = running
        self.subscriptions: dict[str | int, Subscription] = {}
        self._stream: IOStream | None = None

    def set_default_headers(self) -> None:
        """A socket's answer has no page headers."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.finish(error_body(status_code, kwargs.get("exc_info")))

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> asyncio.Future[None]:
        """A handshake that fails is refused in JSON too, where Tornado would say it in plain text."""
        if isinstance(chunk, str):
            chunk = encode({"message": chunk, "reason": "refused"})
        self.set_header("Content-Type", "application/json")
        return super().finish(chunk)

    @ws_authenticated
    @authorized(action="read")  # type: ignore[untyped-decorator]
    async def get(self, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        await WebSocketHandler.get(self, *args, **kwargs)

    def get_compression_options(self) -> None:
        return None  # see send()

    def _log(self) -> None:
        if self.running.debug:
            with left_out():
                super()._log()

    @property
    def max_message_size(self) -> int:
        return _MAX_OP_BYTES

    def open(self, *args: Any, **kwargs: Any) -> None:
        super().open(*args, **kwargs)
        if len(self.running.sockets) >= self.running.max_sockets:
            self.close(1013, f"Too many sockets: the limit is {self.running.max_sockets}.")
            return
        stream = getattr(self.ws_connection, "stream", None)
        if isinstance(stream, IOStream):
            self._stream = stream
            stream.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, _SEND_BUFFER)
        self.running.sockets.add(self)
        self.running.plain.add(self)
        asyncio.get_running_loop().call_soon(self._greet)

    def _greet(self) -> None:
        """The list at once; a client that subscribes with its first word never gets it."""
        if self in self.running.plain:
            self.running.greet(self)

    def on_close(self) -> None:
        super().on_close()
        with contextlib.suppress(SessionsError):  # a server that stops has no hub any more
            for subscription in self.subscriptions.values():
                self.running.hub.remove(subscription)
            self.running.hub.forget(self)
        self.subscriptions.clear()
        self.running.sockets.discard(self)
        self.running.plain.discard(self)

    # Ops

    def on_message(self, message: str | bytes) -> Awaitable[None] | None:
        body = message.encode() if isinstance(message, str) else message
        try:
            op = msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None  # no op of ours: a plain client may say what it likes
        if not isinstance(op, dict) or "op" not in op:
            return None
        try:
            self._take(op, body)
        except SessionsError as exc:
            given = op.get("id")
            if not isinstance(given, (str, int)) or len(str(given)) > MAX_SUBSCRIPTION_ID:
                given = ""
            self._refuse_op(given, exc)
            return self._until_sent()
        return None

    async def _until_sent(self) -> None:
        """Nothing more is read from a client that does not read its refusals."""
        if unsent := self._unsent():
            with contextlib.suppress(StreamClosedError):
                await unsent

    def _take(self, op: dict[str, Any], body: bytes) -> None:
        if op["op"] not in ("subscribe", "unsubscribe"):
            raise Invalid(f"Unknown op {str(op['op'])[:40]!r}: subscribe or unsubscribe.", reason="unknown_op")
        parsed = parse_op(body)
        if parsed.op == "unsubscribe":
            known = self.subscriptions.pop(parsed.id, None)
            if known is None:
                raise Invalid(f"No subscription {str(parsed.id)[:40]!r}.", reason="unknown_subscription")
            self.running.hub.remove(known)
            return
        sessions = self.running.sessions
        feed, cursor = make_feed(parsed, sessions.clock())
        replaced = self.subscriptions.pop(parsed.id, None)
        if replaced is not None:
            self.running.hub.remove(replaced)
        if len(self.subscriptions) >= self.running.max_subscriptions:
            raise LimitReached(f"A socket follows at most {self.running.max_subscriptions} streams.")
        self.running.plain.discard(self)
        subscription = self.subscriptions[parsed.id] = Subscription(self, parsed.id, feed, cursor)
        self.running.hub.add(subscription)

    # What the hub asks of a socket

    def blocked(self) -> bool:
        stream = self._stream
        return stream is None or stream.closed() or stream.writing()

    def send(self, message: bytes) -> None:
        """Framed messages go straight to the stream: one is framed for a hundred sockets, and none is compressed."""
        stream = self._stream
        if stream is not None and not stream.closed():
            stream.write(message)  # how it went is Tornado's to look at

    def _unsent(self) -> asyncio.Future[None] | None:
        """Done when all that was written has left; None when nothing waits."""
        stream = self._stream
        if stream is None or stream.closed() or not stream.writing():
            return None
        return stream.write(b"")

    def when_drained(self, then: Callable[[], None]) -> None:
        unsent = self._unsent()
        if unsent is not None:
            unsent.add_done_callback(lambda future: then() if _seen(future) else None)

    def refuse(self, subscription: Subscription, error: SessionsError) -> None:
        self.subscriptions.pop(subscription.subscription_id, None)
        self._refuse_op(subscription.subscription_id, error)

    def _refuse_op(self, subscription_id: str | int, error: SessionsError) -> None:
        frame = {"id": subscription_id, "error": {"message": error.message, "reason": error.reason}}
        self.send(text_message(encode(frame)))


def _seen(sent: asyncio.Future[None]) -> bool:
    """Whether it left. A socket that closes fails its writes, which is nobody's error."""
    return not sent.cancelled() and sent.exception() is None
