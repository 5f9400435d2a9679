/** The verbs of the story: what happens to a release between preflight and its retirement. */

import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { ActivityFailure } from '@temporalio/common';
import type { StepPlan } from '../plan/plan.ts';
import type { SmokeRun } from '../plan/smoke.ts';
import { nameOf } from '../plan/release.ts';
import type { Liveness, Stage } from '../plan/target.ts';
import { formatBp } from '../plan/units.ts';
import type { Effect, PreflightReport } from '../activities/contract.ts';
import { guarded, sentenceOf } from './effects.ts';
import { gates } from './gate.ts';
import { evidenceTurnedWorse } from './gate.ts';
import { checking, deploying, moving, promotingByPeople, reverting, untilFenced } from './proxies.ts';
import type { Run } from './run.ts';
import { watch } from './guard.ts';
import { holdReturned } from './returned.ts';

/** Everything is looked at before anything is touched; all problems at once, and any problem refuses. */
export async function prepare(run: Run): Promise<void> {
  const { plan, planDigest, rollout, chain, requester, state } = run;
  const summary = `check ${plan.target.kind} ${plan.target.connection}, metrics, people`;
  const input = { plan, planDigest, rollout, run: chain, requester };
  const report = await checking.preflight.executeWithOptions({ summary }, [input]).catch(unfinished);
  state.warnings = report.warnings.map((note) => note.message);
  state.problems = report.problems.map((note) => note.message);
  state.notifies = report.notifies;
  state.archives = report.archives ?? false;
  state.stable = report.stable;
  state.fence = report.fence;
  for (const warning of state.warnings) run.note('warning', warning);
  if (report.returned === undefined) return;
  holdReturned(run, report.returned);
  startWatch(run);
}

/** A check that fails for good, or is never finished, refuses like one that found a problem. */
function unfinished(error: unknown): PreflightReport {
  if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
  const message =
    `the checks before the start could not be finished: ${sentenceOf(error)}. Nothing was touched: ` +
    'see what `sluice doctor` says of the connections, look into the log of the worker, and start again';
  const problems = [{ code: 'preflight.unfinished', message }];
  return { problems, warnings: [], stable: null, fence: 0, identity: 'trust', notifies: false };
}

/** The release starts where no user reaches it; from here on somebody could give it traffic, so the watch begins. */
export async function deploy(run: Run): Promise<void> {
  run.enter('deploying');
  await run.free();
  run.state.claimed = true;
  const summary = `start ${nameOf(run.plan.release)} at 0 %`;
  await guarded(run, (effect) => deploying.deploy.executeWithOptions({ summary }, [effect]));
  run.note('deployed', `${nameOf(run.plan.release)} is ready at 0 %`);
  startWatch(run);
}

/** A release receives more traffic only when it has ready capacity for it. */
export async function capacity(run: Run, index: number, step: StepPlan): Promise<void> {
  if (!run.plan.capabilities.scales) return;
  run.enter('shifting');
  await run.free();
  const summary = `wait for capacity for ${formatBp(step.weightBp)}`;
  const stage: Stage = { kind: 'step', index };
  await guarded(run, (effect) =>
    deploying.ensureCapacity.executeWithOptions({ summary }, [{ ...effect, canaryBp: step.weightBp, stage }]),
  );
}

/** Sets the absolute weight of a step. */
export async function shift(run: Run, index: number, step: StepPlan): Promise<void> {
  const { state } = run;
  await run.until(() => state.bake === 'clean');
  await run.free();
  run.enter('shifting');
  state.exposed = true;
  const stage: Stage = { kind: 'step', index };
  const summary = `set ${formatBp(step.weightBp)} for ${run.plan.release.label}`;
  Object.assign(state, { step: index, requestedBp: step.weightBp });
  const set = (effect: Effect) =>
    moving.shift.executeWithOptions({ summary }, [{ ...effect, canaryBp: step.weightBp, stage }]);
  // Who agreed to the step did not know that somebody would interfere before it was taken.
  const askAnew = async () => {
    await gates(run, { kind: 'step', index });
    run.enter('shifting');
  };
  const shifted = await guarded(run, set, askAnew);
  if (run.isTurning()) return;
  run.stand(stage);
  Object.assign(state, { bake: 'baking', acceptedBp: shifted.acceptedBp });
  run.note('shifted', `${formatBp(step.weightBp)} asked for, ${formatBp(shifted.acceptedBp)} accepted`);
  evidenceTurnedWorse(run, `${formatBp(shifted.acceptedBp)} have the release now`);
}

