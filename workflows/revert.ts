/** Going back: zero first and confirmed, then what needs restoring; never cancelled, retried without limit. */

import { condition, log, sleep } from '@temporalio/workflow';
import type { Outcome } from '../plan/phases.ts';
import { reasonOf } from '../plan/phases.ts';
import { nameOf } from '../plan/release.ts';
import { formatDuration } from '../plan/units.ts';
import type { Effect } from '../activities/contract.ts';
import { fenceFound, sentenceOf } from './effects.ts';
import { keepAtZero } from './kept.ts';
import { reverting, untilFenced } from './proxies.ts';
import { confirmReceipts } from './receipts.ts';
import type { Run } from './run.ts';
import { retireWithin, runSuite } from './steps.ts';
import { outlastLateCalls, toZero } from './zero.ts';

/**
 * `interrupted` is the part of the story that was under way: it is awaited only after zero has been written. Except while
 * the old release is being removed: then its end says whether there is anything left to go back to. `full`: the history
 * is; what is under way is left to the next run, which begins with zero again.
 */
export async function goBack(run: Run, interrupted: Promise<Outcome | null>): Promise<Outcome | 'full'> {
  const wasRetiring = run.state.phase === 'retiring';
  run.restartWatch();
  if (wasRetiring && (await interrupted) === 'completed') {
    run.state.turn = null;
    return 'completed';
  }
  run.state.retiring ||= wasRetiring;
  run.enter('rolling-back');
  if (!run.state.claimed) {
    await interrupted;
    confirmReceipts(run, 'nothing had moved');
    return outcomeOf(run);
  }
  run.begins();
  const full = condition(() => run.isFull()).then(() => 'full' as const);
  return Promise.race([allTheWay(run, interrupted), full]);
}

async function allTheWay(run: Run, interrupted: Promise<Outcome | null>): Promise<Outcome> {
  const { state } = run;
  const reason = state.turn === null ? 'going back' : reasonOf(state.turn);
  if (!state.done.includes('back:told')) {
    state.done.push('back:told');
    void run.announce('P0', 'turned-back', `${run.plan.title} goes back`, reason);
  }
  const zeroing = toZero(run, reason, state.retiring);
  await interrupted;
  if ((await zeroing) === 'not-ours') return outcomeOf(run);
  const kept = keepAtZero(run);
  if ((await outlastLateCalls(run)) === 'not-ours') {
    await kept.stop();
    return outcomeOf(run);
  }
  if (!state.done.includes('back:restored')) await pagedWhenLate(run, restoreStable(run));
  await cleanUp(run);
  await kept.stop();
  return outcomeOf(run);
}

function outcomeOf({ state }: Run): Outcome {
  if (state.turn?.kind === 'superseded') return 'superseded';
  return state.exposed ? 'rolled-back' : 'aborted';
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

/** Steps 4 and 5: the recorded stable in its own objects, and proof that it answers. */
async function restoreStable(run: Run): Promise<void> {
  const summary = `put ${run.state.stable?.label ?? 'stable'} back in its own place`;
  await insist(run, (effect) => reverting.restore.executeWithOptions({ summary, retry: untilFenced }, [effect]));
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
  run.state.done.push('back:restored');
  const { keepCanaryMs } = run.plan.rollback;
  const name = nameOf(run.plan.release);
  // Whoever makes room does not keep the place.
  const isWanted = () => run.state.turn?.kind === 'superseded' || run.state.superseded !== null;
  if (keepCanaryMs > 0 && run.state.exposed && !isWanted()) {
    log.info(`keeping ${name} for ${formatDuration(keepCanaryMs)} without traffic`);
    run.state.keptUntil ??= Date.now() + keepCanaryMs;
    await run.untilOrLate(isWanted, run.state.keptUntil, `keep ${name} without traffic for a look`);
  }
  const options = { summary: `retire ${name}`, retry: untilFenced, startToCloseTimeout: retireWithin(run) };
  const loser = run.plan.release;
  await insist(run, (effect) => reverting.retire.executeWithOptions(options, [{ ...effect, loser }]));
  run.note('retired', `${name} is retired, the claim is given back`);
}

/** Our own later zero may overtake an effect, and somebody else's larger fence is no reason to stop half-way: again, above it. */
async function insist(run: Run, act: (effect: Effect) => Promise<void>): Promise<void> {
  for (let pauseMs = 1_000; ; pauseMs = Math.min(2 * pauseMs, 60_000)) {
    try {
      await act(run.effect());
      return;
    } catch (error) {
      const found = fenceFound(error);
      if (found === null) throw error;
      run.state.fence = Math.max(run.state.fence, found);
    }
    await sleep(pauseMs, { summary: 'a larger fence stands at the target: again, above it' });
  }
}
