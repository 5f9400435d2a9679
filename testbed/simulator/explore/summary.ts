/** What many lives came to, in a few lines. */

import type { Explored } from './exploration.ts';

export interface Run {
  readonly from: number;
  readonly processes: number;
  readonly seconds: number;
}

export function summaryOf(explored: Explored, { from, processes, seconds }: Run): string {
  const { lives, broken, outcomes, historyEvents, virtualHours, cpuMs } = explored;
  const ends = Object.entries(outcomes).toSorted(([, a], [, b]) => b - a);
  const seeds = `seeds ${String(from)} to ${String(from + lives - 1)}`;
  return [
    broken.length === 0
      ? `${count(lives)} lives kept every promise (${seeds})`
      : `${count(broken.length)} of ${count(lives)} lives broke a promise (${seeds})`,
    ...broken.slice(0, 20).map(({ seed, sentence }) => `  seed ${String(seed)}: ${sentence.split('\n')[0] ?? ''}`),
    `  they ended  ${ends.map(([outcome, times]) => `${outcome} ${count(times)}`).join(', ')}`,
    `  they took   ${count(virtualHours)} hours of theirs, ${count(historyEvents)} history events`,
    `  this took   ${seconds.toFixed(1)} s in ${String(processes)} processes, ${(cpuMs / lives).toFixed(1)} ms of CPU a life`,
  ].join('\n');
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en');
}
