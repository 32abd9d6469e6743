"""How the service is, for people and probes. Answers also when the store does not."""

from __future__ import annotations

from ..errors import SessionsError
from ..service.answers import check_parameters, degraded, health
from .base import Handler, api


class Health(Handler):
    @api
    async def get(self) -> None:
        check_parameters(self.parameters(), ())
        uptime = round(self.running.uptime(), 3)
        try:
            view = await health(self.running.sessions, uptime)
        except SessionsError as exc:
            view = degraded(exc, uptime)
        self.answer(view)
