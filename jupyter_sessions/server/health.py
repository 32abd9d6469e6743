"""How the service is, for people and probes. Answers also when the store does not."""

from __future__ import annotations

from msgspec import UNSET

from ..errors import SessionsError
from ..wire import HealthView, LagHealth, QueueHealth, StoreHealth
from .base import Handler, api
from .sessions import check_parameters

API_VERSION = "1"


class Health(Handler):
    @api
    async def get(self) -> None:
        check_parameters(self.parameters(), ())
        running = self.running
        uptime = round(running.uptime(), 3)
        try:
            sessions = running.sessions
            counts = await sessions.counts()
        except SessionsError as exc:
            self.answer(
                HealthView(
                    "degraded", API_VERSION, uptime, None, None, None, QueueHealth(0, 0), LagHealth(0, 0), exc.message
                )
            )
            return
        rows, size = sessions.store.waiting()
        info = counts.info
        self.answer(
            HealthView(
                "ok",
                API_VERSION,
                uptime,
                StoreHealth(info.kind, info.id, info.schema, info.bytes),
                counts.open,
                counts.ended,
                QueueHealth(rows, size),
                LagHealth(0.0, 0.0),
                UNSET,
            )
        )
