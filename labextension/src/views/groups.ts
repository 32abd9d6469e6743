// Which sessions a list shows, in which group, and with which count beside the group's name.

import { exact } from '../core/format.js';
import { matches, type Held, type Snapshot } from '../core/sessions.js';

export interface GroupRows {
  key: 'running' | 'earlier';
  total: string;
  rows: Held[];
}

/** Each start of a server leaves a session of its own; the past ones would bury the runs and stand back unless asked for. */
export function isPastServer({ session }: Held): boolean {
  return !session.open && session.appname === 'jupyter-server' && session.kind === 'client';
}

export function group(snapshot: Snapshot, query: string, pastServers: boolean): GroupRows[] {
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
