"""The service over two stores on one file, against a plain model in memory: any steps in any order, by turns."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from msgspec import Struct, field

from jupyter_sessions.errors import Conflict, IllegalTransition, SessionClosed, SessionNotFound
from jupyter_sessions.ids import alias_of
from jupyter_sessions.model import OPEN, Gone, LogEntry
from jupyter_sessions.service.bodies import ActionBody, NoteBody, SessionBody, SessionPut
from jupyter_sessions.service.config import Config
from jupyter_sessions.service.filters import GROUPS, parse_list
from jupyter_sessions.service.servers import Servers
from jupyter_sessions.service.sessions import LogRequest, Sessions
from jupyter_sessions.store.sqlite import Settings, SqliteStore
from tests.support.stores import SECOND, T0

RING = 7
OPEN_NAMES = {status.value for status in OPEN}


class Known(Struct):
    """What the model knows of a session."""

    id: str
    appname: str
    status: str = "active"
    agent: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    log: list[tuple[str, int | None]] = field(default_factory=list)
    #: Entries below this index are gone.
    first: int = 0
    events: list[str] = field(default_factory=lambda: ["created"])
    notes: list[str] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.status in OPEN_NAMES


ids = st.sampled_from(["a", "b/c", "d", "é", "f"])
names = st.sampled_from(["red", "blue", None])
metadata = st.sampled_from([{}, {"k": "x"}, {"k": ["x", "y"]}, {"k": {"deep": 1}}])
who = st.integers(0, 1)


class TwoServers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.loop = asyncio.new_event_loop()
        self.now = T0
        self.known: dict[str, Known] = {}
        self.services = [self._service(f"server-{n}") for n in range(2)]
        # Readers that follow the list by its rev: a copy each.
        self.copies: list[tuple[int, dict[str, str]]] = [(0, {}), (0, {})]

    def _service(self, server_id: str) -> Sessions:
        store = SqliteStore(Settings(f"{self.folder}/sessions.db", synchronous="OFF"))
        self.do(store.open())
        sessions = Sessions(store, Config(log_ring=RING), clock=lambda: self.now, server_id=server_id)
        self.do(Servers(sessions).register("/", None))
        return sessions

    def teardown(self) -> None:
        for service in self.services:
            self.do(service.store.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.folder)

    def do(self, call: Any) -> Any:
        return self.loop.run_until_complete(call)

    def refused(self, call: Any, *errors: type[Exception]) -> None:
        with pytest.raises(errors):
            self.do(call)

    # Steps

    @rule(wait=st.integers(1, 100))
    def time_passes(self, wait: int) -> None:
        self.now += wait * SECOND

    @rule(by=who, id=ids, appname=st.sampled_from(["build", "cook"]), agent=names, data=metadata)
    def create_or_update(self, by: int, id: str, appname: str, agent: str | None, data: dict[str, Any]) -> None:
        body = SessionBody(appname=appname, agent=agent, metadata=msgspec.Raw(msgspec.json.encode(data)))
        known = self.known.get(id)
        if known and not known.open:
            self.refused(self.services[by].put_session(id, body), SessionClosed)
            return
        session, created = self.do(self.services[by].put_session(id, body))
        assert created == (known is None)
        if known is None:
            known = self.known[id] = Known(id, appname)
        known.appname, known.agent, known.metadata = appname, agent, data
        assert session.id == id

    @rule(by=who, id=ids, agent=names)
    def update_one_field(self, by: int, id: str, agent: str | None) -> None:
        known = self.known.get(id)
        if known and known.open:
            self.do(self.services[by].put_session(id, SessionBody(agent=agent)))
            known.agent = agent

    @rule(by=who, id=ids, data=metadata)
    def replace_metadata(self, by: int, id: str, data: dict[str, Any]) -> None:
        known = self.known.get(id)
        call = self.services[by].replace_metadata(id, SessionPut(metadata=msgspec.Raw(msgspec.json.encode(data))))
        if known is None:
            self.refused(call, SessionNotFound)
        elif not known.open:
            self.refused(call, SessionClosed)
        else:
            self.do(call)
            known.metadata = data

    @rule(by=who, id=ids, sizes=st.lists(st.integers(0, 12), min_size=1, max_size=4), level=st.sampled_from([None, 30]))
    def append(self, by: int, id: str, sizes: list[int], level: int | None) -> None:
        """Several requests at once; they may share a commit."""
        known = self.known.get(id)
        total = len(known.log) if known else 0
        calls, batches = [], []
        for size in sizes:
            batches.append([(f"{id} {total + n}", level) for n in range(size)])
            total += size
            entries = [LogEntry(self.now, message, lvl) for message, lvl in batches[-1]]
            calls.append(self.services[by].append_log(id, entries))

        async def together() -> list[Any]:
            return await asyncio.gather(*calls, return_exceptions=True)

        answers = self.do(together())
        for batch, answer in zip(batches, answers, strict=True):
            if known is None:
                assert isinstance(answer, SessionNotFound)
            elif not known.open:
                assert isinstance(answer, SessionClosed)
            else:
                known.log += batch
                known.first = max(known.first, len(known.log) - RING)
                assert (answer.appended, answer.cursor) == (len(batch), len(known.log))
                assert answer.total == len(known.log) - known.first

    @rule(by=who, id=ids, text=st.sampled_from(["good", "bad"]))
    def note(self, by: int, id: str, text: str) -> None:
        known = self.known.get(id)
        call = self.services[by].add_note(id, NoteBody(label=text), "me")
        if known is None:
            self.refused(call, SessionNotFound)
        elif known.status == "archived":
            self.refused(call, SessionClosed)
        else:
            assert self.do(call).index == len(known.notes)
            known.notes.append(text)

    @rule(by=who, id=ids, action=st.sampled_from(["complete", "fail", "escalate", "resume", "end", "kill"]))
    def act(self, by: int, id: str, action: str) -> None:
        leads = {"complete": "completed", "fail": "failed", "escalate": "escalated", "end": "ended", "kill": "ended"}
        known = self.known.get(id)
        call = self.services[by].act(id, action, ActionBody(), "me")
        if known is None:
            self.refused(call, SessionNotFound)
        elif not known.open or (
            (action == "resume") != (known.status == "escalated") and action in ("resume", "complete", "escalate")
        ):
            self.refused(call, IllegalTransition)
        else:
            known.status = leads.get(action, "active")
            known.events.append("status_changed")
            assert self.do(call).status == known.status

    @rule(by=who, id=ids)
    def archive(self, by: int, id: str) -> None:
        known = self.known.get(id)
        call = self.services[by].act(id, "archive", ActionBody(), "me")
        if known is None:
            self.refused(call, SessionNotFound)
        elif known.open or known.status == "archived":
            self.refused(call, Conflict)
        else:
            self.do(call)
            known.status, known.first = "archived", len(known.log)
            known.events.append("status_changed")

    @rule(by=who, id=ids)
    def delete(self, by: int, id: str) -> None:
        known = self.known.get(id)
        if known is None:
            self.refused(self.services[by].delete(id, "me"), SessionNotFound)
            return
        session = self.do(self.services[by].delete(id, "me"))
        if known.open:
            known.status = "ended"
            known.events.append("status_changed")
        assert session.status == known.status

    @rule(by=who, id=ids)
    def purge(self, by: int, id: str) -> None:
        if self.known.pop(id, None) is None:
            self.refused(self.services[by].purge(id, "me"), SessionNotFound)
        else:
            self.do(self.services[by].purge(id, "me"))

    # Looks

    @rule(
        by=who,
        group=st.sampled_from(["active", "ended", "all"]),
        agent=st.sampled_from([None, "red", "blue"]),
        k=st.sampled_from([None, "x", "y"]),
        label=st.sampled_from([None, "good"]),
        newest_first=st.booleans(),
    )
    def look_at_the_list(
        self, by: int, group: str, agent: str | None, k: str | None, label: str | None, newest_first: bool
    ) -> None:
        params = {"status": [group], "sort": ["-appname" if newest_first else "appname"]}
        params |= {
            name: [value] for name, value in (("agent", agent), ("meta.k", k), ("label", label)) if value is not None
        }

        def fits(s: Known) -> bool:
            value = s.metadata.get("k")
            return (
                s.status in {status.value for status in GROUPS[group]}
                and agent in (None, s.agent)
                and (k is None or k == value or (isinstance(value, list) and k in value))
                and (label is None or label in s.notes)
            )

        expected = sorted((s for s in self.known.values() if fits(s)), key=lambda s: s.id)
        expected.sort(key=lambda s: s.appname, reverse=newest_first)
        page = self.do(self.services[by].find(parse_list(params, self.now), lambda page: page))
        assert [row.id for row in page.rows] == [s.id for s in expected]
        assert (page.total, page.exact) == (len(expected), True)

    @rule(by=who, id=ids, cursor=st.integers(0, 40), limit=st.integers(0, 9), level=st.sampled_from([None, 30]))
    def read_by_cursor(self, by: int, id: str, cursor: int, limit: int, level: int | None) -> None:
        known = self.known.get(id)
        request = LogRequest(cursor=cursor, limit=limit, min_level=level)
        if known is None:
            self.refused(self.services[by].read_log(id, request, lambda result: result), SessionNotFound)
            return
        result = self.do(self.services[by].read_log(id, request, lambda result: result))
        start = max(min(cursor, len(known.log)), known.first)
        fitting = [n for n in range(start, len(known.log)) if level is None or known.log[n][1] == level][:limit]
        assert [(e.index, e.message) for e in result.entries] == [(n, known.log[n][0]) for n in fitting]
        assert result.dropped == max(0, known.first - cursor)
        assert (result.total, result.offset) == (len(known.log) - known.first, start - known.first)
        if not limit:
            assert result.cursor == start
        else:
            assert result.cursor == (fitting[-1] + 1 if len(fitting) == limit else len(known.log))

    @rule(by=who, id=ids, offset=st.integers(0, 9), limit=st.integers(1, 9), newest_first=st.booleans())
    def read_by_offset(self, by: int, id: str, offset: int, limit: int, newest_first: bool) -> None:
        known = self.known.get(id)
        if known is None:
            return
        request = LogRequest(offset=offset, limit=limit, descending=newest_first)
        result = self.do(self.services[by].read_log(id, request, lambda result: result))
        numbers = list(range(known.first, len(known.log)))[offset:]
        numbers = numbers[::-1][:limit] if newest_first else numbers[:limit]
        assert [(e.index, e.message) for e in result.entries] == [(n, known.log[n][0]) for n in numbers]

    @rule(by=who, id=ids)
    def look_at_one(self, by: int, id: str) -> None:
        known, service = self.known.get(id), self.services[by]
        if known is None:
            self.refused(service.session(id), SessionNotFound)
            return
        session = self.do(service.session(alias_of(id) or id))
        assert (session.status, session.appname, session.agent) == (known.status, known.appname, known.agent)
        assert msgspec.json.decode(session.metadata) == known.metadata
        assert (session.log_count, session.log_first) == (len(known.log), known.first)
        assert session.open == known.open
        assert [e.type for e in self.do(service.events(id, 0, 1000)).items] == known.events
        assert [n.label for n in self.do(service.notes(id, 0, 1000)).items] == known.notes

    @rule(by=who, piece=st.integers(1, 4))
    def follow_the_list(self, by: int, piece: int) -> None:
        """After the last rev in small pieces: the copy is then the list itself."""
        rev, copy = self.copies[by]
        while True:
            params = {"status": ["all"], "after_rev": [str(rev)], "limit": [str(piece)]}
            changes = self.do(self.services[by].find(parse_list(params, self.now), lambda changes: changes))
            for row in changes.rows:
                if isinstance(row, Gone):
                    copy.pop(row.id, None)
                else:
                    copy[row.id] = row.status
            assert changes.rev >= rev
            rev = changes.rev
            if not changes.rows:
                break
        self.copies[by] = (rev, copy)
        assert copy == {s.id: s.status for s in self.known.values()}


TwoServers.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
test_two_servers_on_one_file_agree_with_a_plain_model = TwoServers.TestCase
