"""Every route, once: the application's handlers and the API's description are both made from this table."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ..service.bodies import ActionBody, GivenNote, NewSessionBody, SessionBody, SessionPut
from ..service.entries import EntriesBody, GivenEntry
from ..service.filters import PARAMETERS as LIST_PARAMETERS
from ..wire import (
    AppendedView,
    EventsView,
    HealthView,
    LogView,
    NotesView,
    NoteView,
    SessionListView,
    SessionView,
)
from .base import Handler
from .health import Health
from .logs import Log
from .openapi import OpenApi
from .sessions import ACTION_NAMES, Action, OneSession, Reset, SessionList
from .streams import Events, Notes

LOG_PARAMETERS = {
    "cursor": "entries from this index on: the `cursor` of the answer before",
    "offset": "counted from the oldest entry that is kept; ignored with cursor",
    "limit": "entries at most, 1000 by default, 10000 at most",
    "level": "this level and worse: debug, info, warn, error",
    "q": "text that the entry contains, in any case",
    "order": "asc, or desc for the newest first",
}
STREAM_PARAMETERS = {
    "cursor": "items from this index on: the `cursor` of the answer before",
    "limit": "items at most, 1000 by default, 10000 at most",
}


class Verb(Struct, frozen=True):
    summary: str
    #: Status -> type of the body; None is an empty one.
    answers: dict[int, Any]
    #: A type, or a tuple of alternatives.
    body: Any = None
    body_required: bool = True
    text_body: bool = False
    parameters: dict[str, str] = {}
    refusals: tuple[int, ...] = ()


class Route(Struct, frozen=True):
    #: Below `/sessions/`; `{id}` and `{action}` are its variables.
    path: str
    handler: type[Handler]
    verbs: dict[str, Verb]


_ON_SESSION = (404,)
_ON_OPEN = (404, 409, 410)

ROUTES: tuple[Route, ...] = (
    Route(
        "",
        SessionList,
        {
            "get": Verb("List sessions", {200: SessionListView}, parameters=LIST_PARAMETERS),
            "post": Verb(
                "Create a session with an id of the server's", {201: SessionView}, NewSessionBody, refusals=(413, 415)
            ),
        },
    ),
    Route("health", Health, {"get": Verb("How the service is", {200: HealthView})}),
    Route("openapi.json", OpenApi, {"get": Verb("This description", {200: dict[str, Any]})}),
    Route(
        "{id}",
        OneSession,
        {
            "get": Verb("A session, open or closed", {200: SessionView}, refusals=_ON_SESSION),
            "post": Verb(
                "Create or update a session",
                {200: SessionView, 201: SessionView},
                SessionBody,
                refusals=(*_ON_OPEN, 413, 415),
            ),
            "put": Verb(
                "Replace the metadata as a whole", {200: SessionView}, SessionPut, refusals=(*_ON_OPEN, 413, 415)
            ),
            "delete": Verb(
                "End a session, or remove it with all its rows",
                {200: SessionView, 204: None},
                parameters={"purge": "true removes the session"},
                refusals=(404, 409),
            ),
        },
    ),
    Route(
        "{id}/log",
        Log,
        {
            "get": Verb("Read the log", {200: LogView}, parameters=LOG_PARAMETERS, refusals=_ON_SESSION),
            "post": Verb(
                "Append to the log",
                {200: AppendedView},
                (GivenEntry, EntriesBody),
                text_body=True,
                refusals=(*_ON_OPEN, 413, 415),
            ),
        },
    ),
    Route(
        "{id}/events",
        Events,
        {"get": Verb("Lifecycle events", {200: EventsView}, parameters=STREAM_PARAMETERS, refusals=_ON_SESSION)},
    ),
    Route(
        "{id}/notes",
        Notes,
        {
            "get": Verb("Notes", {200: NotesView}, parameters=STREAM_PARAMETERS, refusals=_ON_SESSION),
            "post": Verb("Add a score, a label or a text", {201: NoteView}, GivenNote, refusals=(404, 409, 413, 415)),
        },
    ),
    Route(
        "{id}/{action}",
        Action,
        {
            "post": Verb(
                "Change the status",
                {200: SessionView},
                ActionBody,
                body_required=False,
                refusals=(404, 409, 413, 415),
            )
        },
    ),
    Route(
        "{id}/reset",
        Reset,
        {"post": Verb("A new session in place of a closed one", {201: SessionView}, refusals=(404, 409))},
    ),
)


def pattern(route: Route) -> str:
    """The route's path as Tornado matches it. A closing slash does not matter."""
    path = route.path.replace("{id}", "([^/]+)").replace("{action}", f"({ACTION_NAMES})")
    return f"/sessions/{path}/?" if path else "/sessions/?"
