import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApiError, Client } from '../src/core/client.js';
import { Feed, type Socket } from '../src/core/feed.js';
import type { Session, SessionPage } from '../src/core/model.js';
import { leastSession } from './wire.js';
import { SessionList, durationAt, matches, sessionName } from '../src/core/sessions.js';

function session(id: string, more: Partial<Session> = {}): Session {
  const open = more.open ?? true;
  return { ...leastSession, id, appname: 'demo', status: open ? 'active' : 'ended', open, rev: 1, ...more };
}

/** A server of a few lines: answers the list from `store`, and lets a test speak through the socket. */
function setup(store: Session[], answer: Partial<SessionPage> = {}) {
  const world = {
    rev: 10,
    requests: [] as string[],
    status: 200,
    later: [] as (() => void)[],
    socket: undefined as unknown as Socket & { sent: string[] }
  };
  const client = new Client(path => {
    world.requests.push(path);
    if (world.status !== 200) {
      const body = JSON.stringify({ message: 'not here', reason: 'not_found' });
      return Promise.resolve(new Response(body, { status: world.status }));
    }
    const open = path.includes('status=active') ? true : path.includes('status=ended') ? false : null;
    const sessions = store.filter(one => open === null || one.open === open);
    const page = { self_id: 'self', sessions, total: sessions.length, total_is: 'exact', rev: world.rev };
    return Promise.resolve(new Response(JSON.stringify({ ...page, ...(open === false ? answer : {}) })));
  });
  let retry: (() => void) | undefined;
  const feed = new Feed({
    open: () => {
      const sent: string[] = [];
      world.socket = { onopen: null, onmessage: null, onclose: null, sent, send: t => sent.push(t), close: () => {} };
      return world.socket;
    },
    now: () => 0,
    after: (_, call) => {
      retry = call;
      return () => {};
    }
  });
  const list = new SessionList(
    client,
    feed,
    () => 0,
    (_, call) => world.later.push(call)
  );
  const settle = () => new Promise(resolve => setImmediate(resolve));
  return {
    world,
    list,
    feed,
    settle,
    async start() {
      list.start();
      world.socket.onopen!();
      world.socket.onmessage!({ data: '{"type":"sessions","sessions":[]}' });
      await settle();
    },
    say(items: object[], rev: number) {
      const id = (JSON.parse(world.socket.sent.at(-1)!) as { id: string }).id;
      world.socket.onmessage!({ data: JSON.stringify({ id, topic: 'sessions', rev, items }) });
    },
    async comeBack() {
      retry!();
      world.socket.onopen!();
      await settle();
    }
  };
}

const ids = (held: { session: Session }[]) => held.map(one => one.session.id);

test('the newest pages come by request, and the feed goes on from their rev', async () => {
  const { world, list, start } = setup([session('a'), session('b', { open: false })]);
  assert.equal(list.snapshot.phase, 'loading');
  await start();
  assert.deepEqual(ids(list.snapshot.running), ['a']);
  assert.deepEqual(ids(list.snapshot.earlier), ['b']);
  assert.equal(list.snapshot.selfId, 'self');
  const subscribe = JSON.parse(world.socket.sent[0]!) as Record<string, unknown>;
  assert.equal(subscribe['after_rev'], 10);
  assert.deepEqual(subscribe['filter'], { status: 'all' });
});

test('a session that ends moves to the earlier ones, and one that is purged goes', async () => {
  const { list, start, say } = setup([session('a'), session('b')]);
  await start();
  say([session('a', { open: false, rev: 11 }), { key: 'b', id: 'b', gone: true }], 12);
  assert.deepEqual(ids(list.snapshot.running), []);
  assert.deepEqual(ids(list.snapshot.earlier), ['a']);
});

test('an older form of a session never replaces a newer one', async () => {
  const { list, start, say } = setup([session('a', { title: 'new', rev: 9 })]);
  await start();
  say([session('a', { title: 'old', rev: 8 })], 10);
  assert.equal(list.snapshot.running[0]!.session.title, 'new');
});

test('newest start first, to the fraction of a second', async () => {
  const at = (id: string, created_at: string) => session(id, { created_at });
  const { list, start } = setup([
    at('a', '2026-11-21T14:00:00Z'),
    at('b', '2026-11-21T14:00:00.5Z'),
    at('c', '2026-11-21T13:59:59.999999Z')
  ]);
  await start();
  assert.deepEqual(ids(list.snapshot.running), ['b', 'a', 'c']);
});

