// Numbers and times as every view writes them: three figures, a thin space before a unit, a real minus, and an en dash
// for what is unknown. Nothing here reads a clock.

const THIN = '\u2009';
export const UNKNOWN = '–';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `380 ms`, `1.38 s`, `1 m 47 s`, `2 h 14 m`, `3 d 04 h`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) {
    return UNKNOWN;
  }
  const value = Math.max(0, ms);
  if (Math.round(value) < SECOND) {
    return `${Math.round(value)}${THIN}ms`;
  }
  if (Number(threeFigures(value / SECOND)) < 60) {
    return `${threeFigures(value / SECOND)}${THIN}s`;
  }
  const seconds = Math.round(value / SECOND);
  if (seconds < HOUR / SECOND) {
    return two(seconds, 60, 'm', 's');
  }
  if (seconds < DAY / SECOND) {
    return two(Math.floor(seconds / 60), 60, 'h', 'm');
  }
  return two(Math.floor(seconds / 3600), 24, 'd', 'h');
}

/** A running duration counts in whole seconds: fractions would only flicker. */
export function runningDuration(ms: number): string {
  return ms >= MINUTE ? duration(ms) : `${Math.floor(Math.max(0, ms) / SECOND)}${THIN}s`;
}

/** `now`, `2 min ago`, `1 h ago`, `yesterday`, `12 Nov`. */
export function ago(then: number, now: number, locale?: string): string {
  const gone = now - then;
  if (gone < MINUTE) {
    return 'now';
  }
  if (gone < HOUR) {
    return `${Math.floor(gone / MINUTE)}${THIN}min ago`;
  }
  const days = Math.round((startOfDay(now) - startOfDay(then)) / DAY);
  if (days === 0 || gone < 6 * HOUR) {
    return `${Math.floor(gone / HOUR)}${THIN}h ago`;
  }
  if (days === 1) {
    return 'yesterday';
  }
  const date = new Date(then);
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  const month = new Intl.DateTimeFormat(locale, { month: 'short' }).format(date);
  return `${date.getDate()} ${month}${sameYear ? '' : ` ${date.getFullYear()}`}`;
}

/** Local time to the second, `14:03:54`. */
export function clock(time: number): string {
  const date = new Date(time);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(n => String(n).padStart(2, '0')).join(':');
}

/** For tooltips: local date, time and zone, and the same instant in UTC. */
export function instant(time: number): string {
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' }).format(time);
  return `${local}\n${new Date(time).toISOString()}`;
}

/** `812`, `3.4k`, `104k`, `1.2M`. */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) {
    return UNKNOWN;
  }
  for (const [unit, size] of [
    ['', 1],
    ['k', 1e3],
    ['M', 1e6]
  ] as const) {
    const scaled = value / size;
    const text = size === 1 ? String(Math.round(scaled)) : scaled < 99.95 ? scaled.toFixed(1) : scaled.toFixed(0);
    if (Number(text) < 1000) {
      return text + unit;
    }
  }
  return `${(value / 1e9).toFixed(1)}G`;
}

/** With separators, for tooltips and wide tables. */
export function exact(value: number): string {
  return new Intl.NumberFormat('en-US').format(value);
}

/** `$0`, `<$0.001`, `$0.029`, `$1.20`, `$312`. */
export function cost(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) {
    return UNKNOWN;
  }
  if (usd === 0) {
    return '$0';
  }
  if (usd < 0.001) {
    return '<$0.001';
  }
  if (usd < 0.0995) {
    return `$${usd.toFixed(3)}`;
  }
  return usd < 99.995 ? `$${usd.toFixed(2)}` : `$${exact(Math.round(usd))}`;
}

/** Ids show eight characters; whoever wants the whole copies it. */
export function shortId(id: string): string {
  return [...id].slice(0, 8).join('');
}

function threeFigures(value: number): string {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

function two(total: number, base: number, large: string, small: string): string {
  const rest = String(total % base).padStart(2, '0');
  return `${Math.floor(total / base)}${THIN}${large} ${rest}${THIN}${small}`;
}

function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}
