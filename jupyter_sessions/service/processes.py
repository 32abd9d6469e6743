"""Processes of this host: does one live, and is it still the same one? A pid alone may have been given anew."""

from __future__ import annotations

import os
import socket

import psutil

HOST = socket.gethostname()
_SAME_START_SECONDS = 1.0


def started_at(pid: int) -> float | None:
    """When the process began (seconds since the epoch), or None when there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None


def lives(pid: int, started: float | None) -> bool:
    now = started_at(pid)
    if now is None:
        return False
    return started is None or abs(now - started) < _SAME_START_SECONDS


def this_process() -> tuple[int, float]:
    pid = os.getpid()
    return pid, started_at(pid) or 0.0
