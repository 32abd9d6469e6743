// The selected session at a glance: name, status with its reason, the figures that exist, a little metadata and the
// newest log lines. The lines are read again when the session has moved, at most once a second.

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import type { Client } from '../core/client.js';
import { clock, cost, count, exact, instant, shortId } from '../core/format.js';
import type { LogEntry, Session } from '../core/model.js';
import { sessionName, type Held } from '../core/sessions.js';
import type { Words } from '../core/words.js';
import { Close, Copy } from './icons.js';
import { durationText } from './row.js';
import { StatusLabel } from './status.js';

const LINES = 5;
const REREAD_MS = 1000;
const METADATA_ROWS = 4;

interface PeekProps {
  held: Held;
  now: number;
  client: Client;
  words: Words;
  onClose: () => void;
}

export function Peek({ held, now, client, words, onClose }: PeekProps): JSX.Element {
  const { session } = held;
  const lines = useTail(client, session);
  return (
    <section class="js-peek" aria-label={words.__('Selected session')}>
      <header class="js-peek-head">
        <b class="js-peek-title" title={sessionName(session)}>
          <bdi>{sessionName(session)}</bdi>
        </b>
        <button
          type="button"
          class="js-button js-button-icon"
          title={words.__('Close (Esc)')}
          aria-label={words.__('Close')}
          onClick={onClose}
        >
          <Close />
        </button>
      </header>
      <p class="js-peek-state">
        <StatusLabel status={session.status} words={words} />
        {session.status_reason && <span>{session.status_reason}</span>}
      </p>
      <p class="js-peek-facts">
        <span>{session.agent || session.appname}</span>
        {session.mode && <span>{session.mode}</span>}
        <CopyId id={session.id} words={words} />
        <span title={instant(Date.parse(session.created_at))}>
          {words.__('started %1', clock(Date.parse(session.created_at)))}
        </span>
      </p>
      <dl class="js-figures">
        {figures(held, now, words).map(figure => (
          <div class={`js-figure${figure.bad ? ' js-mod-bad' : ''}`} key={figure.name}>
            <dt>{figure.name}</dt>
            <dd title={figure.exact}>{figure.text}</dd>
          </div>
        ))}
      </dl>
      <Metadata values={session.metadata} words={words} />
      {lines.length > 0 && <Lines lines={lines} words={words} />}
    </section>
  );
}

interface Figure {
  name: string;
  text: string;
  exact?: string | undefined;
  bad?: boolean;
}

/** Duration always; of the rest, what this session has. */
function figures(held: Held, now: number, words: Words): Figure[] {
  const { session } = held;
  const counted = (name: string, value: number | null, bad = false): Figure[] =>
    value ? [{ name, text: count(value), exact: exact(value), bad }] : [];
  return [
    { name: words.__('Duration'), text: durationText(held, now) },
    ...counted(words.__('Log lines'), session.log_count),
    ...counted(words.__('Errors'), session.error_count, true),
    ...counted(words.__('Messages'), session.message_count),
    ...counted(words.__('Traces'), session.trace_count),
    ...counted(words.__('Tokens'), session.tokens),
    ...(session.cost_usd ? [{ name: words.__('Cost'), text: cost(session.cost_usd) }] : [])
  ].slice(0, 6);
}

function CopyId({ id, words }: { id: string; words: Words }): JSX.Element {
  const [copied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [id]);
  const copy = () =>
    void navigator.clipboard?.writeText(id).then(
      () => setCopied(true),
      () => setCopied(false)
    );
  return (
    <button type="button" class="js-id" title={words.__('%1\nClick to copy', id)} onClick={copy}>
      <bdi>{shortId(id)}</bdi>
      {copied ? <span role="status">{words.__('copied')}</span> : <Copy />}
    </button>
  );
}

function Metadata({ values, words }: { values: Record<string, unknown>; words: Words }): JSX.Element | null {
  const entries = Object.entries(values);
  if (entries.length === 0) {
    return null;
  }
  const more = entries.length - METADATA_ROWS;
  return (
    <dl class="js-metadata">
      {entries.slice(0, METADATA_ROWS).map(([key, value]) => (
        <div key={key}>
          <dt title={key}>{key}</dt>
          <dd title={asText(value)}>
            <bdi>{asText(value)}</bdi>
          </dd>
        </div>
      ))}
      {more > 0 && <div class="js-more">{words._n('%1 more entry', '%1 more entries', more)}</div>}
    </dl>
  );
}

function Lines({ lines, words }: { lines: LogEntry[]; words: Words }): JSX.Element {
  return (
    <ol class="js-lines" role="log" aria-live="off" aria-label={words.__('Newest log lines')}>
      {lines.map(entry => (
        <li key={entry.index} class={entry.level ? `js-level-${entry.level}` : ''} title={entry.message}>
          <time title={instant(Date.parse(entry.timestamp))}>{clock(Date.parse(entry.timestamp))}</time>
          <span>{entry.message}</span>
        </li>
      ))}
    </ol>
  );
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function useTail(client: Client, session: Session): LogEntry[] {
  const [tail, setTail] = useState<{ id: string; lines: LogEntry[] }>({ id: session.id, lines: [] });
  const readAt = useRef(0);
  useEffect(() => {
    let dropped = false;
    const wait = tail.id === session.id ? Math.max(0, readAt.current + REREAD_MS - Date.now()) : 0;
    const timer = setTimeout(() => {
      readAt.current = Date.now();
      client.tail(session, LINES).then(
        page => dropped || setTail({ id: session.id, lines: page.entries }),
        () => undefined // the lines that are shown stay; the band says why they are old
      );
    }, wait);
    return () => {
      dropped = true;
      clearTimeout(timer);
    };
  }, [client, session.id, session.log_count]);
  return tail.id === session.id ? tail.lines : [];
}
