import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ago, cost, count, duration, runningDuration, shortId } from '../src/core/format.js';

/** The thin space before a unit reads as an ordinary one here. */
const plain = (text: string) => text.replaceAll('\u2009', ' ');

test('a duration has three figures and the unit that fits', () => {
  const cases: [number | null, string][] = [
    [0, '0 ms'],
    [380, '380 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [1380, '1.38 s'],
    [9996, '10.0 s'],
    [34_900, '34.9 s'],
    [59_949, '59.9 s'],
    [59_960, '1 m 00 s'],
    [107_000, '1 m 47 s'],
    [242_000, '4 m 02 s'],
    [3_599_600, '1 h 00 m'],
    [8_040_000, '2 h 14 m'],
    [273_600_000, '3 d 04 h'],
    [-5, '0 ms'],
    [null, '–']
  ];
  for (const [ms, text] of cases) {
    assert.equal(plain(duration(ms)), text, String(ms));
  }
});

test('a running duration counts whole seconds', () => {
  assert.equal(plain(runningDuration(380)), '0 s');
  assert.equal(plain(runningDuration(8_900)), '8 s');
  assert.equal(plain(runningDuration(107_900)), '1 m 48 s');
});

test('ago is rough, and a date from the day before yesterday on', () => {
  const now = new Date(2026, 10, 21, 14, 0).getTime();
  const back = (days: number, hours: number, minutes: number) =>
    plain(ago(now - ((days * 24 + hours) * 60 + minutes) * 60_000, now, 'en'));
  assert.equal(back(0, 0, 0.5), 'now');
  assert.equal(back(0, 0, 2), '2 min ago');
  assert.equal(back(0, 1, 30), '1 h ago');
  assert.equal(back(0, 13, 0), '13 h ago');
  assert.equal(back(0, 15, 0), 'yesterday');
  assert.equal(back(9, 0, 0), '12 Nov');
  assert.equal(back(365, 0, 0), '21 Nov 2025');
  assert.equal(plain(ago(now + 5000, now)), 'now');
});

test('ago does not say yesterday of an hour before midnight', () => {
  const now = new Date(2026, 10, 21, 0, 30).getTime();
  assert.equal(plain(ago(now - 3_600_000, now)), '1 h ago');
});

test('counts shorten from a thousand on', () => {
  const cases: [number | null, string][] = [
    [0, '0'],
    [812, '812'],
    [999, '999'],
    [1000, '1.0k'],
    [3400, '3.4k'],
    [24_800, '24.8k'],
    [99_960, '100k'],
    [104_000, '104k'],
    [999_900, '1.0M'],
    [1_200_000, '1.2M'],
    [2.5e9, '2.5G'],
    [null, '–']
  ];
  for (const [value, text] of cases) {
    assert.equal(count(value), text, String(value));
  }
});

test('a cost shows what matters of it', () => {
  const cases: [number | null, string][] = [
    [0, '$0'],
    [0.0004, '<$0.001'],
    [0.029, '$0.029'],
    [0.0996, '$0.10'],
    [1.2, '$1.20'],
    [99.996, '$100'],
    [312, '$312'],
    [1234.5, '$1,235'],
    [null, '–']
  ];
  for (const [usd, text] of cases) {
    assert.equal(cost(usd), text, String(usd));
  }
});

test('a short id never cuts a character in half', () => {
  assert.equal(shortId('019aa2c4-77aa'), '019aa2c4');
  assert.equal(shortId('🙂🙂🙂🙂🙂🙂🙂🙂🙂'), '🙂🙂🙂🙂🙂🙂🙂🙂');
});
