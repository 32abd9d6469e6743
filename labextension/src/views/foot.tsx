// The end of the list: what it does not show, and why.

import type { JSX } from 'preact';

import { exact } from '../core/format.js';
import type { Snapshot } from '../core/sessions.js';
import type { Words } from '../core/words.js';
import { isPastServer } from './groups.js';

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
export function ListFoot(props: ListFootProps): JSX.Element | null {
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
  const loaded = exact(snapshot.earlier.length);
  const total = exact(snapshot.earlierTotal) + (snapshot.earlierTotalIs === 'at_least' ? '+' : '');
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
            ? words.__('Searched the newest %1 of %2 earlier sessions.', loaded, total)
            : words.__('Showing the newest %1 of %2 earlier sessions.', loaded, total)}{' '}
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
