// The list of sessions for a narrow place: search, what runs now, what ran earlier, and a peek of the selected one. It
// gets a list that keeps itself up to date and a client for the details; where it stands it does not know.

import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { Client } from '../core/client.js';
import { exact } from '../core/format.js';
import { matches, type Held, type SessionList, type Snapshot } from '../core/sessions.js';
import type { Words } from '../core/words.js';
import { ConnectionBand } from './band.js';
import { useNow, useSnapshot } from './hooks.js';
import { CaretDown, CaretRight, Close, Search } from './icons.js';
import { Peek } from './peek.js';
import { SessionRow } from './row.js';

export interface SidebarProps {
  list: SessionList;
  client: Client;
  words: Words;
  visible: boolean;
  onRetry: () => void;
}

export function Sidebar({ list, client, words, visible, onRetry }: SidebarProps): JSX.Element {
  const snapshot = useSnapshot(list);
  const [query, setQuery] = useState('');
  const [selected, setSelected] = useState<string | null>(null);
  const [pastServers, setPastServers] = useState(false);
  const lost = snapshot.feed.kind === 'lost';
  const tick = useNow(visible);
  // While the connection is lost nothing is known to go on: what runs stands still at the last word.
  const now = snapshot.feed.kind === 'lost' && snapshot.feed.since !== null ? snapshot.feed.since : tick;

  const groups = group(snapshot, query, pastServers);
  const held = selected === null ? undefined : list.get(selected);
  const root = useRef<HTMLDivElement>(null);
  const rows = useRovingFocus(root, groups);

  const onKeyDown = (event: KeyboardEvent) => {
    const inSearch = event.target instanceof HTMLInputElement;
    if (event.key === '/' && !inSearch) {
      root.current?.querySelector('input')?.focus();
    } else if (event.key === 'Escape' && inSearch && query) {
      setQuery('');
    } else if (event.key === 'Escape' && selected !== null) {
      setSelected(null);
    } else if (event.key === 'ArrowDown' && inSearch) {
      rows.focusFirst();
    } else if (inSearch || !rows.handle(event, setSelected)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      ref={root}
      class={`js-view js-sidebar${lost ? ' js-mod-lost' : ''}`}
      data-lm-suppress-shortcuts="true"
      onKeyDown={onKeyDown}
    >
      <header class="js-sidebar-head">{words.__('Sessions')}</header>
      <SearchBox query={query} words={words} onChange={setQuery} />
      <ConnectionBand
        feed={snapshot.feed}
        caughtUp={snapshot.caughtUp}
        now={tick}
        words={words}
        onRetry={onRetry}
        onSeen={() => list.dismissCaughtUp()}
      />
      <div class="js-sidebar-list">
        {groups.map(part => (
          <Group
            key={part.key}
            name={part.key === 'running' ? words.__('Running') : words.__('Earlier')}
            total={part.total}
            held={part.rows}
            now={now}
            selfId={snapshot.selfId}
            selected={selected}
            tabbable={rows.current}
            words={words}
            onSelect={id => {
              rows.moveTo(id);
              setSelected(id);
            }}
          />
        ))}
        <ListFoot
          snapshot={snapshot}
          query={query}
          shown={groups.reduce((sum, part) => sum + part.rows.length, 0)}
          pastServers={pastServers}
          words={words}
          onClear={() => setQuery('')}
          onMore={() => void list.loadMore().catch(() => undefined)}
          onPastServers={() => setPastServers(!pastServers)}
        />
      </div>
      {held && <Peek held={held} now={now} client={client} words={words} onClose={() => setSelected(null)} />}
    </div>
  );
}

interface GroupRows {
  key: 'running' | 'earlier';
  total: string;
  rows: Held[];
}

/** Each start of a server leaves a session of its own; the past ones would bury the runs and stand back unless asked for. */
function isPastServer({ session }: Held): boolean {
  return !session.open && session.appname === 'jupyter-server' && session.kind === 'client';
}

function group(snapshot: Snapshot, query: string, pastServers: boolean): GroupRows[] {
  const found = (held: Held[]) => held.filter(({ session }) => matches(session, query));
  const past = snapshot.earlier.filter(isPastServer).length;
  const running = found(snapshot.running);
  const earlier = found(pastServers ? snapshot.earlier : snapshot.earlier.filter(held => !isPastServer(held)));
  const earlierTotal = query ? earlier.length : snapshot.earlierTotal - (pastServers ? 0 : past);
  const plus = !query && snapshot.earlierTotalIs === 'at_least' ? '+' : '';
  const parts: GroupRows[] = [
    { key: 'running', total: exact(running.length), rows: running },
    { key: 'earlier', total: exact(earlierTotal) + plus, rows: earlier }
  ];
  return parts.filter(part => part.rows.length > 0);
}

interface GroupProps {
  name: string;
  total: string;
  held: Held[];
  now: number;
  selfId: string | null;
  selected: string | null;
  tabbable: string | null;
  words: Words;
  onSelect: (id: string) => void;
}

function Group({ name, total, held, now, selfId, selected, tabbable, words, onSelect }: GroupProps): JSX.Element {
  const [open, setOpen] = useState(true);
  return (
    <section class="js-group">
      <h3>
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? <CaretDown /> : <CaretRight />}
          {name} <span class="js-group-count">{total}</span>
        </button>
      </h3>
      {open && (
        <div role="listbox" aria-label={name}>
          {held.map(one => (
            <SessionRow
              key={one.session.id}
              held={one}
              now={now}
              isSelf={one.session.id === selfId}
              selected={one.session.id === selected}
              tabbable={one.session.id === tabbable}
              words={words}
              onSelect={onSelect}
            />
          ))}
        </div>
      )}
    </section>
  );
}

