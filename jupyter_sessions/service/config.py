"""Every delay, size and limit of the service in one place. The server's traits fill it; tests and scripts may too."""

from __future__ import annotations

from msgspec import Struct

KIB = 1024
MIB = 1024 * KIB


class Config(Struct, frozen=True):
    #: Entries a session's log keeps; 0 keeps all.
    log_ring: int = 10_000
    max_body: int = 10 * MIB
    max_message: int = 256 * KIB
    max_document: int = 64 * KIB
    max_depth: int = 32
    max_entries: int = 50_000
    max_text: int = 500

    #: Seconds between signs of life of a server, and when one without is taken for dead.
    heartbeat: float = 30.0
    server_dead_after: float = 120.0
    #: Seconds that clients have to come back after their server died.
    reattach_grace: float = 60.0
    pid_poll: float = 5.0

    retention_days: float = 365
    retention_sessions: int = 0
    retention_bytes: int = 5 * 1024 * MIB
    retention_action: str = "archive"
    retention_first: float = 30.0
    retention_interval: float = 3600.0
