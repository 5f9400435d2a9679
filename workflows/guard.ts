/** The one unbroken watch: starts before the first weight above zero, and hands every milestone to the story. */

import { CancellationScope, isCancellation, log, patched, sleep } from '@temporalio/workflow';
import { ActivityFailure } from '@temporalio/common';
import type { Stage } from '../plan/target.ts';
import { formatBp } from '../plan/units.ts';
import { type Finding, isClean } from '../judge/verdict.ts';
import type { WatchCheckpoint, WatchInput, WatchReport } from '../activities/contract.ts';
import { onDrift, plannedBp } from './drift.ts';
import { flipByRule, offSwitches } from './flip.ts';
import { evidenceTurnedWorse } from './gate.ts';
import { lastBeat } from './last-beat.ts';
import { watching } from './proxies.ts';
import { holdBehind, isBehind } from './returned.ts';
import type { Run } from './run.ts';

const hour = 3_600_000;
/** So that no defect of the watch can make it spin. */
const betweenBrokenSegmentsMs = 1_000;

/** Runs until the rollout turns back or has been watched to its end; a stopped segment is started anew. */
export async function watch(run: Run): Promise<void> {
  await inSegments(
    run,
    () => !isOver(run),
    () => watchInput(run),
    (report, input) => {
      run.state.checkpoint = setClock(run, report.checkpoint);
      rememberSmoke(run, report.checkpoint);
      if (isOutdated(run, report, input)) return;
      if (report.kind === 'stopped' && input.clock === 'running') takeBackPausedTime(run);
      onReport(run, report);
    },
  );
}

/** Clean by a plan that was edited meanwhile says nothing about the plan of now. */
function isOutdated({ plan }: Run, { kind }: WatchReport, { steps }: WatchInput): boolean {
  return steps !== plan.steps && (kind === 'clean' || kind === 'watched');
}

/** One activity after the other, as long as it is wanted; every report is handled before the next segment begins. */
export async function inSegments(
  run: Run,
  isWanted: () => boolean,
  inputFor: () => WatchInput,
  onReport: (report: WatchReport, input: WatchInput) => void | Promise<void>,
): Promise<void> {
  const activities = watching();
  while (isWanted()) {
    const input = inputFor();
    const summary = `watch ${run.plan.release.label}: ${input.goal.kind} at ${formatBp(run.state.requestedBp)}`;
    run.watchScope = new CancellationScope({ cancellable: true });
    const report = await run.watchScope
      .run(() => activities.watch.executeWithOptions({ summary }, [input]))
      .catch(noReport);
    if (report !== null) await onReport(report, input);
    else if (isWanted()) await sleep(betweenBrokenSegmentsMs, { summary: 'watch again' });
  }
}

/** Stopped before it began, or its worker died while it was being stopped: the next segment goes on from what is known. */
function noReport(error: unknown): WatchReport | null {
  if (!isCancellation(error) && !(error instanceof ActivityFailure)) throw error;
  const last = lastBeat(error);
  if (last !== null) return last;
  log.info('a segment of the watch ended without a report', { error: String(error) });
  return null;
}

/** Stops the watch and waits for its last checkpoint, so that a new run takes it up where it was. */
export async function stopWatch(run: Run): Promise<void> {
  run.leaving = true;
  run.restartWatch();
  await run.watch;
  await run.puttingBack;
  run.watch = null;
  run.leaving = false;
}

function isOver(run: Run): boolean {
  return run.leaving || run.state.turn !== null || run.state.watched || run.state.outcome !== null;
}

/** What every segment is told; its goal and clock follow from the state. */
export function watchInput(run: Run): WatchInput {
  const { state, plan } = run;
  if (state.stable === null) throw new Error('a watch before the stable release is known');
  const scheduled = plan.watch.smoke;
  const suite = scheduled === null ? undefined : plan.suites[scheduled.run.suite];
  return {
    target: plan.target,
    order: { rollout: run.rollout, run: run.chain, fence: state.fence, stable: state.stable, canary: plan.release },
    metrics: plan.metrics,
    criteria: plan.criteria,
    steps: plan.steps,
    watchMs: plan.watch.forMs,
    scheduled: scheduled === null || suite === undefined ? null : { smoke: scheduled, suite },
    goal: state.bake === 'clean' ? { kind: 'keep', stage: state.stage, passing: passing(run) } : { kind: 'bake' },
    clock: isStopped(run) ? 'stopped' : 'running',
    checkpoint: state.checkpoint,
    segmentMs: hour,
    ...toldStage(run),
    ...offSwitches(run),
  };
}

/** What a target that stores no claim cannot say itself. */
function toldStage(run: Run): Pick<WatchInput, 'told'> {
  if (run.plan.capabilities.unclaimed !== true) return {};
  const { stage, stageSince } = run.state;
  return { told: { stage, since: stageSince, plannedBp: plannedBp(run) } };
}

function isStopped(run: Run): boolean {
  const { paused, held, frozen } = run.state;
  return paused !== null || held !== null || frozen !== null;
}

function passing(run: Run): string[] {
  return (run.state.checkpoint?.findings ?? []).filter(isClean).map((finding) => finding.criterion);
}

