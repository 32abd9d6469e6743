// One session in the two-line form that the sidebar and narrow tables share: glyph, name and duration; then who, when,
// errors and cost. It knows how to look, not what a click does.

import type { JSX } from 'preact';

import { ago, cost, count, duration, instant, runningDuration } from '../core/format.js';
import { durationAt, sessionName, type Held } from '../core/sessions.js';
import type { Words } from '../core/words.js';
import { ErrorMark } from './icons.js';
import { memo } from './memo.js';
import { StatusGlyph, statusWord } from './status.js';

interface RowProps {
  held: Held;
  /** For a session that is over the minute is enough, and spares the repaint of its row each second. */
  now: number;
  isSelf: boolean;
  selected: boolean;
  tabbable: boolean;
  words: Words;
  onSelect: (id: string) => void;
}

export const SessionRow = memo(({ held, now, isSelf, selected, tabbable, words, onSelect }: RowProps): JSX.Element => {
  const { session } = held;
  const errors = session.error_count;
  const name = sessionName(session);
  const started = Date.parse(session.created_at);
  return (
    <div
      class={`js-row${selected ? ' js-mod-selected' : ''}`}
      role="option"
      aria-selected={selected}
      aria-label={rowSentence(held, now, isSelf, words)}
      data-id={session.id}
      tabIndex={tabbable ? 0 : -1}
      onClick={() => onSelect(session.id)}
    >
      <StatusGlyph status={session.status} />
      <span class="js-row-name" title={name}>
        <bdi>{name}</bdi>
      </span>
      <span class="js-row-duration">{durationText(held, now)}</span>
      <span class="js-row-who" title={instant(started)}>
        {isSelf && !session.title ? words.__('this server') : <bdi>{whose(held)}</bdi>}
        {' · '}
        {ago(started, now)}
      </span>
      <span class="js-row-figures">
        {errors > 0 && (
          <span class="js-errors">
            <ErrorMark />
            {count(errors)}
          </span>
        )}
        {session.cost_usd !== null && session.cost_usd > 0 && (
          <span>{cost(session.cost_usd)}</span>
        )}
      </span>
    </div>
  );
});

export function durationText(held: Held, now: number): string {
  const ms = durationAt(held, now);
  return held.session.open ? runningDuration(ms) : duration(ms);
}

/** The second line tells what the name does not: the agent or app, or what stands in for it where that is the name. */
function whose({ session }: Held): string {
  const name = sessionName(session);
  const maker = session.agent || session.appname;
  if (maker === name) {
    return session.mode || session.kind;
  }
  return session.kind === 'kernel' ? `kernel ${maker}` : maker;
}

function rowSentence(held: Held, now: number, isSelf: boolean, words: Words): string {
  const { session } = held;
  const parts = [
    sessionName(session),
    statusWord(session.status, words),
    isSelf ? words.__('this server') : session.agent || session.appname,
    durationText(held, now)
  ];
  if (session.error_count) {
    parts.push(words._n('%1 error', '%1 errors', session.error_count));
  }
  return parts.join(', ');
}
