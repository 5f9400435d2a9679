/** When a segment of the watch is over, and with which message: the bake's end, a hold, worse evidence. */

import type { Finding } from '../judge/verdict.ts';
import { isBlocking, isClean } from '../judge/verdict.ts';
import { formatElapsed } from '../plan/units.ts';
import { switchOf } from '../plan/switch.ts';
import type { OffSwitch, WatchCheckpoint, WatchInput, WatchMilestone } from './contract.ts';
import { everyOf, isBaking } from './watch-schedule.ts';

/** A step that asks for one fixed time may still be waiting for its samples then: nobody is asked before this much more. */
const graceMs = 60_000;

/** Data that stays away for less than this is waited for, however short the bake is. */
const gapMs = 300_000;

/** What a failing criterion with the consequence `rollback` says, be it its last word; nothing else may turn a rollout back. */
export function failing(input: WatchInput, findings: readonly Finding[], now: number): WatchMilestone | null {
  const isBack = (one: Finding) => one.do === 'rollback' || lastWord(input, one, now) === 'rollback';
  const finding = findings.find((one) => one.verdict === 'fail' && isBack(one));
  return finding === undefined ? null : { kind: 'fail', finding };
}

/** A criterion failed whose kill switch nobody has turned off yet. */
export function flipping(input: WatchInput, findings: readonly Finding[]): WatchMilestone | null {
  const wanted = findings.find(
    (one) => one.verdict === 'fail' && switchOf(one.do) !== null && offFor(input, one) === null,
  );
  return wanted === undefined ? null : { kind: 'flip', finding: wanted };
}

function offFor({ off = [] }: WatchInput, { do: then }: Finding): OffSwitch | null {
  return off.find(({ id }) => id === switchOf(then)) ?? null;
}

/** Its switch has been off for long enough, and it fails still or again; `null` before that. */
function lastWord(input: WatchInput, finding: Finding, now: number): OffSwitch['stillBad'] | null {
  const off = offFor(input, finding);
  return off?.rejudgeAt == null || finding.at < off.rejudgeAt || now < off.rejudgeAt ? null : off.stillBad;
}

/** What passed when the evidence was frozen and does not any more. One missing poll is not yet a change. */
export function worse(input: WatchInput, checkpoint: WatchCheckpoint): WatchMilestone | null {
  if (input.goal.kind !== 'keep' || isBaking(input, checkpoint)) return null;
  const { passing } = input.goal;
  const left = checkpoint.findings.filter(
    (finding) => passing.includes(finding.criterion) && hasLeftPass(finding, input, checkpoint),
  );
  const criteria = left.length === 0 ? [] : [`${left.map(({ criterion }) => criterion).join(', ')} left pass`];
  const because = [...criteria, ...failedSmoke(checkpoint)].join('; ');
  return because === '' ? null : { kind: 'worse', because };
}

/** In words, as long as the newest run of the scheduled smoke is a failed one. */
function failedSmoke({ scheduledSmoke: { last } }: WatchCheckpoint): readonly string[] {
  return last === null || last.passed ? [] : [`smoke ${last.suite} on ${last.aim} failed: ${last.sentence}`];
}

function hasLeftPass(finding: Finding, input: WatchInput, checkpoint: WatchCheckpoint): boolean {
  if (finding.idle === true) return false; // its hours are over
  if (finding.verdict !== 'no-data') return !isClean(finding);
  const lastAt = checkpoint.judge[finding.criterion]?.lastAt ?? null;
  return lastAt === null || finding.at - lastAt > 2 * everyOf(input);
}

/** A `hold` criterion failed: a person is asked. Not again while the clock is stopped already. */
export function heldByCriterion(input: WatchInput, { findings }: WatchCheckpoint, now: number): WatchMilestone | null {
  const isHold = (finding: Finding) => finding.do === 'hold' || lastWord(input, finding, now) === 'hold';
  const failed = findings.find((finding) => finding.verdict === 'fail' && isHold(finding));
  if (failed === undefined || input.clock === 'stopped') return null;
  return { kind: 'hold', reason: `criterion ${failed.criterion} failed: ${failed.sentence}` };
}

/**
 * The bake had its maximum of valid time without becoming clean, or data stayed away that long. A resumed bake gets a
 * whole maximum again.
 */
export function heldAtMaximum(input: WatchInput, checkpoint: WatchCheckpoint): WatchMilestone | null {
  const { stage, heldAt } = checkpoint;
  const step = stage.kind === 'step' ? input.steps[stage.index] : undefined;
  if (step === undefined || input.clock === 'stopped' || !isBaking(input, checkpoint)) return null;
  const validMs = checkpoint.validMs - (heldAt?.validMs ?? 0);
  const awayMs = checkpoint.elapsedMs - (heldAt?.elapsedMs ?? 0) - validMs;
  if (awayMs >= Math.max(step.bakeMaxMs, gapMs)) {
    return {
      kind: 'hold',
      reason: `no valid data for ${formatElapsed(awayMs)} of this bake: ${whatIsMissing(checkpoint)}`,
    };
  }
  const most = Math.max(step.bakeMaxMs, (heldAt === null ? step.bakeMinMs : 0) + graceMs);
  if (validMs < most) return null;
  return { kind: 'hold', reason: `not clean after ${formatElapsed(checkpoint.validMs)}: ${whatIsMissing(checkpoint)}` };
}

function whatIsMissing(checkpoint: WatchCheckpoint): string {
  const unclean = checkpoint.findings.filter((finding) => isBlocking(finding) && !isClean(finding));
  const missing = [
    ...unclean.map((finding) => `${finding.criterion}: ${finding.sentence}`),
    ...failedSmoke(checkpoint),
  ];
  if (missing.length === 0) return 'the target does not show the planned weight';
  return missing.join('; ').slice(0, 500);
}

/** Over and clean. The last look is at the target too: what was not read back is not claimed. */
export function over(input: WatchInput, checkpoint: WatchCheckpoint, isAsPlanned: boolean): WatchMilestone | null {
  const { stage, findings } = checkpoint;
  const isAllClean = isAsPlanned && findings.filter(isBlocking).every(isClean);
  if (input.clock === 'stopped' || !isAllClean || !isBaking(input, checkpoint)) return null;
  switch (stage.kind) {
    case 'deployed':
    case 'back':
      return null;
    case 'promoted':
      return checkpoint.validMs >= input.watchMs ? { kind: 'watched' } : null;
    case 'step': {
      const step = input.steps[stage.index];
      if (step === undefined || failedSmoke(checkpoint).length > 0) return null;
      return checkpoint.validMs >= step.bakeMinMs ? { kind: 'clean' } : null;
    }
  }
}
