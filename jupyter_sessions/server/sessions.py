"""The list, one session, and what may be done with it."""

from __future__ import annotations

from ..service.answers import check_parameters, encode_list
from ..service.bodies import ActionBody, SessionBody, SessionPut
from ..service.filters import parse_bool, parse_list
from ..service.sessions import ACTIONS
from ..wire import session_view
from .base import Handler, api


class SessionList(Handler):
    @api
    async def get(self) -> None:
        request = parse_list(self.parameters(), self.sessions.clock())
        body = await self.sessions.find(request, lambda result: encode_list(self.sessions.self_id, request, result))
        self.answer_bytes(body)

    @api
    async def post(self) -> None:
        await self._put(None)

    async def _put(self, session_id: str | None) -> None:
        check_parameters(self.parameters(), ())
        body = self.json_body(SessionBody)
        session, created = await self.sessions.put_session(
            session_id,
            body,
            owner=self.current_user.username,
            local=self.request.remote_ip in ("127.0.0.1", "::1"),
            # As HTTP means it: only what exists is changed, nothing is created.
            must_exist=self.request.headers.get("If-Match") == "*",
        )
        if created:
            self.set_header("Location", self.location_of(session))
        self.answer(session_view(session, self.sessions.clock()), 201 if created else 200)


class OneSession(SessionList):
    @api
    async def get(self, session_id: str) -> None:
        check_parameters(self.parameters(), ())
        session = await self.sessions.session(session_id)
        self.answer(session_view(session, self.sessions.clock()))

    @api
    async def post(self, session_id: str) -> None:
        await self._put(session_id)

    @api
    async def put(self, session_id: str) -> None:
        check_parameters(self.parameters(), ())
        session = await self.sessions.replace_metadata(session_id, self.json_body(SessionPut))
        self.answer(session_view(session, self.sessions.clock()))

    @api
    async def delete(self, session_id: str) -> None:
        parameters = self.parameters()
        check_parameters(parameters, ("purge",))
        by = self.who()
        if parse_bool("purge", parameters.get("purge", ["false"])[-1]):
            await self.sessions.purge(session_id, by)
            self.set_status(204)
            self.finish()
            return
        session = await self.sessions.delete(session_id, by)
        self.answer(session_view(session, self.sessions.clock()))


class Action(Handler):
    @api
    async def post(self, session_id: str, action: str) -> None:
        check_parameters(self.parameters(), ())
        body = self.json_body(ActionBody, empty=True)
        session = await self.sessions.act(session_id, action, body, self.who())
        self.answer(session_view(session, self.sessions.clock()))


class Reset(Handler):
    @api
    async def post(self, session_id: str) -> None:
        check_parameters(self.parameters(), ())
        session = await self.sessions.reset(session_id, self.who())
        self.set_header("Location", self.location_of(session))
        self.answer(session_view(session, self.sessions.clock()), 201)


ACTION_NAMES = "|".join(ACTIONS)
