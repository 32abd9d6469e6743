// The typed client: one method per question the views ask. How a request travels (Lab's connection, a plain fetch, a
// kernel) is the business of the `request` function that is handed in.

import type { LogPage, Session, SessionPage } from './model.js';

/** `path` is relative to the server's base URL and never begins with a slash. */
export type Request = (path: string, init?: RequestInit) => Promise<Response>;

/** An answer that is no 2xx. `reason` is the server's short code, such as `not_found`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export interface ListQuery {
  status?: 'active' | 'ended' | 'all';
  limit?: number;
  next?: string;
  q?: string;
}

/** What a path needs of a session. An id that proxies might rewrite comes with an alias, and then the alias is used. */
export type Named = Pick<Session, 'id' | 'alias'>;

export class Client {
  constructor(private readonly request: Request) {}

  list(query: ListQuery = {}): Promise<SessionPage> {
    return this.get(`sessions/${search({ ...query })}`);
  }

  session(named: Named): Promise<Session> {
    return this.get(address(named));
  }

  /** The newest `limit` lines, oldest of them first. */
  async tail(named: Named, limit: number): Promise<LogPage> {
    const page: LogPage = await this.get(`${address(named)}/log${search({ order: 'desc', limit })}`);
    return { ...page, entries: [...page.entries].reverse() };
  }

  private async get<T>(path: string): Promise<T> {
    const response = await this.request(path);
    if (!response.ok) {
      throw await apiError(response);
    }
    return (await response.json()) as T;
  }
}

function address({ id, alias }: Named): string {
  return `sessions/${encodeURIComponent(alias ?? id)}`;
}

async function apiError(response: Response): Promise<ApiError> {
  // A proxy in between may answer with HTML; then the status line is all there is to say.
  const body = (await response.json().catch(() => ({}))) as { message?: string; reason?: string };
  return new ApiError(response.status, body.reason ?? '', body.message ?? `${response.status} ${response.statusText}`);
}

function search(values: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) {
      query.set(key, String(value));
    }
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}