interface SearchBoxProps {
  query: string;
  words: Words;
  onChange: (query: string) => void;
}

function SearchBox({ query, words, onChange }: SearchBoxProps): JSX.Element {
  return (
    <div class="js-sidebar-search">
      <div class="js-input">
        <Search />
        <input
          type="text"
          role="searchbox"
          value={query}
          placeholder={words.__('Search sessions')}
          aria-label={words.__('Search sessions')}
          spellcheck={false}
          onInput={event => onChange(event.currentTarget.value)}
        />
        {query ? (
          <button
            type="button"
            class="js-button js-button-icon"
            aria-label={words.__('Clear the search')}
            title={words.__('Clear the search (Esc)')}
            onClick={() => onChange('')}
          >
            <Close />
          </button>
        ) : (
          <kbd title={words.__('Press / to search')}>/</kbd>
        )}
      </div>
    </div>
  );
}

interface ListFootProps {
  snapshot: Snapshot;
  query: string;
  shown: number;
  pastServers: boolean;
  words: Words;
  onClear: () => void;
  onMore: () => void;
  onPastServers: () => void;
}

/** What the list does not show, and why: nothing recorded, nothing found, not loaded, left out. */
function ListFoot(props: ListFootProps): JSX.Element | null {
  const { snapshot, query, shown, words } = props;
  if (snapshot.phase === 'failed') {
    return <Failure snapshot={snapshot} words={words} />;
  }
  if (snapshot.phase === 'loading') {
    return <Placeholder />;
  }
  const past = snapshot.earlier.filter(isPastServer).length;
  const runs = snapshot.running.length + snapshot.earlier.length - past;
  const onlyServer = snapshot.running.every(({ session }) => session.appname === 'jupyter-server');
  const loaded = snapshot.running.length + snapshot.earlier.length;
  return (
    <>
      {query && shown === 0 && (
        <p class="js-note">
          {words.__('No sessions match.')}{' '}
          <button type="button" class="js-link" onClick={props.onClear}>
            {words.__('Clear filters')}
          </button>
        </p>
      )}
      {!query && (runs === 0 || (onlyServer && runs === snapshot.running.length)) && (
        <p class="js-note js-note-first">
          <b>{words.__('No runs recorded yet.')}</b> {words.__('Runs appear here while they happen.')}{' '}
          {words.__('Nothing leaves this machine.')}
        </p>
      )}
      {snapshot.hasMore && (
        <p class="js-note">
          {query
            ? words.__('Searched the newest %1 sessions.', exact(loaded))
            : words.__('Showing the newest %1 sessions.', exact(loaded))}{' '}
          <button type="button" class="js-link" onClick={props.onMore}>
            {words.__('Load more')}
          </button>
        </p>
      )}
      {past > 0 && !query && (
        <p class="js-note">
          <button type="button" class="js-link" aria-pressed={props.pastServers} onClick={props.onPastServers}>
            {props.pastServers
              ? words._n('Hide %1 past server session', 'Hide %1 past server sessions', past)
              : words._n('Show %1 past server session', 'Show %1 past server sessions', past)}
          </button>
        </p>
      )}
    </>
  );
}

