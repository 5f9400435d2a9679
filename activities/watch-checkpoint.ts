/** The watch's memory: how it begins, enters a stage, moves its clocks on, survives a crash, and stays under 8 KB. */

import type { Finding } from '../judge/verdict.ts';
import { isBlocking } from '../judge/verdict.ts';
import type { Stage } from '../plan/target.ts';
import type { Observed, ScheduledSmokeState, Trouble, WatchCheckpoint, WatchInput } from './contract.ts';

/** Bytes of JSON; the contract says 8 KB, the rest is room for the envelope. */
const mostBytes = 8_000;

const unobserved: Observed = {
  requestedBp: 0,
  acceptedBp: null,
  share: null,
  canaryRequests: null,
  totalRequests: null,
  countedTo: null,
};

const noSmokeYet: ScheduledSmokeState = { runs: 0, failuresInARow: 0, last: null };

/** A stage as it stands on the target. */
export interface StageSeen {
  readonly stage: Stage;
  /** When it was written there, epoch ms. */
  readonly since: number;
  readonly plannedBp: number;
}

/** Before anything is known: nothing is armed until the target was read. */
export function firstCheckpoint(input: WatchInput, now: number): WatchCheckpoint {
  return {
    summary: 'the watch begins',
    stage: firstStage(input),
    stageSince: now,
    validMs: 0,
    elapsedMs: 0,
    lastPollAt: null,
    judge: {},
    findings: [],
    observed: unobserved,
    scheduledSmoke: noSmokeYet,
    fence: 0,
    troubles: [],
    heldAt: null,
  };
}

function firstStage({ goal }: WatchInput): Stage {
  switch (goal.kind) {
    case 'keep':
      return goal.stage;
    case 'zero':
      return { kind: 'back' };
    case 'bake':
      return { kind: 'deployed' };
  }
}

/** The stage on the target; a new one begins with clocks at zero, its memory of breaches and baselines goes on. */
export function enter(checkpoint: WatchCheckpoint, seen: StageSeen): WatchCheckpoint {
  if (isSameStage(checkpoint.stage, seen.stage) && checkpoint.stageSince === seen.since) return checkpoint;
  return {
    ...checkpoint,
    stage: seen.stage,
    stageSince: seen.since,
    validMs: 0,
    elapsedMs: 0,
    // A write may be long under way: a poll that still saw the stage before says that this one had not begun.
    lastPollAt: checkpoint.lastPollAt !== null && checkpoint.lastPollAt > seen.since ? checkpoint.lastPollAt : null,
    findings: [],
    observed: { ...unobserved, requestedBp: seen.plannedBp },
    scheduledSmoke: noSmokeYet,
    heldAt: null,
  };
}

export function isSameStage(a: Stage, b: Stage): boolean {
  return a.kind === b.kind && (a.kind !== 'step' || b.kind !== 'step' || a.index === b.index);
}

/** Whether users meet the release in this stage, so that criteria are judged. */
export function isExposed(stage: Stage): boolean {
  return stage.kind === 'step' || stage.kind === 'promoted';
}

/** From when on the next poll's time counts. */
export function countedFrom(checkpoint: WatchCheckpoint): number {
  return checkpoint.lastPollAt ?? checkpoint.stageSince;
}

/** What one poll came to, for the clocks. */
export interface Moment {
  readonly at: number;
  /** Time between polls now; a longer break than twice this is no valid time. */
  readonly everyMs: number;
  readonly clock: WatchInput['clock'];
  readonly findings: readonly Finding[];
  readonly troubles: readonly Trouble[];
}

/** Valid time passes only between two polls that both had data, with none missing in between. */
export function advance(checkpoint: WatchCheckpoint, moment: Moment): WatchCheckpoint {
  const passed = Math.max(0, moment.at - countedFrom(checkpoint));
  const { findings, troubles } = moment;
  const isRunning = moment.clock === 'running';
  const isWhole = passed <= 2 * moment.everyMs && hasData(checkpoint) && hasData(moment);
  return {
    ...checkpoint,
    elapsedMs: checkpoint.elapsedMs + (isRunning ? passed : 0),
    validMs: checkpoint.validMs + (isRunning && isWhole ? passed : 0),
    lastPollAt: Math.max(moment.at, countedFrom(checkpoint)),
    findings,
    troubles,
  };
}

/** The planned weight was in force, the release served, and every criterion that may block had something to say. */
export function hasData({ findings, troubles }: Pick<WatchCheckpoint, 'findings' | 'troubles'>): boolean {
  const isDisturbed = troubles.some(({ key }) => /^(weight|claim|release):/.test(key));
  return !isDisturbed && findings.filter(isBlocking).every((finding) => finding.verdict !== 'no-data');
}

/** The later of what the workflow knows and what the last attempt left behind in its heartbeats. */
export function latest(known: WatchCheckpoint | null, left: unknown): WatchCheckpoint | null {
  if (!isCheckpoint(left)) return known;
  const time = (checkpoint: WatchCheckpoint) => checkpoint.lastPollAt ?? checkpoint.stageSince;
  return known === null || time(left) > time(known) ? left : known;
}

/** Heartbeats of this very activity; only the form of another version has to be told apart. */
function isCheckpoint(value: unknown): value is WatchCheckpoint {
  if (typeof value !== 'object' || value === null) return false;
  const needed = ['stage', 'stageSince', 'validMs', 'elapsedMs', 'judge', 'findings', 'observed', 'troubles', 'fence'];
  return needed.every((key) => key in value);
}

/** Shortens sentences, those of clean criteria first, until the JSON is small enough to travel in every heartbeat. */
export function fitted(checkpoint: WatchCheckpoint): WatchCheckpoint {
  let small = checkpoint;
  for (const [longest, alsoBad] of [
    [100, false],
    [40, false],
    [100, true],
    [40, true],
    [0, true],
  ] as const) {
    if (Buffer.byteLength(JSON.stringify(small)) <= mostBytes) return small;
    const findings = checkpoint.findings.map((finding) => shortened(finding, longest, alsoBad));
    small = { ...checkpoint, findings };
  }
  return small;
}

function shortened(finding: Finding, longest: number, alsoBad: boolean): Finding {
  const isBad = finding.breached || finding.verdict === 'fail';
  if (finding.sentence.length <= longest || (isBad && !alsoBad)) return finding;
  return { ...finding, sentence: longest === 0 ? '' : `${finding.sentence.slice(0, longest - 1)}…` };
}
