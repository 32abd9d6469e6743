"""The plain face: a client for notebooks and scripts. Each call waits for the work of `calls.py` in the background."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping
from os import PathLike
from typing import Any

from ..wire import HealthView
from . import background
from .calls import Calls, TailReader
from .encoding import list_parameters, log_bodies
from .opening import open_transport
from .records import Event, LogEntry, LogPage, Note, Rows, SessionInfo, SessionList
from .transport import Transport

_PAGE = 1000


def connect(url: str | None = None, token: str | None = None, *, path: str | PathLike[str] | None = None) -> Client:
    """Find the sessions: on a Jupyter server, or in the store's file where there is none.

    The first of these that is given or found is taken:

    1. `url`, with `token` or with a token in it: a Jupyter server, here or elsewhere.
    2. `path`: the file itself.
    3. `JUPYTER_SESSIONS_URL` and `JUPYTER_SESSIONS_TOKEN` in the environment.
    4. The server that started this kernel, then the newest running one of this user.
    5. The file: `JUPYTER_SESSIONS_DB`, or the one in Jupyter's data directory.

    A server that was named (1, 3) and does not answer raises ConnectionFailed; nothing takes its place.
    """
    return Client(background.run(open_transport(url, token, path)))


class Client:
    """The sessions of one store. `connect` makes one; any thread may use it."""

    def __init__(self, transport: Transport) -> None:
        self._calls = Calls(transport, Session, self._adopt)

    def _adopt(self, session: Session) -> Session:
        session.__dict__["_client"] = self
        return session

    def create(
        self,
        appname: str,
        *,
        id: str | None = None,
        mode: str = "",
        jobid: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Session:
        """Begin a session. More fields: title, agent, user, room, environment, channel, version, dimensions, ...

        With the `id` of a session that is open it is that session, updated. Where the recording side runs on this
        machine, the session ends when this process is gone; `pid=None` leaves it open.
        """
        return background.run(self._calls.create(appname, id, mode, jobid, metadata, fields))

    def get(self, id: str) -> Session:
        """One session, open or closed. SessionNotFound when there is none."""
        return background.run(self._calls.session(id))

    def sessions(self, status: str | None = None, limit: int | None = 1000, **filters: Any) -> SessionList[Session]:
        """The newest sessions: open ones, or those of `status="ended"` or `"all"`.

        Filters are those of the API: `appname="build"`, `state=["failed", "expired"]`, `q="text"`, `since=datetime`,
        `min_duration="2s"`, `has_errors=True`, `meta={"a.b": 1}`, `sort="-duration"`. `limit=None` gives all.
        """
        return background.run(self._calls.sessions(limit, {"status": status, **filters}))

    def iter_sessions(self, status: str | None = None, **filters: Any) -> Iterator[Session]:
        """All of them, read page by page as they are asked for."""
        params = list_parameters({"status": status, **filters})
        page = background.run(self._calls.page(params, _PAGE, None))
        while True:
            yield from page.sessions
            if page.next is None:
                return
            page = background.run(self._calls.page(params, _PAGE, page.next))

    def end(self, id: str, reason: str | None = None) -> Session:
        """End a session. One that has ended stays as it is."""
        return background.run(self._calls.end(id, reason))

    def purge(self, id: str) -> None:
        """Remove a session with everything that it recorded. There is no way back."""
        background.run(self._calls.purge(id))

    def health(self) -> HealthView:
        """How the store is: its id and size, how many sessions are open, what waits to be written."""
        return background.run(self._calls.health())

    def close(self) -> None:
        """Let go of the server or the file. A program's end does it too."""
        background.run(self._calls.close())

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self._calls.where}>"


class Session(SessionInfo, frozen=True, kw_only=True, eq=False, dict=True):
    """One session. Its attributes are those of the last answer about it; `refresh` reads them anew."""

    @property
    def _calls(self) -> Calls[Session]:
        client: Client = self.__dict__["_client"]
        return client._calls

    def refresh(self) -> Session:
        """Read the attributes anew."""
        return self._become(self._calls.session(self.id))

    def update(self, **fields: Any) -> Session:
        """Change fields: `metadata` as a whole, `title`, `agent`, ... None clears. An ended session is not changed."""
        return self._become(self._calls.update(self.id, fields))

    def log(self, message: Any, level: str | None = None, data: Mapping[str, Any] | None = None) -> None:
        """Append a line, or many: any iterable of texts and of dicts like `{"message": ..., "level": ...}`.

        On disk when it returns. Levels are debug, info, warn and error. A long iterable goes in pieces of 5,000, each
        kept as a whole or not at all.
        """
        # An iterable is the caller's code: it runs in the caller's thread, and may itself record.
        for body in log_bodies(message, level, data):
            background.run(self._calls.append(self.id, body))

    def logs(
        self,
        cursor: int = 0,
        limit: int | None = 1000,
        level: str | None = None,
        q: str | None = None,
        order: str | None = None,
    ) -> LogPage:
        """Entries from index `cursor` on; `level="warn"` gives these and worse, `q` those that contain a text.

        The list has the `cursor` to read on from, and how many older entries were `dropped`. `order="desc"` gives the
        newest, newest first; `limit=None` gives all.
        """
        return background.run(self._calls.logs(self.id, cursor, limit, level, q, order))

    def tail(
        self,
        follow: bool = True,
        cursor: int | None = None,
        poll: float = 0.25,
        level: str | None = None,
        q: str | None = None,
    ) -> Tail:
        """Entries as they come, from `cursor` or the oldest one on, until the session has ended and all were given."""
        return Tail(TailReader(self._calls, self.id, follow, cursor or 0, poll, level, q))

    def note(
        self,
        *,
        score: float | None = None,
        label: str | None = None,
        text: str | None = None,
        name: str | None = None,
        span: str | None = None,
        author: str | None = None,
    ) -> Note:
        """Judge it: a score, a label or a text, also after it has ended."""
        fields = {"score": score, "label": label, "text": text, "name": name, "span": span, "author": author}
        return background.run(self._calls.note(self.id, fields))

    def notes(self, cursor: int = 0, limit: int | None = None) -> Rows[Note]:
        return background.run(self._calls.notes(self.id, cursor, limit))

    def events(self, cursor: int = 0, limit: int | None = None) -> Rows[Event]:
        """What happened to the session itself: created, status_changed, ..."""
        return background.run(self._calls.events(self.id, cursor, limit))

    def end(self, reason: str | None = None) -> Session:
        """End it. One that has ended stays as it is."""
        return self._become(self._calls.end(self.id, reason))

    def _become(self, newer: Coroutine[Any, Any, Session]) -> Session:
        self._take(background.run(newer))
        return self


class Tail:
    """The entries of a log as they come.

    What retention dropped before it could be read is counted in `dropped`, and seen as a gap in `index`. After an
    interrupt or an error, going on with the same object loses nothing; `cursor` is where another one would go on.
    """

    def __init__(self, reader: TailReader[Session]) -> None:
        self._reader = reader

    @property
    def cursor(self) -> int:
        return self._reader.cursor

    @property
    def dropped(self) -> int:
        return self._reader.dropped

    def __iter__(self) -> Tail:
        return self

    def __next__(self) -> LogEntry:
        if not self._reader.buffer and not background.run(self._reader.fetch()):
            raise StopIteration
        return self._reader.buffer.popleft()