/** Reads the weight back until the data plane serves it. */
export async function confirm(run: Run, index: number, step: StepPlan): Promise<void> {
  const stage: Stage = { kind: 'step', index };
  const summary = `confirm ${formatBp(step.weightBp)}`;
  const input = { ...run.sameEffect(), canaryBp: step.weightBp, stage };
  const liveness: Liveness = await moving.confirm.executeWithOptions({ summary }, [input]);
  if (liveness.kind === 'live') {
    run.note('confirmed', `${formatBp(step.weightBp)} is live`);
    return;
  }
  run.turnBack({ kind: 'failed', during: `confirming ${formatBp(step.weightBp)}`, sentence: liveness.reason });
}

/** Every suite of a step; the first that fails turns the rollout back. */
export async function smoke(run: Run, runs: readonly SmokeRun[]): Promise<void> {
  for (const suite of runs) {
    const report = await runSuite(run, suite);
    if (!report.passed) {
      run.turnBack({ kind: 'smoke', suite: report.suite, sentence: report.sentence });
      return;
    }
  }
}

/** One suite, recorded; the caller decides what a failure means. */
export async function runSuite(
  run: Run,
  { suite, aim }: SmokeRun,
): Promise<{ suite: string; passed: boolean; sentence: string }> {
  const definition = run.plan.suites[suite];
  if (definition === undefined) throw new Error(`the plan has no smoke suite ${suite}`);
  const summary = `smoke ${suite} on ${aim}`;
  const input = { ...run.sameEffect(), suiteName: suite, suite: definition, aim };
  const report = await moving.smoke.executeWithOptions({ summary }, [input]);
  const { passed, sentence, at } = report;
  run.rememberSmoke({ suite, aim, passed, sentence, at });
  run.note('smoke', `smoke ${suite} on ${aim} ${passed ? 'passed' : 'failed'}: ${sentence}`);
  return report;
}

/** Time under watch: over when the watch says clean. */
export async function bake(run: Run): Promise<void> {
  run.enter('baking');
  await run.until(() => run.state.bake === 'clean' && run.state.held === null);
}

/** The release becomes stable by the target's own means. */
export async function promote(run: Run): Promise<void> {
  await run.until(() => run.state.bake === 'clean');
  await run.free();
  run.enter('promoting');
  const summary = `make ${nameOf(run.plan.release)} stable`;
  const { promotedByPeople } = run.plan.capabilities;
  if (promotedByPeople === true) askToPromote(run);
  const calls = promotedByPeople === true ? promotingByPeople : deploying;
  await guarded(run, (effect) => calls.promote.executeWithOptions({ summary }, [effect]));
  if (run.isTurning()) return;
  run.stand({ kind: 'promoted' });
  run.state.bake = 'baking';
  evidenceTurnedWorse(run, 'the release is promoted now');
  run.note('promoted', `${nameOf(run.plan.release)} is stable; the old release stays warm`);
}

/** Their task; the release has all traffic meanwhile, under watch. */
function askToPromote(run: Run): void {
  const { title, release, target } = run.plan;
  const text = `give ${target.route} the image ${release.image}@${release.digest} where it is owned (Git); the rollout goes on by itself then`;
  void run.announce('P1', 'promote-by-people', `${title}: ${release.label} waits to be made stable`, text);
}

/** The old release is still warm: until the watch is over the rollout can go back by itself. */
export async function watchOn(run: Run): Promise<void> {
  run.enter('watching');
  await run.until(() => run.state.watched);
}

/** What no longer serves is removed, and the claim is given back. */
export async function retire(run: Run): Promise<void> {
  const { stable } = run.state;
  if (stable === null) throw new Error('retire before the stable release is known');
  await run.free();
  run.enter('retiring');
  const summary = `retire ${nameOf(stable)}`;
  // After the watch there is nothing to go back for: a host that does not answer is asked again without limit.
  const options = { summary, retry: untilFenced, startToCloseTimeout: retireWithin(run) };
  await guarded(run, (effect) => reverting.retire.executeWithOptions(options, [{ ...effect, loser: stable }]));
  run.note('retired', `${nameOf(stable)} is retired`);
}

/** Retiring waits for the drain, then for the host, ms. */
export function retireWithin(run: Run): number {
  return run.plan.target.drainMs + 120_000;
}

/** Once; it outlives a step back, and ends only with the rollout. */
export function startWatch(run: Run): void {
  run.watch ??= CancellationScope.nonCancellable(() => watch(run));
}
