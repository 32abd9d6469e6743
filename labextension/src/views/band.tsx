// The band that says how the live connection stands. It takes no room while all is well.

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';

import type { FeedState } from '../core/feed.js';
import { clock } from '../core/format.js';
import type { Words } from '../core/words.js';
import { Offline, Refresh } from './icons.js';

const BACK_MS = 4000;

interface BandProps {
  feed: FeedState;
  caughtUp: number | null;
  now: number;
  words: Words;
  onRetry: () => void;
  onSeen: () => void;
}

export function ConnectionBand(props: BandProps): JSX.Element | null {
  const { feed, caughtUp, words } = props;
  if (feed.kind === 'lost') {
    return <Lost {...props} feed={feed} />;
  }
  if (caughtUp !== null) {
    return <Back count={caughtUp} words={words} onSeen={props.onSeen} />;
  }
  return null;
}

function Lost({ feed, now, words, onRetry }: BandProps & { feed: FeedState & { kind: 'lost' } }): JSX.Element {
  const seconds = feed.retryAt === null ? 0 : Math.ceil((feed.retryAt - now) / 1000);
  return (
    <div class="js-band js-band-lost">
      <Offline />
      <span class="js-band-text">
        {/* The countdown stays out of the live region: it would be read aloud every second. */}
        <span role="status">
          <b>{feed.since === null ? words.__('Not connected.') : words.__('Connection lost.')}</b>{' '}
          {feed.since !== null && words.__('Showing what arrived until %1.', clock(feed.since))}
        </span>{' '}
        {seconds > 0 ? words.__('Next try in %1 s.', seconds) : words.__('Trying now.')}
      </span>
      <button type="button" class="js-button js-button-outlined" onClick={onRetry} disabled={feed.retryAt === null}>
        <Refresh />
        {words.__('Try now')}
      </button>
    </div>
  );
}

function Back({ count, words, onSeen }: { count: number; words: Words; onSeen: () => void }): JSX.Element {
  useEffect(() => {
    const timer = setTimeout(onSeen, BACK_MS);
    return () => clearTimeout(timer);
  }, [count]);
  return (
    <div class="js-band js-band-back" role="status">
      {words.__('Connected.')}{' '}
      {count > 0 && words._n('%1 session caught up.', '%1 sessions caught up.', count)}
    </div>
  );
}
