// What several views need of the page: a repaint when the list changes, and one shared second hand.

import { useEffect, useState } from 'preact/hooks';

import type { SessionList, Snapshot } from '../core/sessions.js';

const PAINT_MS = 250;

/** The list's snapshot, taken over at most four times a second while news arrives. */
export function useSnapshot(list: SessionList): Snapshot {
  const [snapshot, setSnapshot] = useState(list.snapshot);
  useEffect(() => {
    let painted = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const paint = () => {
      timer = undefined;
      painted = Date.now();
      setSnapshot(list.snapshot);
    };
    const stop = list.onChange(() => {
      timer ??= setTimeout(paint, Math.max(0, painted + PAINT_MS - Date.now()));
    });
    paint();
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [list]);
  return snapshot;
}

/** The time, moving once a second while `running` and the page is in view. */
export function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (!running) {
      return;
    }
    const tick = () => {
      if (!document.hidden) {
        setNow(Date.now());
      }
    };
    const timer = setInterval(tick, 1000);
    document.addEventListener('visibilitychange', tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    };
  }, [running]);
  return now;
}
