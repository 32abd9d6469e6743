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
  mode: string;
  jobid?: string;
  metadata: Record<string, unknown>;
  dimensions: Record<string, string>;
  kind: string;
  origin: string;
  status: Status;
  open: boolean;
  created_at: string;
  updated_at: string;
  last_activity_at: string;
  ended_at?: string;
  received_at?: string;
  expires_at?: string;
  duration_ms: number;
  settled: boolean;
  rev: number;
  agent?: string;
  user?: string;
  room?: string;
  environment?: string;
  channel?: string;
  version?: string;
  deployment?: string;
  platform?: string;
  pid?: number;
  parent_session_id?: string;
  owner?: string;
  server_id?: string;
  status_reason?: string;
  disposition?: string;
  ended_by?: string;
  renewal_count?: number;
  timeout?: Record<string, unknown>;
  log_count: number;
  message_count: number;
  trace_count: number;
  run_count: number;
  error_count: number;
  note_count: number;
  tokens: number | null;
  cost_usd: number | null;
}

/** A row that has left a changing stream. */
export interface Gone {
  key: string;
  id: string;
  gone: boolean;
}

export interface SessionPage {
  self_id: string;
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
  source?: string;
}

export interface LogPage {
  cursor: number;
  count: number;
  total: number;
  offset: number;
  dropped: number;
  entries: LogEntry[];
}
