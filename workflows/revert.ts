/** Going back: zero first and confirmed, then what needs restoring; never cancelled, retried without limit. */

import { condition, log, sleep } from '@temporalio/workflow';
import type { Outcome } from '../plan/phases.ts';
import { reasonOf } from '../plan/phases.ts';
import { nameOf } from '../plan/release.ts';
import { formatBp, formatDuration } from '../plan/units.ts';
import { sentenceOf } from './effects.ts';
import { reverting } from './proxies.ts';
import type { Run } from './run.ts';
import { confirmReceipts } from './receipts.ts';
import { retireWithin, runSuite } from './steps.ts';

/**
 * `interrupted` is the part of the story that was under way: it is awaited only after zero has been written. Except while
 * the old release is being removed: then its end says whether there is anything left to go back to.
 */
export async function goBack(run: Run, interrupted: Promise<Outcome | null>): Promise<Outcome> {
  const wasRetiring = run.state.phase === 'retiring';
  run.restartWatch();
  if (wasRetiring && (await interrupted) === 'completed') {
    run.state.turn = null;
    return 'completed';
  }
  run.enter('rolling-back');
  const outcome = run.state.exposed ? 'rolled-back' : 'aborted';
  if (!run.state.claimed) {
    await interrupted;
    return outcome;
  }
  const reason = run.state.turn === null ? 'going back' : reasonOf(run.state.turn);
  void run.announce('P0', 'turned-back', `${run.plan.title} goes back`, reason);
  const zeroing = toZero(run, reason, wasRetiring);
  await interrupted;
  if ((await zeroing) === 'not-ours') return outcome;
  await pagedWhenLate(run, restoreStable(run));
  await cleanUp(run);
  return outcome;
}

/** Traffic is safe by now, but nobody may forget that stable is not in its own place yet. */
async function pagedWhenLate(run: Run, restoring: Promise<void>): Promise<void> {
  let isDone = false;
  const done = restoring.finally(() => (isDone = true));
  const { withinMs } = run.plan.rollback;
  const late = condition(() => isDone, withinMs, { summary: 'restoring stable is late' });
  void late.then((inTime) => {
    if (inTime) return;
    const text = `${run.state.stable?.label ?? 'stable'} has all traffic but is not restored; it is tried again without end`;
    return run.announce('P0', 'restore-late', `${run.plan.title}: restoring stable is late`, text);
  });
  await done;
}

/** Steps 1 to 3 of going back, in one activity: fence, read, all traffic to stable, read back. */
async function toZero(run: Run, reason: string, mayBeGone: boolean): Promise<'zero' | 'not-ours'> {
  const { state, plan } = run;
  const summary = `all traffic back to ${state.stable?.label ?? 'stable'}: ${reason}`.slice(0, 180);
  const zeroed = await reverting.zero.executeWithOptions({ summary }, [
    { ...run.effect(), reason, mayBeGone, withinMs: plan.rollback.withinMs },
  ]);
  state.fence = Math.max(state.fence, zeroed.fence);
  state.requestedBp = 0;
  state.acceptedBp = 0;
  state.stage = { kind: 'back' };
  confirmReceipts(run, `zero confirmed, ${formatBp(zeroed.fromBp)} left`);
  run.note(
    'zero',
    zeroed.kind === 'zero'
      ? `${nameOf(plan.release)} receives no traffic any more (had ${formatBp(zeroed.fromBp)})`
      : `another rollout holds the target; ${nameOf(plan.release)} has no share there`,
  );
  return zeroed.kind;
}

/** Steps 4 and 5: the recorded stable in its own objects, and proof that it answers. */
async function restoreStable(run: Run): Promise<void> {
  const summary = `put ${run.state.stable?.label ?? 'stable'} back in its own place`;
  await reverting.restore.executeWithOptions({ summary }, [run.effect()]);
  run.note('restored', `${run.state.stable === null ? 'stable' : nameOf(run.state.stable)} is restored`);
  for (const suite of run.plan.rollback.confirm) {
    const report = await runSuite(run, suite).catch((error: unknown) => ({
      passed: false,
      sentence: sentenceOf(error),
    }));
    if (report.passed) continue;
    run.state.warnings = [...run.state.warnings, `smoke ${suite.suite} fails on stable: ${report.sentence}`];
    void run.announce('P0', `stable-${suite.suite}`, `${run.plan.title}: stable fails its smoke`, report.sentence);
  }
}

/** Step 6: the release under test is kept for a look, then removed. */
async function cleanUp(run: Run): Promise<void> {
  const { keepCanaryMs } = run.plan.rollback;
  const name = nameOf(run.plan.release);
  if (keepCanaryMs > 0 && run.state.exposed) {
    log.info(`keeping ${name} for ${formatDuration(keepCanaryMs)} without traffic`);
    await sleep(keepCanaryMs, { summary: `keep ${name} without traffic for a look` });
    await toZero(run, 'make sure that nobody gave it traffic meanwhile', false);
  }
  const summary = `retire ${name}`;
  await reverting.retire.executeWithOptions({ summary, startToCloseTimeout: retireWithin(run) }, [
    { ...run.effect(), loser: run.plan.release },
  ]);
  run.note('retired', `${name} is retired, the claim is given back`);
}
