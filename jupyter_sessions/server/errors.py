"""Errors to HTTP status codes, in one place. The most specific class wins."""

from __future__ import annotations

from .. import errors

_STATUS: dict[type[errors.SessionsError], int] = {
    errors.Invalid: 400,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.SessionExpired: 410,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.LimitReached: 429,
    errors.Busy: 503,
    errors.StoreError: 503,
    errors.DiskFull: 507,
}


def status_of(error: errors.SessionsError) -> int:
    for kind in type(error).__mro__:
        if kind in _STATUS:
            return _STATUS[kind]
    return 500
