// The nine statuses: each has a shape, a colour and a word. A filled disc means that somebody decided or must decide; a
// ring means that there is nothing to do. The colours live in the style sheet, by the class `js-status-<status>`.

import type { JSX } from 'preact';

import type { Status } from '../core/model.js';
import type { Words } from '../core/words.js';
import { Glyph, cut, line } from './icons.js';

const ring = { cx: 8, cy: 8, r: 4.8, ...line, 'stroke-width': '1.5', 'stroke-linecap': 'butt' } as const;
const disc = <circle cx="8" cy="8" r="5.4" fill="currentColor" />;

const SHAPES: Record<Status, () => JSX.Element> = {
  active: () => (
    <>
      <circle {...ring} stroke-width="1.6" stroke-dasharray="22 8.2" stroke-linecap="round" />
      <circle cx="8" cy="8" r="2" fill="currentColor" />
    </>
  ),
  idle: () => (
    <>
      <circle {...ring} />
      <path d="M6.8 6.2v3.6M9.2 6.2v3.6" {...line} stroke-width="1.3" stroke-linecap="butt" />
    </>
  ),
  escalated: () => (
    <>
      {disc}
      <path d="M8 11.2V5.2M5.6 7.4 8 5l2.4 2.4" {...cut} />
    </>
  ),
  completed: () => (
    <>
      {disc}
      <path d="m5.4 8.2 1.8 1.8 3.4-3.8" {...cut} />
    </>
  ),
  failed: () => (
    <>
      {disc}
      <path d="m6 6 4 4M10 6l-4 4" {...cut} />
    </>
  ),
  abandoned: () => <circle {...ring} stroke-dasharray="2.4 2.6" />,
  expired: () => (
    <>
      <circle {...ring} />
      <path d="M8 5.2v3l1.8 1.2" {...line} />
    </>
  ),
  ended: () => (
    <>
      <circle {...ring} />
      <rect x="6.2" y="6.2" width="3.6" height="3.6" fill="currentColor" />
    </>
  ),
  archived: () => <path d="M3 4h10v2.4H3zM4 6.4h8V13H4zM6.6 8.6h2.8" {...line} />
};

export function StatusGlyph({ status }: { status: Status }): JSX.Element {
  const Shape = SHAPES[status] ?? SHAPES.ended;
  return (
    <span class={`js-status js-status-${status}`}>
      <Glyph size={14}>
        <Shape />
      </Glyph>
    </span>
  );
}

export function statusWord(status: Status, words: Words): string {
  // Each word stands in a call of its own, where the translation tools find it.
  const table: Record<Status, string> = {
    active: words.__('Active'),
    idle: words.__('Idle'),
    escalated: words.__('Escalated'),
    completed: words.__('Completed'),
    failed: words.__('Failed'),
    abandoned: words.__('Abandoned'),
    expired: words.__('Expired'),
    ended: words.__('Ended'),
    archived: words.__('Archived')
  };
  return table[status] ?? status;
}

export function StatusLabel({ status, words }: { status: Status; words: Words }): JSX.Element {
  return (
    <span class={`js-statusLabel js-status-${status}`}>
      <StatusGlyph status={status} />
      {statusWord(status, words)}
    </span>
  );
}
