// What the server says about a session and its log, as it stands on the wire. Fields that may be left out are optional;
// figures that are unknown are null. Names are the API's own.

export type Status =
  | 'active'
  | 'idle'
  | 'escalated'
  | 'completed'
  | 'failed'
  | 'abandoned'
  | 'expired'
  | 'ended'
  | 'archived';

export interface Session {
  id: string;
  alias?: string;
  title?: string;
  appname: string;
  mode?: string;
  jobid?: string;
  metadata: Record<string, unknown>;
  created_at: string;
  updated_at?: string;
  ended_at?: string;
  status: Status;
  open: boolean;
  kind?: string;
  origin?: string;
  agent?: string;
  user?: string;
  room?: string;
  status_reason?: string;
  disposition?: string;
  ended_by?: string;
  expires_at?: string;
  last_activity_at?: string;
  duration_ms?: number | null;
  rev?: number;
  log_count?: number | null;
  message_count?: number | null;
  trace_count?: number | null;
  error_count?: number | null;
  note_count?: number | null;
  tokens?: number | null;
  cost_usd?: number | null;
}

/** A row that has left a changing stream. */
export interface Gone {
  key: string;
  gone: true;
}

export interface SessionPage {
  self_id?: string;
  sessions: Session[];
  total: number;
  total_is: 'exact' | 'at_least';
  rev: number;
  next?: string;
}

export interface LogEntry {
  index: number;
  timestamp: string;
  level?: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  data?: Record<string, unknown>;
  logger?: string;
}

export interface LogPage {
  cursor: number;
  count: number;
  total: number;
  offset: number;
  dropped: number;
  entries: LogEntry[];
}
