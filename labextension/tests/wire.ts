// Written by tests/test_wire_types.py from the server's own types: what it sends must satisfy ours.

import type { Gone, LogEntry, LogPage, Session, SessionPage } from '../src/core/model.js';

export const wholeSession = {
  "id": "text",
  "appname": "text",
  "mode": "text",
  "kind": "room",
  "origin": "api",
  "status": "active",
  "open": true,
  "metadata": {
    "key": "value"
  },
  "dimensions": {
    "key": "value"
  },
  "created_at": "2026-11-21T14:02:10.5Z",
  "updated_at": "2026-11-21T14:02:10.5Z",
  "last_activity_at": "2026-11-21T14:02:10.5Z",
  "duration_ms": 1.5,
  "settled": true,
  "rev": 1,
  "log_count": 1,
  "message_count": 1,
  "trace_count": 1,
  "run_count": 1,
  "error_count": 1,
  "note_count": 1,
  "tokens": 1,
  "cost_usd": 1.5,
  "alias": "text",
  "title": "text",
  "jobid": "text",
  "agent": "text",
  "user": "text",
  "room": "text",
  "environment": "text",
  "channel": "text",
  "version": "text",
  "deployment": "text",
  "platform": "text",
  "pid": 1,
  "parent_session_id": "text",
  "owner": "text",
  "server_id": "text",
  "ended_at": "2026-11-21T14:02:10.5Z",
  "received_at": "2026-11-21T14:02:10.5Z",
  "expires_at": "2026-11-21T14:02:10.5Z",
  "disposition": "text",
  "status_reason": "text",
  "ended_by": "text",
  "renewal_count": 1,
  "timeout": {
    "key": "value"
  }
} satisfies Session;

export const leastSession = {
  "id": "text",
  "appname": "text",
  "mode": "text",
  "kind": "room",
  "origin": "api",
  "status": "active",
  "open": true,
  "metadata": {
    "key": "value"
  },
  "dimensions": {
    "key": "value"
  },
  "created_at": "2026-11-21T14:02:10.5Z",
  "updated_at": "2026-11-21T14:02:10.5Z",
  "last_activity_at": "2026-11-21T14:02:10.5Z",
  "duration_ms": 1.5,
  "settled": true,
  "rev": 1,
  "log_count": 1,
  "message_count": 1,
  "trace_count": 1,
  "run_count": 1,
  "error_count": 1,
  "note_count": 1,
  "tokens": null,
  "cost_usd": null
} satisfies Session;

export const wholeGone = {
  "key": "text",
  "id": "text",
  "gone": true
} satisfies Gone;

export const leastGone = {
  "key": "text",
  "id": "text",
  "gone": true
} satisfies Gone;

export const wholeSessionPage = {
  "self_id": "text",
  "sessions": [
    {
      "id": "text",
      "appname": "text",
      "mode": "text",
      "kind": "room",
      "origin": "api",
      "status": "active",
      "open": true,
      "metadata": {
        "key": "value"
      },
      "dimensions": {
        "key": "value"
      },
      "created_at": "2026-11-21T14:02:10.5Z",
      "updated_at": "2026-11-21T14:02:10.5Z",
      "last_activity_at": "2026-11-21T14:02:10.5Z",
      "duration_ms": 1.5,
      "settled": true,
      "rev": 1,
      "log_count": 1,
      "message_count": 1,
      "trace_count": 1,
      "run_count": 1,
      "error_count": 1,
      "note_count": 1,
      "tokens": 1,
      "cost_usd": 1.5,
      "alias": "text",
      "title": "text",
      "jobid": "text",
      "agent": "text",
      "user": "text",
      "room": "text",
      "environment": "text",
      "channel": "text",
      "version": "text",
      "deployment": "text",
      "platform": "text",
      "pid": 1,
      "parent_session_id": "text",
      "owner": "text",
      "server_id": "text",
      "ended_at": "2026-11-21T14:02:10.5Z",
      "received_at": "2026-11-21T14:02:10.5Z",
      "expires_at": "2026-11-21T14:02:10.5Z",
      "disposition": "text",
      "status_reason": "text",
      "ended_by": "text",
      "renewal_count": 1,
      "timeout": {
        "key": "value"
      }
    }
  ],
  "total": 1,
  "total_is": "at_least",
  "rev": 1,
  "next": "text"
} satisfies SessionPage;

export const leastSessionPage = {
  "self_id": "text",
  "sessions": [
    {
      "id": "text",
      "appname": "text",
      "mode": "text",
      "kind": "room",
      "origin": "api",
      "status": "active",
      "open": true,
      "metadata": {
        "key": "value"
      },
      "dimensions": {
        "key": "value"
      },
      "created_at": "2026-11-21T14:02:10.5Z",
      "updated_at": "2026-11-21T14:02:10.5Z",
      "last_activity_at": "2026-11-21T14:02:10.5Z",
      "duration_ms": 1.5,
      "settled": true,
      "rev": 1,
      "log_count": 1,
      "message_count": 1,
      "trace_count": 1,
      "run_count": 1,
      "error_count": 1,
      "note_count": 1,
      "tokens": null,
      "cost_usd": null
    }
  ],
  "total": 1,
  "total_is": "at_least",
  "rev": 1
} satisfies SessionPage;

export const wholeLogEntry = {
  "index": 1,
  "timestamp": "2026-11-21T14:02:10.5Z",
  "message": "text",
  "level": "warn",
  "data": {
    "key": "value"
  },
  "logger": "text",
  "source": "text"
} satisfies LogEntry;

export const leastLogEntry = {
  "index": 1,
  "timestamp": "2026-11-21T14:02:10.5Z",
  "message": "text"
} satisfies LogEntry;

export const wholeLogPage = {
  "cursor": 1,
  "count": 1,
  "total": 1,
  "offset": 1,
  "dropped": 1,
  "entries": [
    {
      "index": 1,
      "timestamp": "2026-11-21T14:02:10.5Z",
      "message": "text",
      "level": "warn",
      "data": {
        "key": "value"
      },
      "logger": "text",
      "source": "text"
    }
  ]
} satisfies LogPage;

export const leastLogPage = {
  "cursor": 1,
  "count": 1,
  "total": 1,
  "offset": 1,
  "dropped": 1,
  "entries": [
    {
      "index": 1,
      "timestamp": "2026-11-21T14:02:10.5Z",
      "message": "text"
    }
  ]
} satisfies LogPage;