test('earlier sessions that are not loaded are counted all the same', async () => {
  const { list, start } = setup([session('a', { open: false })], { total: 210, next: 'more' });
  await start();
  assert.equal(list.snapshot.earlierTotal, 210);
  assert.ok(list.snapshot.hasMore);
});

test('back after a loss the list says what it caught up', async () => {
  const { world, list, start, say, comeBack } = setup([session('a')]);
  await start();
  world.socket.onclose!();
  assert.equal(list.snapshot.feed.kind, 'lost');
  world.rev = 14;
  await comeBack();
  say([session('a', { rev: 13 }), session('b', { rev: 14 })], 14);
  assert.equal(list.snapshot.caughtUp, 2);
  list.dismissCaughtUp();
  assert.equal(list.snapshot.caughtUp, null);
});

test('back after a loss without news it says that nothing was missed', async () => {
  const { world, list, start, say, comeBack } = setup([session('a')]);
  await start();
  world.socket.onclose!();
  await comeBack();
  say([], 10);
  assert.equal(list.snapshot.caughtUp, 0);
});

test('a store that counts from a lower rev is another store: the list is read anew', async () => {
  const { world, list, settle, start, say, comeBack } = setup([session('a')]);
  await start();
  world.socket.onclose!();
  world.rev = 2;
  await comeBack();
  say([], 2);
  await settle();
  assert.equal(world.requests.filter(path => path.includes('status=active')).length, 2);
  assert.equal((JSON.parse(world.socket.sent.at(-1)!) as Record<string, unknown>)['after_rev'], 2);
  assert.deepEqual(ids(list.snapshot.running), ['a']);
});

test('a server without the service is a state of its own', async () => {
  const { world, list, start } = setup([]);
  world.status = 404;
  await start();
  assert.equal(list.snapshot.phase, 'failed');
  assert.deepEqual(list.snapshot.error, { status: 404, message: 'not here' });
});

test('a store that is still being opened is asked again', async () => {
  const { world, list, settle, start } = setup([session('a')]);
  world.status = 503;
  await start();
  assert.equal(list.snapshot.phase, 'failed');
  world.status = 200;
  world.later[0]!();
  await settle();
  assert.equal(list.snapshot.phase, 'ready');
  assert.deepEqual(ids(list.snapshot.running), ['a']);
});

test('the search looks at names, ids and metadata, and wants every word', () => {
  const one = session('019aa2c4', { title: 'Lisbon, two people', metadata: { city: { name: 'Porto' } } });
  for (const query of ['', 'lisbon', 'TWO lis', '019aa', 'porto', 'active']) {
    assert.ok(matches(one, query), query);
  }
  assert.ok(!matches(one, 'lisbon three'));
});

test('a name is the title, else the agent, else the app', () => {
  assert.equal(sessionName(session('x', { title: 'T', agent: 'A' })), 'T');
  assert.equal(sessionName(session('x', { agent: 'A' })), 'A');
  assert.equal(sessionName(session('x')), 'demo');
});

test('an open session goes on from the duration that the server told', () => {
  assert.equal(durationAt({ session: session('x', { duration_ms: 5000 }), receivedAt: 100 }, 1100), 6000);
  const closed = session('x', { open: false, duration_ms: 5000 });
  assert.equal(durationAt({ session: closed, receivedAt: 100 }, 9999), 5000);
});

test('an error that is no JSON still says its status', async () => {
  const client = new Client(() => Promise.resolve(new Response('<html>', { status: 502, statusText: 'Bad Gateway' })));
  await assert.rejects(client.session({ id: 'x' }), (error: ApiError) => error.status === 502 && error.message === '502 Bad Gateway');
});

test('an id travels percent-encoded, or by its alias', async () => {
  let asked = '';
  const client = new Client(path => {
    asked = path;
    return Promise.resolve(new Response(JSON.stringify({ cursor: 0, count: 0, total: 0, offset: 0, dropped: 0, entries: [] })));
  });
  await client.tail({ id: 'a b' }, 5);
  assert.equal(asked, 'sessions/a%20b/log?order=desc&limit=5');
  await client.tail({ id: 'a/c', alias: '~mf3gc' }, 5);
  assert.equal(asked, 'sessions/~mf3gc/log?order=desc&limit=5');
});
