// The list of sessions as a browser holds it: the newest pages by request, all later changes by the live feed. It keeps
// and counts; it draws nothing. Views subscribe and read `snapshot`.

import { ApiError, type Client } from './client.js';
import type { Feed, FeedState, Frame, Refusal } from './feed.js';
import type { Gone, Session, SessionPage } from './model.js';

/** A session and when the browser received it: the running duration counts on from there, by our own clock. */
export interface Held {
  session: Session;
  receivedAt: number;
}

export interface Snapshot {
  phase: 'loading' | 'ready' | 'failed';
  error: { status: number; message: string } | null;
  feed: FeedState;
  selfId: string | null;
  running: Held[];
  earlier: Held[];
  /** How many earlier sessions the store has; more than `earlier` holds where pages are left to load. */
  earlierTotal: number;
  earlierTotalIs: 'exact' | 'at_least';
  hasMore: boolean;
  /** After a loss: how many sessions the first news brought. Null until then, and when the view has shown it. */
  caughtUp: number | null;
}

const RUNNING_LIMIT = 1000;
const EARLIER_PAGE = 200;
const RETRY_MS = 2000;

export class SessionList {
  private held = new Map<string, Held>();
  private rev = 0;
  private selfId: string | null = null;
  private phase: Snapshot['phase'] = 'loading';
  private error: Snapshot['error'] = null;
  private next: string | undefined;
  private unloaded = 0;
  private totalIs: Snapshot['earlierTotalIs'] = 'exact';
  private caughtUp: number | null = null;
  private awaitingNews = false;
  private loading: Promise<void> | null = null;
  private unsubscribe: (() => void) | null = null;
  private listeners = new Set<() => void>();
  private cached: Snapshot | null = null;

  constructor(
    private readonly client: Client,
    private readonly feed: Feed,
    private readonly now: () => number = Date.now,
    private readonly later: (ms: number, call: () => void) => unknown = (ms, call) => setTimeout(call, ms)
  ) {
    this.feed.onState(state => this.feedChanged(state));
  }

