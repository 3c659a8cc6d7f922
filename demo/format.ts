// SPDX-License-Identifier: MIT
//
// Numbers and times in plain English.

const locale = 'en-GB';
const dayMonth = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long' });
const dayMonthYear = new Intl.DateTimeFormat(locale, {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});
const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' });
const grouped = new Intl.NumberFormat(locale);

/** "today", "yesterday", "on 3 March", "on 3 March 2024"; fits after "You told me". */
export function dayInWords(time: Date, now: Date): string {
  const days = Math.round((midnight(now) - midnight(time)) / 86_400_000);
  if (days === 0) return 'today';
  if (days === 1) return 'yesterday';
  return `on ${(time.getFullYear() === now.getFullYear() ? dayMonth : dayMonthYear).format(time)}`;
}

/** "14:02", "yesterday, 14:02", "3 March 2024": short enough for a list. */
export function shortTime(time: Date, now: Date): string {
  const day = dayInWords(time, now);
  if (day === 'today') return `today, ${clock.format(time)}`;
  if (day === 'yesterday') return `yesterday, ${clock.format(time)}`;
  return day.slice('on '.length);
}

export const fullTime = (time: Date): string => full.format(time);

export const count = (value: number): string => grouped.format(value);

/** "1 memory", "5,000 memories". */
export const memoriesInWords = (value: number): string =>
  `${count(value)} ${value === 1 ? 'memory' : 'memories'}`;

/** "0.4 ms", "12 ms", "1.3 s". */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function midnight(time: Date): number {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
}
