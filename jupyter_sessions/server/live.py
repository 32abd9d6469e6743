"""Who follows what, and sending it. One hub per server.

On news the hub groups the subscriptions that stand at the same place of the same feed, reads once for all of
them, and writes the same bytes to each. A socket that still has unsent bytes is passed over, with all that it
follows, until it has drained; then it is read for again, from where each of its subscriptions stands.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Protocol

from ..errors import SessionsError
from ..service.feeds import Feed, Piece, frame_start, read_piece
from ..service.sessions import Sessions
from ..store.protocol import EVERYTHING, SESSIONS, Stream, View
from ..wire import encode

#: Places that are read for in one go: what has been read and is not sent yet stays small.
_PLACES = 32
#: Sockets that are written to without a break.
_AT_ONCE = 50


class Outlet(Protocol):
    """The hub's side of a socket."""

    def blocked(self) -> bool:
        """Whether bytes of an earlier frame are still unsent."""

    def send(self, message: bytes) -> None:
        """Send a framed message."""

    def when_drained(self, then: Callable[[], None]) -> None:
        """Call back once all bytes have left; never, when the socket closes before."""

    def refuse(self, subscription: Subscription, error: SessionsError) -> None:
        """The subscription is over; say why."""


class Subscription:
    __slots__ = ("cursor", "feed", "feed_key", "fresh", "outlet", "start", "subscription_id")

    def __init__(self, outlet: Outlet, subscription_id: str | int, feed: Feed, cursor: int) -> None:
        self.outlet = outlet
        self.subscription_id = subscription_id
        self.feed = feed
        self.cursor = cursor
        self.start = frame_start(subscription_id)
        #: Equal for equal feeds, and quick to compare.
        self.feed_key = encode(feed)
        #: Its first frame is sent even when it is empty: the reader learns that it is live.
        self.fresh = True


class LiveHub:
    def __init__(self, sessions: Sessions, read_retry: float = 1.0) -> None:
        self._sessions = sessions
        self._retry = read_retry
        self._by_stream: dict[Stream, set[Subscription]] = defaultdict(set)
        # In the order in which they became dirty, so that none waits behind one that always has more.
        self._dirty: dict[Subscription, None] = {}
        #: Passed over until their socket has drained.
        self._held: dict[Outlet, dict[Subscription, None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._stop = sessions.store.on_news(self._news)

    async def close(self) -> None:
        self._stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def add(self, subscription: Subscription) -> None:
        self._by_stream[subscription.feed.stream].add(subscription)
        self._wake((subscription,))

    def remove(self, subscription: Subscription) -> None:
        followers = self._by_stream.get(subscription.feed.stream)
        if followers is not None:
            followers.discard(subscription)
            if not followers:
                del self._by_stream[subscription.feed.stream]
        self._dirty.pop(subscription, None)
        held = self._held.get(subscription.outlet)
        if held is not None:
            held.pop(subscription, None)

    def _news(self, moved: set[Stream]) -> None:
        if EVERYTHING in moved:
            self._wake(s for followers in self._by_stream.values() for s in followers)
            return
        # An alias is another name of the same stream: those who use one hear all news of their topic.
        for stream in moved:
            if followers := self._by_stream.get(stream):
                self._wake(followers)
        if len(self._by_stream) > (SESSIONS in self._by_stream):
            for stream, followers in self._by_stream.items():
                if stream[1].startswith("~"):
                    self._wake(followers)

    def _hold(self, subscription: Subscription) -> None:
        outlet = subscription.outlet
        if outlet in self._held:
            self._held[outlet][subscription] = None
            return
        self._held[outlet] = {subscription: None}
        outlet.when_drained(lambda: self._wake(self._held.pop(outlet, ())))

    def forget(self, outlet: Outlet) -> None:
        """The socket is closed."""
        self._held.pop(outlet, None)

    def _wake(self, subscriptions: Iterable[Subscription]) -> None:
        self._dirty.update(dict.fromkeys(subscriptions))
        if self._dirty and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._deliver())

    async def _deliver(self) -> None:
        while self._dirty:
            groups: dict[tuple[bytes, int], list[Subscription]] = defaultdict(list)
            for subscription in self._dirty:
                if subscription.outlet.blocked():
                    self._hold(subscription)
                else:
                    groups[subscription.feed_key, subscription.cursor].append(subscription)
            self._dirty.clear()
            if not groups:
                return
            together = list(groups.values())
            for group in together[_PLACES:]:
                self._dirty.update(dict.fromkeys(group))
            del together[_PLACES:]
            places = [(group[0].feed, group[0].cursor) for group in together]

            def read(view: View, places: list[tuple[Feed, int]] = places) -> list[Piece | SessionsError]:
                return [_try_read(self._sessions, view, feed, cursor) for feed, cursor in places]

            try:
                pieces = await self._sessions.store.read(read)
            except SessionsError:
                # The file is held or gone for a moment: what waited, waits on.
                await asyncio.sleep(self._retry)
                self._dirty.update(dict.fromkeys(s for group in together for s in group if s in self._followers(s)))
                continue
            for group, piece in zip(together, pieces, strict=True):
                for start in range(0, len(group), _AT_ONCE):
                    self._send(group[start : start + _AT_ONCE], piece)
                    await asyncio.sleep(0)  # the notebook's own messages go in between

    def _followers(self, subscription: Subscription) -> set[Subscription]:
        return self._by_stream.get(subscription.feed.stream, set())

    def _send(self, group: list[Subscription], piece: Piece | SessionsError) -> None:
        messages: dict[bytes, bytes] = {}  # most readers choose the same id: framed once, written many times
        for subscription in group:
            if subscription not in self._followers(subscription):
                continue  # it left while we read
            if isinstance(piece, SessionsError):
                self.remove(subscription)
                subscription.outlet.refuse(subscription, piece)
                continue
            if subscription.outlet.blocked():
                self._hold(subscription)  # by another of its own frames, or by one of ours of this round
                continue
            subscription.cursor = piece.cursor
            if not piece.empty or subscription.fresh:
                subscription.fresh = False
                message = messages.get(subscription.start)
                if message is None:
                    message = messages[subscription.start] = text_message(subscription.start + piece.body)
                subscription.outlet.send(message)
            if piece.more:
                self._dirty[subscription] = None


def text_message(payload: bytes) -> bytes:
    """A whole WebSocket message as it goes over the wire (RFC 6455, section 5.2): final, text, not masked."""
    size = len(payload)
    if size < 126:
        return b"\x81%c" % size + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def _try_read(sessions: Sessions, view: View, feed: Feed, cursor: int) -> Piece | SessionsError:
    try:
        return read_piece(sessions, view, feed, cursor)
    except SessionsError as exc:
        return exc
