"""Processes of this host: does one live, and is it still the same one? A pid alone may have been given anew."""

from __future__ import annotations

import os
import socket

import psutil

from ..model import ServerRun
from ..times import SECOND

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


def is_dead(run: ServerRun, now: int, dead_after: float) -> bool:
    """Its process on this host is gone; or, on another host, its last sign of life is too old."""
    if run.stopped_at is not None:
        return True
    if run.host == HOST:
        return not lives(run.pid, run.pid_started or None)
    return now - run.heartbeat_at > dead_after * SECOND


def this_process() -> tuple[int, float]:
    pid = os.getpid()
    return pid, started_at(pid) or 0.0
