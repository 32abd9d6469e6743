// Keyboard focus in a list of rows that come, go and change their group while the reader walks through them.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { GroupRows } from './groups.js';

/** One tab stop for all rows; the arrows walk, across groups too, and focus stays with a session that changes its group. */
export function useRovingFocus(root: { current: HTMLElement | null }, groups: GroupRows[]) {
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
