"""Appended streams beside the log: lifecycle events and notes."""

from __future__ import annotations

from ..service.bodies import NoteBody
from ..service.filters import parse_int
from ..wire import EventsView, NotesView, event_view, note_view
from .base import Handler, api
from .sessions import check_parameters

MAX_LIMIT = 10_000
PARAMETERS = ("cursor", "limit")


class _StreamHandler(Handler):
    def window(self) -> tuple[int, int]:
        given = self.parameters()
        check_parameters(given, PARAMETERS)
        cursor = parse_int("cursor", given.get("cursor", ["0"])[-1])
        return cursor, min(parse_int("limit", given.get("limit", ["1000"])[-1]), MAX_LIMIT)


class Events(_StreamHandler):
    @api
    async def get(self, session_id: str) -> None:
        stream = await self.sessions.events(session_id, *self.window())
        self.answer(EventsView(stream.cursor, stream.total, stream.dropped, [event_view(e) for e in stream.items]))


class Notes(_StreamHandler):
    @api
    async def get(self, session_id: str) -> None:
        stream = await self.sessions.notes(session_id, *self.window())
        self.answer(NotesView(stream.cursor, stream.total, stream.dropped, [note_view(n) for n in stream.items]))

    @api
    async def post(self, session_id: str) -> None:
        check_parameters(self.parameters(), ())
        note = await self.sessions.add_note(session_id, self.json_body(NoteBody), self.who())
        self.answer(note_view(note), 201)
