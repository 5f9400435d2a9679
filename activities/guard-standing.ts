/** What the guardian makes of what it has seen: how long a run has stood still, and what is due about it. */

import type { Standstill } from '../plan/orphan.ts';
import { formatDuration } from '../plan/units.ts';
import type { RunFacts } from '../providers/ports.ts';
import type { GuardMemory, Reverted, Suspect } from './contract.ts';

/** When the guardian acts, ms. */
export interface GuardLimits {
  /** Between two looks. */
  readonly everyMs: number;
  /** After this time of standing still people are told. */
  readonly pageAfterMs: number;
  /** After this time a run whose release has traffic is ended and reverted. */
  readonly revertAfterMs: number;
}

/** A look that comes later than this after the one before was not one of an unbroken series. */
const shortestGapMs = 15_000;
/** Some tries at once, then ever more rarely, but never less than this. */
const longestPauseMs = 300_000;
/** Memory travels in heartbeats. */
const most = 200;

/** What is remembered at the beginning of a look. Time in which nobody looked counts for nothing: then all stood. */
export function wake(memory: GuardMemory | null, now: number, { everyMs }: GuardLimits): GuardMemory {
  const fresh = { summary: 'has not looked yet', lookedAt: now, lookingSince: now, suspects: [], reverts: [] };
  if (memory === null) return fresh;
  const away = now - memory.lookedAt;
  if (away <= Math.max(shortestGapMs, 4 * everyMs)) return memory;
  const suspects = memory.suspects.map((suspect) => ({ ...suspect, since: suspect.since + away }));
  return { ...memory, lookingSince: now, suspects };
}

/** The run as a suspect; `null` when it goes on. Another task than before is another matter. */
export function suspectOf(facts: RunFacts, memory: GuardMemory, now: number): Suspect | null {
  const { rollout, run, standstill } = facts;
  if (facts.ended || standstill === null) return null;
  const before = memory.suspects.find((known) => known.run === run && isSame(known.standstill, standstill));
  if (before !== undefined) return { ...before, standstill };
  const since = standstill.kind === 'untaken' ? Math.max(standstill.since, memory.lookingSince) : now;
  return { rollout, run, standstill, since, told: 'nothing' };
}

function isSame(before: Standstill, now: Standstill): boolean {
  if (before.kind === 'untaken' && now.kind === 'untaken') return before.since === now.since;
  return before.kind === now.kind;
}

export type Due = 'wait' | 'page' | 'revert';

export function dueOf({ since }: Suspect, now: number, { pageAfterMs, revertAfterMs }: GuardLimits): Due {
  const stoodMs = now - since;
  if (stoodMs >= revertAfterMs) return 'revert';
  return stoodMs >= pageAfterMs ? 'page' : 'wait';
}

/** Whether a rollout may be reverted now: a revert that fails at once is not started in a tight loop. */
export function mayRevert({ reverts }: GuardMemory, rollout: string, now: number, { everyMs }: GuardLimits): boolean {
  const before = reverts.find((known) => known.rollout === rollout);
  return before === undefined || now - before.at >= Math.min(everyMs * 2 ** before.times, longestPauseMs);
}

/** The same with one more revert of a rollout; those of more than a day ago are forgotten. */
export function withRevert(reverts: readonly Reverted[], rollout: string, now: number): readonly Reverted[] {
  const others = reverts.filter((known) => known.rollout !== rollout && now - known.at < 86_400_000);
  const before = reverts.find((known) => known.rollout === rollout);
  const times = Math.min(20, (before?.times ?? 0) + 1);
  return [...others, { rollout, times, at: now }].slice(-most);
}

/** At most so many, the longest standing first. */
export function bounded(suspects: readonly Suspect[]): readonly Suspect[] {
  return suspects.toSorted((a, b) => a.since - b.since).slice(0, most);
}

/** "its workflow task has failed for 10m (attempt 14): no such activity". */
export function wordsFor({ standstill, since }: Suspect, now: number): string {
  const lasted = formatDuration(Math.round((now - since) / 1_000) * 1_000);
  switch (standstill.kind) {
    case 'failing': {
      const why = standstill.why === '' ? '' : `: ${standstill.why.slice(0, 300)}`;
      return `its workflow task has been failing for ${lasted} (attempt ${String(standstill.attempts)})${why}`;
    }
    case 'untaken':
      return `no worker has taken its ${standstill.task} for ${lasted}: is the version of Sluice that it runs on gone?`;
  }
}
