"""Appended streams beside the log: lifecycle events and notes."""

from __future__ import annotations

from ..service.answers import check_parameters, encode_events, encode_notes, parse_window
from ..service.bodies import NoteBody
from ..wire import note_view
from .base import Handler, api


class Events(Handler):
    @api
    async def get(self, session_id: str) -> None:
        stream = await self.sessions.events(session_id, *parse_window(self.parameters()))
        self.answer_bytes(encode_events(stream))


class Notes(Handler):
    @api
    async def get(self, session_id: str) -> None:
        stream = await self.sessions.notes(session_id, *parse_window(self.parameters()))
        self.answer_bytes(encode_notes(stream))

    @api
    async def post(self, session_id: str) -> None:
        check_parameters(self.parameters(), ())
        note = await self.sessions.add_note(session_id, self.json_body(NoteBody), self.who())
        self.answer(note_view(note), 201)
