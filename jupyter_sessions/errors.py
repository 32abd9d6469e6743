"""The family of exceptions that every layer raises and every edge translates.

Each carries a sentence for people (`message`), a short code for programs (`reason`) and optional `detail`.
The HTTP edge maps them to status codes in one place (server/errors.py), the CLI to exit codes.
"""

from __future__ import annotations

from typing import Any


class SessionsError(Exception):
    """Base of all errors that are part of the interface."""

    reason = "error"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        detail: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.reason
        self.detail = detail
        self.retry_after = retry_after

    @classmethod
    def revived(
        cls, message: str, reason: str | None, detail: dict[str, Any] | None, retry_after: int | None
    ) -> SessionsError:
        """The same error again, on the other side of a wire or of a pickle: subclasses have signatures of their own."""
        error = cls.__new__(cls)
        SessionsError.__init__(error, message, reason=reason, detail=detail, retry_after=retry_after)
        return error

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).revived, (self.message, self.reason, self.detail, self.retry_after)


class Invalid(SessionsError):
    """The request does not say something that can be done."""

    reason = "invalid"


class NotFound(SessionsError):
    reason = "not_found"


class SessionNotFound(NotFound):
    reason = "session_not_found"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"No session {session_id!r} in this store.", detail={"id": session_id})


class Conflict(SessionsError):
    """The session is in a state that does not allow this."""

    reason = "conflict"


class SessionClosed(Conflict):
    reason = "session_closed"

    def __init__(self, session_id: str, status: str) -> None:
        super().__init__(f"Session {session_id!r} is closed ({status}).", detail={"id": session_id, "status": status})


class IllegalTransition(Conflict):
    reason = "illegal_transition"

    def __init__(self, status: str, trigger: str) -> None:
        super().__init__(
            f"A session that is {status} does not take {trigger!r}.", detail={"from": status, "trigger": trigger}
        )


class SessionExpired(SessionsError):
    reason = "session_expired"

    def __init__(self, session_id: str, expires_at: str | None) -> None:
        super().__init__(
            f"Session {session_id!r} expired{f' at {expires_at}' if expires_at else ''}.",
            detail={"id": session_id, "expires_at": expires_at},
        )

    @property
    def expires_at(self) -> str | None:
        return (self.detail or {}).get("expires_at")


class Forbidden(SessionsError):
    """The server refused who asks, or what for."""

    reason = "forbidden"


class TooLarge(SessionsError):
    reason = "too_large"

    def __init__(self, what: str, size: int | str, limit: int) -> None:
        super().__init__(
            f"{what} is too large: {size}, the limit is {limit}.", detail={"what": what, "size": size, "limit": limit}
        )


class UnsupportedMedia(SessionsError):
    reason = "unsupported_media_type"


class Busy(SessionsError):
    """More writes wait than the queue takes, or another process holds the file. Try again."""

    reason = "busy"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message, retry_after=retry_after)


class LimitReached(SessionsError):
    reason = "limit_reached"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message, retry_after=retry_after)


class StoreError(SessionsError):
    """The store cannot serve: damaged, read-only, of a newer version, or closed."""

    reason = "store_unavailable"


class DiskFull(StoreError):
    reason = "disk_full"

    def __init__(self) -> None:
        super().__init__("The disk that holds the store is full. Nothing of this request was kept.")


class ConnectionFailed(SessionsError):
    """A client found no server where it was told to look, lost it, or cannot read what answers there."""

    reason = "connection_failed"