  start(): void {
    this.feed.connect();
    void this.load();
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The same object until something changes. */
  get snapshot(): Snapshot {
    this.cached ??= this.build();
    return this.cached;
  }

  get(id: string): Held | undefined {
    return this.held.get(id);
  }

  async loadMore(): Promise<void> {
    const next = this.next;
    if (next === undefined) {
      return;
    }
    const page = await this.client.list({ status: 'ended', limit: EARLIER_PAGE, next });
    this.next = page.next;
    const before = this.held.size;
    this.keep(page.sessions.filter(session => !this.held.has(session.id)));
    this.unloaded = page.next === undefined ? 0 : Math.max(0, this.unloaded - (this.held.size - before));
    this.changed();
  }

  dismissCaughtUp(): void {
    this.caughtUp = null;
    this.changed();
  }

  dispose(): void {
    this.unsubscribe?.();
    this.listeners.clear();
  }

  /** One reading at a time: whoever asks meanwhile gets the one under way. */
  private load(): Promise<void> {
    this.loading ??= this.readNewest().finally(() => (this.loading = null));
    return this.loading;
  }

  private async readNewest(): Promise<void> {
    try {
      const [open, closed] = await Promise.all([
        this.client.list({ status: 'active', limit: RUNNING_LIMIT }),
        this.client.list({ status: 'ended', limit: EARLIER_PAGE })
      ]);
      this.held.clear();
      this.keep(open.sessions);
      this.keep(closed.sessions);
      this.setPages(closed);
      this.selfId = open.self_id;
      // What changed between the two answers is in both the older rev and the feed's first frame.
      this.rev = Math.min(open.rev, closed.rev);
      this.phase = 'ready';
      this.error = null;
      this.follow();
    } catch (error) {
      if (this.phase !== 'ready') {
        this.phase = 'failed';
        this.error = {
          status: error instanceof ApiError ? error.status : 0,
          message: error instanceof Error ? error.message : String(error)
        };
        if (this.error.status >= 500 || this.error.status === 0) {
          // A server that has just started may still be opening its store.
          this.later(RETRY_MS, () => void this.load());
        }
      }
    }
    this.changed();
  }

  private follow(): void {
    this.unsubscribe?.();
    this.unsubscribe = this.feed.subscribe(
      { topic: 'sessions', after_rev: this.rev, filter: { status: 'all' }, limit: 1000 },
      { frame: frame => this.receive(frame), refused: refusal => this.refused(refusal) }
    );
  }

  private receive(frame: Frame): void {
    this.rev = frame.rev ?? this.rev;
    let arrived = 0;
    for (const item of frame.items as (Session | Gone)[]) {
      arrived += this.apply(item) ? 1 : 0;
    }
    if (this.awaitingNews) {
      this.awaitingNews = false;
      this.caughtUp = arrived;
    }
    this.changed();
  }

  private apply(item: Session | Gone): boolean {
    if ('gone' in item) {
      return this.held.delete(item.key);
    }
    const known = this.held.get(item.id);
    if (known && item.rev <= known.session.rev) {
      return false;
    }
    this.keep([item]);
    return true;
  }

  private refused(refusal: Refusal): void {
    this.phase = 'failed';
    this.error = { status: 0, message: refusal.message };
    this.changed();
  }

  private feedChanged(state: FeedState): void {
    if (state.kind === 'lost') {
      this.caughtUp = null;
      this.awaitingNews = false;
    }
    if (state.kind === 'open') {
      if (this.phase !== 'ready') {
        void this.load();
      } else if (state.wasLost) {
        this.awaitingNews = true;
        void this.recheck();
      }
    }
    this.changed();
  }

  /** The server that answers now may be another one than before: a new start, or even a new store. */
  private async recheck(): Promise<void> {
    const known = this.rev;
    try {
      const page = await this.client.list({ status: 'all', limit: 1 });
      this.selfId = page.self_id;
      if (page.rev < known) {
        await this.load();
      }
      this.changed();
    } catch {
      // The feed notices by itself when the server has gone again.
    }
  }

  private keep(sessions: Session[]): void {
    const receivedAt = this.now();
    for (const session of sessions) {
      this.held.set(session.id, { session, receivedAt });
    }
  }

  private setPages(closed: SessionPage): void {
    this.next = closed.next;
    this.totalIs = closed.total_is;
    this.unloaded = closed.next === undefined ? 0 : Math.max(0, closed.total - closed.sessions.length);
  }

  private build(): Snapshot {
    const sorted = [...this.held.values()].sort(newestFirst);
    const running = sorted.filter(({ session }) => session.open);
    const earlier = sorted.filter(({ session }) => !session.open);
    return {
      phase: this.phase,
      error: this.error,
      feed: this.feed.state,
      selfId: this.selfId,
      running,
      earlier,
      earlierTotal: earlier.length + this.unloaded,
      earlierTotalIs: this.unloaded ? this.totalIs : 'exact',
      hasMore: this.next !== undefined,
      caughtUp: this.caughtUp
    };
  }

  private changed(): void {
    this.cached = null;
    for (const listener of [...this.listeners]) {
      listener();
    }
  }
}

/** By start, which never moves: a row keeps its place among its neighbours whatever happens to it. */
function newestFirst(a: Held, b: Held): number {
  const later = Date.parse(b.session.created_at) - Date.parse(a.session.created_at);
  return later || (a.session.id < b.session.id ? -1 : 1);
}

/** Given title, else agent or app, else the id. */
export function sessionName(session: Session): string {
  return session.title || session.agent || session.appname || session.id.slice(0, 8);
}

/** All that a reader may remember of a session: every word of the search must occur somewhere in it. */
export function matches(session: Session, query: string): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    return true;
  }
  const { id, title, agent, appname, mode, jobid, user, room, status, kind, metadata } = session;
  const text = [id, title, agent, appname, mode, jobid, user, room, status, kind, JSON.stringify(metadata ?? {})]
    .filter(Boolean)
    .join('\n')
    .toLowerCase();
  return words.every(word => text.includes(word));
}

/** How long it ran, or has run so far by the reader's clock. */
export function durationAt({ session, receivedAt }: Held, now: number): number {
  return session.open ? Math.max(0, session.duration_ms + now - receivedAt) : session.duration_ms;
}
