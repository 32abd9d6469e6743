import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Feed, type FeedState, type Frame, type Refusal, type Socket } from '../src/core/feed.js';

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  sent: Record<string, unknown>[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.closed = true;
    this.onclose?.();
  }

  say(frame: object | string): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }
}

function setup() {
  const sockets: FakeSocket[] = [];
  const timers: { ms: number; call: () => void; cancelled: boolean }[] = [];
  const states: FeedState[] = [];
  let time = 1000;
  const feed = new Feed({
    open: () => {
      sockets.push(new FakeSocket());
      return sockets.at(-1)!;
    },
    now: () => time,
    random: () => 0.5,
    after: (ms, call) => {
      const timer = { ms, call, cancelled: false };
      timers.push(timer);
      return () => (timer.cancelled = true);
    }
  });
  feed.onState(state => states.push(state));
  return { feed, sockets, timers, states, pass: (ms: number) => (time += ms) };
}

/** What the server says to every socket before anybody subscribes. */
const GREETING = { type: 'sessions', sessions: [] };

function collector() {
  const frames: Frame[] = [];
  const refusals: Refusal[] = [];
  return { frames, refusals, frame: (f: Frame) => frames.push(f), refused: (r: Refusal) => refusals.push(r) };
}

test('a subscription made before the socket opens is sent when it does', () => {
  const { feed, sockets } = setup();
  feed.subscribe({ topic: 'sessions', after_rev: 0, filter: { status: 'all' } }, collector());
  feed.connect();
  assert.deepEqual(sockets[0]!.sent, []);
  sockets[0]!.onopen!();
  assert.deepEqual(sockets[0]!.sent, [
    { op: 'subscribe', id: 's1', topic: 'sessions', after_rev: 0, filter: { status: 'all' } }
  ]);
});

test('after a loss every subscription goes on from its own place', () => {
  const { feed, sockets, timers } = setup();
  feed.connect();
  sockets[0]!.onopen!();
  const list = collector();
  feed.subscribe({ topic: 'sessions', after_rev: 0 }, list);
  feed.subscribe({ topic: 'log', session: 'S', cursor: 0 }, collector());
  sockets[0]!.say({ id: 's1', topic: 'sessions', rev: 7, items: [{ id: 'x' }] });
  sockets[0]!.say({ id: 's2', topic: 'log', cursor: 3, dropped: 0, items: [] });
  assert.equal(list.frames.length, 1);

  sockets[0]!.onclose!();
  timers[0]!.call();
  sockets[1]!.onopen!();
  assert.deepEqual(sockets[1]!.sent, [
    { op: 'subscribe', id: 's1', topic: 'sessions', after_rev: 7 },
    { op: 'subscribe', id: 's2', topic: 'log', session: 'S', cursor: 3 }
  ]);
});

test('tries spread out up to 15 s, and start anew once the server has spoken', () => {
  const { feed, sockets, timers, states, pass } = setup();
  feed.connect();
  sockets[0]!.onopen!();
  sockets[0]!.say(GREETING);
  pass(500);
  for (let n = 0; n < 6; n++) {
    sockets.at(-1)!.onclose!();
    timers.at(-1)!.call();
    sockets.at(-1)!.onopen!(); // accepted, and closed again before a word: still a failed try
  }
  assert.deepEqual(timers.map(timer => timer.ms), [1000, 2000, 4000, 8000, 15_000, 15_000]);
  assert.deepEqual(states[1], { kind: 'lost', since: 1500, retryAt: 2500 });
  assert.deepEqual(states.at(-1), { kind: 'lost', since: 1500, retryAt: null });

  sockets.at(-1)!.say(GREETING);
  assert.deepEqual(states.at(-1), { kind: 'open', wasLost: true });
  sockets.at(-1)!.onclose!();
  assert.equal(timers.at(-1)!.ms, 1000);
});

test('a connection that never was is not called lost and found', () => {
  const { feed, sockets, states } = setup();
  feed.connect();
  sockets[0]!.onclose!();
  assert.deepEqual(states[0], { kind: 'lost', since: null, retryAt: 2000 });
  feed.retryNow();
  sockets[1]!.onopen!();
  sockets[1]!.say(GREETING);
  assert.deepEqual(states.at(-1), { kind: 'open', wasLost: false });
});

test('a reader may try now; the try that was planned is called off', () => {
  const { feed, sockets, timers } = setup();
  feed.connect();
  sockets[0]!.onclose!();
  feed.retryNow();
  assert.equal(sockets.length, 2);
  assert.ok(timers[0]!.cancelled);
  feed.retryNow();
  assert.equal(sockets.length, 2, 'one try at a time');
});

test('a refusal reaches the one who asked and is not asked again', () => {
  const { feed, sockets, timers } = setup();
  feed.connect();
  sockets[0]!.onopen!();
  const asker = collector();
  feed.subscribe({ topic: 'nonsense' }, asker);
  sockets[0]!.say({ id: 's1', error: { message: 'No such topic', reason: 'bad_topic' } });
  assert.deepEqual(asker.refusals, [{ message: 'No such topic', reason: 'bad_topic' }]);
  sockets[0]!.onclose!();
  timers[0]!.call();
  sockets[1]!.onopen!();
  assert.deepEqual(sockets[1]!.sent, []);
});

test('what is no frame of ours is passed over', () => {
  const { feed, sockets } = setup();
  const list = collector();
  feed.subscribe({ topic: 'sessions' }, list);
  feed.connect();
  sockets[0]!.onopen!();
  for (const noise of ['not json', '[]', 'null', '{"type":"sessions"}', '{"id":"other","items":[]}']) {
    sockets[0]!.say(noise);
  }
  assert.deepEqual(list.frames, []);
});

test('an ended subscription says so and hears no more', () => {
  const { feed, sockets } = setup();
  feed.connect();
  sockets[0]!.onopen!();
  const list = collector();
  const end = feed.subscribe({ topic: 'sessions' }, list);
  end();
  sockets[0]!.say({ id: 's1', topic: 'sessions', rev: 1, items: [] });
  assert.deepEqual(sockets[0]!.sent.at(-1), { op: 'unsubscribe', id: 's1' });
  assert.deepEqual(list.frames, []);
});

test('a closed feed stays closed', () => {
  const { feed, sockets, timers } = setup();
  feed.connect();
  sockets[0]!.onopen!();
  feed.close();
  assert.ok(sockets[0]!.closed);
  assert.deepEqual(timers, []);
  feed.connect();
  assert.equal(sockets.length, 1);
});
