// The list of sessions for a narrow place: search, what runs now, what ran earlier, and a peek of the selected one. It
// gets a list that keeps itself up to date and a client for the details; where it stands it does not know.

import type { JSX } from 'preact';
import { useCallback, useRef, useState } from 'preact/hooks';

import type { Client } from '../core/client.js';
import type { Held, SessionList } from '../core/sessions.js';
import type { Words } from '../core/words.js';
import { ConnectionBand } from './band.js';
import { useRovingFocus } from './focus.js';
import { ListFoot } from './foot.js';
import { group } from './groups.js';
import { useNow, useSnapshot } from './hooks.js';
import { CaretDown, CaretRight } from './icons.js';
import { Peek } from './peek.js';
import { SessionRow } from './row.js';
import { SearchBox } from './search.js';

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

  const select = useCallback((id: string) => {
    rows.moveTo(id);
    setSelected(id);
  }, []);

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
            onSelect={select}
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
              now={one.session.open ? now : toMinute(now)}
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

function toMinute(time: number): number {
  return Math.floor(time / 60_000) * 60_000;
}