function Failure({ snapshot, words }: { snapshot: Snapshot; words: Words }): JSX.Element {
  const { status, message } = snapshot.error ?? { status: 0, message: '' };
  if (status === 404) {
    return (
      <p class="js-note">
        <b>{words.__('This server has no sessions service.')}</b>{' '}
        {words.__('Enable it with “jupyter server extension enable jupyter_sessions” and start the server again.')}
      </p>
    );
  }
  return (
    <p class="js-note">
      <b>{words.__('The list could not be loaded.')}</b> <bdi>{message}</bdi>
    </p>
  );
}

/** Grey rows in the height of real ones; the style sheet holds them back for 150 ms. */
function Placeholder(): JSX.Element {
  return (
    <div class="js-placeholder" aria-hidden="true">
      {[1, 2, 3, 4].map(n => (
        <div key={n}>
          <i />
          <i />
        </div>
      ))}
    </div>
  );
}

/** One tab stop for all rows; the arrows walk, across groups too, and focus stays with a session that changes its group. */
function useRovingFocus(root: { current: HTMLElement | null }, groups: GroupRows[]) {
  const [current, setCurrent] = useState<string | null>(null);
  const focused = useRef<string | null>(null);
  const ids = groups.flatMap(part => part.rows.map(held => held.session.id));
  const stop = current !== null && ids.includes(current) ? current : (ids[0] ?? null);

  const options = () => [...(root.current?.querySelectorAll<HTMLElement>('[role=option]') ?? [])];
  const focus = (option: HTMLElement | undefined) => {
    if (option?.dataset['id']) {
      setCurrent(option.dataset['id']);
      option.focus();
    }
    return option;
  };

  useLayoutEffect(() => {
    const active = document.activeElement;
    if (focused.current !== null && (active === null || active === document.body)) {
      options()
        .find(option => option.dataset['id'] === focused.current)
        ?.focus();
    }
    const row = root.current?.contains(active) ? active?.closest<HTMLElement>('[role=option]') : null;
    focused.current = (row ?? document.activeElement?.closest<HTMLElement>('[role=option]'))?.dataset['id'] ?? null;
  });

  return {
    current: stop,
    moveTo: setCurrent,
    focusFirst: () => focus(options()[0]),
    handle(event: KeyboardEvent, select: (id: string) => void): boolean {
      const all = options();
      const here = all.indexOf((event.target as HTMLElement).closest<HTMLElement>('[role=option]') as HTMLElement);
      if (here < 0 || event.ctrlKey || event.metaKey || event.altKey) {
        return false;
      }
      const to = { ArrowDown: here + 1, j: here + 1, ArrowUp: here - 1, k: here - 1, Home: 0, End: all.length - 1 };
      if (event.key === 'Enter' || event.key === ' ') {
        select(all[here]?.dataset['id'] ?? '');
        return true;
      }
      if (!(event.key in to)) {
        return false;
      }
      focus(all[Math.min(Math.max(to[event.key as keyof typeof to], 0), all.length - 1)]);
      return true;
    }
  };
}