function onReport(run: Run, report: WatchReport): void {
  const isGoingBack = ['fail', 'smoke', 'fenced'].includes(report.kind);
  if (!isGoingBack && isBehind(run, report) && patched('behind')) {
    holdBehind(run, report);
    return;
  }
  switch (report.kind) {
    case 'clean':
      onClean(run, report.checkpoint);
      break;
    case 'watched':
      Object.assign(run.state, { bake: 'clean', watched: true });
      run.note('watched', `watched to its end: ${report.checkpoint.summary}`);
      break;
    case 'fail': {
      const { criterion } = report.finding;
      const sentence = causeOf(run, report.finding);
      run.note('verdict', sentence);
      run.turnBack({ kind: 'verdict', criterion, sentence });
      break;
    }
    case 'flip':
      flipByRule(run, report.finding);
      break;
    case 'smoke':
      run.turnBack({ kind: 'smoke', suite: run.plan.watch.smoke?.run.suite ?? 'watch', sentence: report.sentence });
      break;
    case 'fenced':
      run.turnBack({ kind: 'fenced', sentence: report.sentence });
      break;
    case 'worse':
      onWorse(run, report.checkpoint.stage, report.because);
      break;
    case 'hold':
      holdForPerson(run, 'bake', report.reason);
      break;
    case 'way-back':
      holdForPerson(run, 'way-back', wayBackInWords(report));
      break;
    case 'unready': {
      const during = `serving ${formatBp(run.state.acceptedBp ?? run.state.requestedBp)}`;
      run.turnBack({ kind: 'failed', during, sentence: report.sentence });
      break;
    }
    case 'blind':
      tellBlindness(run, report.sentence, report.checkpoint.lastPollAt ?? 0);
      break;
    case 'drift':
      onDrift(run, report);
      break;
    case 'stopped':
    case 'segment-end':
      break;
  }
}

/** A person asked for more soak or for the bake anew: the clock of the stage is set, whatever the watch had counted. */
function setClock(run: Run, checkpoint: WatchCheckpoint): WatchCheckpoint {
  const { clockTo } = run.state;
  if (clockTo === null) return checkpoint;
  run.state.clockTo = null;
  return { ...checkpoint, validMs: clockTo, elapsedMs: clockTo, heldAt: null };
}

/** A report about a stage that is not the present one says nothing about the present one. */
function onClean(run: Run, checkpoint: WatchCheckpoint): void {
  if (!isPresent(run, checkpoint.stage)) return;
  if (isStopped(run)) {
    takeBackPausedTime(run);
    return;
  }
  run.state.bake = 'clean';
  rememberWeights(run);
  run.note('bake-clean', `clean at ${formatBp(run.state.requestedBp)}: ${checkpoint.summary}`);
}

/** Who looks at the release's own traffic alone would not find a cause that no query of a release shows. */
function causeOf({ plan }: Run, { criterion, sentence }: Finding): string {
  const found = plan.criteria.find(({ id }) => id === criterion);
  const isTraffic = found === undefined || !('query' in found) || /\{\{(?:track|release)\}\}/.test(found.query);
  return isTraffic ? sentence : `${sentence} (a non-traffic cause: its query asks about neither release)`;
}

function wayBackInWords({ sentence, changed }: Extract<WatchReport, { kind: 'way-back' }>): string {
  return changed === true ? sentence : `the way back is not open: ${sentence}`;
}

/** Missing data is neither good nor bad: the clock stands, and somebody has to come and see why. */
function tellBlindness(run: Run, sentence: string, at: number): void {
  const text = `nothing could be judged for five minutes: ${sentence}; the bake clock stands meanwhile`;
  run.note('warning', text);
  void run.announce('P0', `blind-${String(at)}`, `${run.plan.title} cannot be judged`, text);
}

function onWorse(run: Run, stage: Stage, because: string): void {
  if (!isPresent(run, stage)) return;
  run.state.bake = 'baking';
  evidenceTurnedWorse(run, because);
}

/** What the scheduled smoke said last is evidence like the smoke of a step. */
function rememberSmoke(run: Run, { scheduledSmoke: { last } }: WatchCheckpoint): void {
  if (last !== null) run.rememberSmoke(last);
}

function isPresent(run: Run, stage: Stage): boolean {
  return JSON.stringify(stage) === JSON.stringify(run.state.stage);
}

function rememberWeights(run: Run): void {
  const { state } = run;
  const observed = state.checkpoint?.observed;
  if (state.stage.kind !== 'step' || observed === undefined) return;
  state.stepWeights[state.stage.index] = {
    requestedBp: state.requestedBp,
    acceptedBp: state.acceptedBp,
    observedShare: observed.share,
    observedRequests: observed.canaryRequests,
  };
}

function holdForPerson(run: Run, kind: 'bake' | 'way-back', reason: string): void {
  const rule = run.plan.steps[run.state.step]?.hold ?? { forMs: 24 * hour, then: 'hold' as const };
  const until = kind === 'bake' && rule.then === 'rollback' ? Date.now() + rule.forMs : null;
  run.hold({
    kind,
    by: 'rule',
    reason,
    since: Date.now(),
    until,
    then: until === null ? 'keep holding' : 'roll back',
    fence: null,
  });
}

/** Bake time that passed between the pause and the moment the watch heard of it does not count. */
function takeBackPausedTime(run: Run): void {
  const { checkpoint, paused, held, frozen } = run.state;
  const stop = paused ?? held ?? frozen;
  if (stop === null || checkpoint?.lastPollAt === null || checkpoint === null) return;
  const excess = Math.max(0, checkpoint.lastPollAt - stop.since);
  run.state.checkpoint = {
    ...checkpoint,
    validMs: Math.max(0, checkpoint.validMs - excess),
    elapsedMs: Math.max(0, checkpoint.elapsedMs - excess),
  };
}
