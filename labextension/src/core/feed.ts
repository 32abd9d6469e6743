// The live feed: one socket, any number of subscriptions, each with its own place in its stream. To come back after a
// loss is to subscribe again after that place; nothing is replayed and nothing is missed but what the server reports as
// dropped. The feed knows no topic by name: a changing stream counts in `rev`, an appended one in `cursor`.

export interface Subscription {
  topic: string;
  session?: string;
  filter?: Record<string, string>;
  limit?: number;
  /** Where to begin in a changing stream. */
  after_rev?: number;
  /** Where to begin in an appended stream. */
  cursor?: number;
}

export interface Frame {
  id: string;
  topic: string;
  items: unknown[];
  rev?: number;
  cursor?: number;
  dropped?: number;
}

export interface Refusal {
  message: string;
  reason: string;
}

export interface Subscriber {
  frame(frame: Frame): void;
  refused?(refusal: Refusal): void;
}

/**
 * `lost.since` is when the connection broke, or null if there never was one; `lost.retryAt` is null while a try is under
 * way.
 */
export type FeedState =
  | { kind: 'connecting' }
  | { kind: 'open'; wasLost: boolean }
  | { kind: 'lost'; since: number | null; retryAt: number | null };

/** The part of a browser's WebSocket that the feed uses. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(text: string): void;
  close(): void;
}

export interface FeedOptions {
  open: () => Socket;
  now?: () => number;
  /** Calls back after a delay and returns what cancels it. */
  after?: (ms: number, call: () => void) => () => void;
  random?: () => number;
}

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 15_000;

export class Feed {
  private socket: Socket | null = null;
  private accepted = false;
  private place = new Map<string, { subscription: Subscription; subscriber: Subscriber }>();
  private listeners = new Set<(state: FeedState) => void>();
  private counter = 0;
  private attempts = 0;
  private cancelRetry: (() => void) | null = null;
  private closed = false;
  private current: FeedState = { kind: 'connecting' };

  private readonly openSocket: () => Socket;
  private readonly now: () => number;
  private readonly after: (ms: number, call: () => void) => () => void;
  private readonly random: () => number;

  constructor(options: FeedOptions) {
    this.openSocket = options.open;
    this.now = options.now ?? Date.now;
    this.random = options.random ?? Math.random;
    this.after =
      options.after ??
      ((ms, call) => {
        const timer = setTimeout(call, ms);
        return () => clearTimeout(timer);
      });
  }

  get state(): FeedState {
    return this.current;
  }

  connect(): void {
    if (this.socket || this.closed) {
      return;
    }
    this.cancelRetry?.();
    this.cancelRetry = null;
    if (this.current.kind === 'lost') {
      this.setState({ ...this.current, retryAt: null });
    }
    let socket: Socket;
    try {
      socket = this.openSocket();
    } catch {
      this.lose();
      return;
    }
    this.socket = socket;
    socket.onopen = () => {
      this.accepted = true;
      for (const id of this.place.keys()) {
        this.sendSubscribe(id);
      }
    };
    socket.onmessage = event => this.receive(event.data);
    socket.onclose = () => {
      if (this.socket === socket) {
        this.socket = null;
        this.accepted = false;
        this.lose();
      }
    };
  }

  /** Does now what would be done at `retryAt`. */
  retryNow(): void {
    if (this.current.kind === 'lost' && !this.socket) {
      this.connect();
    }
  }

  /** Returns what ends the subscription. */
  subscribe(subscription: Subscription, subscriber: Subscriber): () => void {
    const id = `s${++this.counter}`;
    this.place.set(id, { subscription: { ...subscription }, subscriber });
    if (this.accepted) {
      this.sendSubscribe(id);
    }
    return () => {
      if (this.place.delete(id) && this.accepted) {
        this.send({ op: 'unsubscribe', id });
      }
    };
  }

  onState(listener: (state: FeedState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.closed = true;
    this.cancelRetry?.();
    this.place.clear();
    this.listeners.clear();
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private receive(data: unknown): void {
    // Only a frame proves the server: a socket that is accepted and closed at once is one more failed try.
    this.attempts = 0;
    if (this.current.kind !== 'open') {
      this.setState({ kind: 'open', wasLost: this.current.kind === 'lost' && this.current.since !== null });
    }
    const frame = parse(data);
    const entry = frame?.id === undefined ? undefined : this.place.get(frame.id);
    if (!frame || !entry) {
      return; // a plain list of before we subscribed, or a frame of a subscription that has just ended
    }
    if (frame.error) {
      this.place.delete(frame.id);
      entry.subscriber.refused?.(frame.error);
      return;
    }
    if (frame.rev !== undefined) {
      entry.subscription.after_rev = frame.rev;
    }
    if (frame.cursor !== undefined) {
      entry.subscription.cursor = frame.cursor;
    }
    entry.subscriber.frame(frame);
  }

  private lose(): void {
    if (this.closed) {
      return;
    }
    // The first tries come quickly, later ones spread out: a hundred open tabs must not meet a restarted server at once.
    const base = Math.min(FIRST_DELAY_MS * 2 ** this.attempts++, LONGEST_DELAY_MS);
    const delay = Math.round(base * (0.75 + this.random() * 0.5));
    const since = this.current.kind === 'lost' ? this.current.since : this.current.kind === 'open' ? this.now() : null;
    this.setState({ kind: 'lost', since, retryAt: this.now() + delay });
    this.cancelRetry = this.after(delay, () => this.connect());
  }

  private sendSubscribe(id: string): void {
    const entry = this.place.get(id);
    if (entry) {
      this.send({ op: 'subscribe', id, ...entry.subscription });
    }
  }

  private send(op: object): void {
    this.socket?.send(JSON.stringify(op));
  }

  private setState(state: FeedState): void {
    this.current = state;
    for (const listener of [...this.listeners]) {
      listener(state);
    }
  }
}

function parse(data: unknown): (Frame & { error?: Refusal }) | null {
  if (typeof data !== 'string') {
    return null;
  }
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Frame) : null;
  } catch {
    return null;
  }
}
