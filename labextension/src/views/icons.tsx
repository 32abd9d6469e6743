// The glyphs drawn for this project, 16 px, in the colour of the text around them. What they cut out of a filled shape
// is painted in the surface's own colour, so they sit on any background that sets `--js-bg`.

import type { ComponentChildren, JSX } from 'preact';

function Glyph({ size = 16, children }: { size?: number; children: ComponentChildren }): JSX.Element {
  return (
    <svg class="js-glyph" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const line = {
  fill: 'none',
  stroke: 'currentColor',
  'stroke-width': '1.4',
  'stroke-linecap': 'round',
  'stroke-linejoin': 'round'
} as const;
export const cut = { ...line, stroke: 'var(--js-bg)', 'stroke-width': '1.5' } as const;

export { Glyph, line };

export const CaretDown = () => (
  <Glyph size={12}>
    <path d="M4.2 6 8 10l3.8-4z" fill="currentColor" />
  </Glyph>
);

export const CaretRight = () => (
  <Glyph size={12}>
    <path d="M6 4.2 10 8l-4 3.8z" fill="currentColor" />
  </Glyph>
);

export const Close = () => (
  <Glyph size={14}>
    <path d="m4 4 8 8M12 4l-8 8" {...line} />
  </Glyph>
);

export const Copy = () => (
  <Glyph size={12}>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1" {...line} />
    <path d="M3 10.5V3a.6.6 0 0 1 .6-.5h7" {...line} />
  </Glyph>
);

export const ErrorMark = () => (
  <Glyph size={12}>
    <path d="M8 2.2 14.2 13H1.8z" fill="currentColor" />
    <path d="M8 6v3.4M8 10.6v1.2" stroke="var(--js-bg)" stroke-width="1.5" />
  </Glyph>
);

export const Offline = () => (
  <Glyph size={14}>
    <path d="M3 6.4a7.6 7.6 0 0 1 10 0M5 9a4.6 4.6 0 0 1 6 0M8 12h.01M2.6 2.6l10.8 10.8" {...line} />
  </Glyph>
);

export const Refresh = () => (
  <Glyph size={14}>
    <path d="M12.6 8a4.6 4.6 0 1 1-1.4-3.3M11.4 2.2v2.8H8.6" {...line} />
  </Glyph>
);

export const Search = () => (
  <Glyph size={16}>
    <circle cx="7" cy="7" r="4" {...line} />
    <path d="m10 10 3.4 3.4" {...line} />
  </Glyph>
);
