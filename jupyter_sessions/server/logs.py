"""A session's log: read by cursor or by offset, append as text or as JSON."""

from __future__ import annotations

from ..errors import Invalid, UnsupportedMedia
from ..service.entries import from_json, from_text, parse_level
from ..service.filters import parse_int
from ..service.sessions import LogRequest, LogResult
from ..wire import LogView, encode, log_entry_view
from .base import Handler, api
from .sessions import check_parameters

MAX_LIMIT = 10_000
PARAMETERS = ("cursor", "offset", "limit", "level", "q", "order")


def parse_log_request(given: dict[str, list[str]]) -> LogRequest:
    check_parameters(given, PARAMETERS)
    one = {name: values[-1] for name, values in given.items()}
    order = one.get("order", "asc")
    if order not in ("asc", "desc"):
        raise Invalid("order must be asc or desc.", reason="bad_query")
    return LogRequest(
        cursor=parse_int("cursor", one["cursor"]) if "cursor" in one else None,
        offset=parse_int("offset", one.get("offset", "0")),
        limit=min(parse_int("limit", one.get("limit", "1000")), MAX_LIMIT),
        min_level=parse_level(one["level"]) if "level" in one else None,
        q=one.get("q") or None,
        descending=order == "desc",
    )


def encode_log(result: LogResult) -> bytes:
    entries = [log_entry_view(entry) for entry in result.entries]
    return encode(LogView(result.cursor, len(entries), result.total, result.offset, result.dropped, entries))


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
        self.answer_bytes(b'{"appended":%d,"cursor":%d,"total":%d}' % (done.appended, done.cursor, done.total))


#: Larger bodies are taken apart away from the event loop.
_INLINE = 16 * 1024
