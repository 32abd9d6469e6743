"""A session's log: read by cursor or by offset, append as text or as JSON."""

from __future__ import annotations

from ..errors import UnsupportedMedia
from ..service.answers import check_parameters, encode_appended, encode_log, parse_log_request
from ..service.entries import from_json, from_text
from .base import Handler, api


class Log(Handler):
    @api
    async def get(self, session_id: str) -> None:
        request = parse_log_request(self.parameters())
        self.answer_bytes(await self.sessions.read_log(session_id, request, encode_log))

    @api
    async def post(self, session_id: str) -> None:
        if self.request.query_arguments:
            check_parameters(self.parameters(), ())
        body, media = self.body(), self.media_type()
        now, config = self.sessions.clock(), self.running.config
        if media in ("text/plain", ""):
            parse = from_text
        elif media == "application/json" or media.endswith("+json"):
            parse = from_json
        else:
            raise UnsupportedMedia(
                f"Content-Type {media[:80]!r} is not read here; text/plain and application/json are."
            )
        if len(body) > _INLINE:
            entries = await self.running.off_loop(parse, body, now, config)
        else:
            entries = parse(body, now, config)
        done = await self.sessions.append_log(session_id, entries, len(body))
        self.answer_bytes(encode_appended(done))


#: Larger bodies are taken apart away from the event loop.
_INLINE = 16 * 1024
