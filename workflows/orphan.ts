/** The revert: takes the place of a rollout whose workflow is gone, takes its release to zero and ends with an outcome. */

import { CancellationScope, allHandlersFinished, condition, continueAsNew } from '@temporalio/workflow';
import type { Left, RevertInput } from '../plan/orphan.ts';
import { holdingOf } from '../plan/orphan.ts';
import type { Outcome } from '../plan/phases.ts';
import type { Claim } from '../plan/target.ts';
import { nameOf } from '../plan/release.ts';
import { formatBp } from '../plan/units.ts';
import { beginRevert } from './begin.ts';
import { finish } from './finish.ts';
import { registerHandlers } from './handlers.ts';
import type { RolloutResult } from './messages.ts';
import { reverting } from './proxies.ts';
import { goBack } from './revert.ts';
import type { Run } from './run.ts';

/** What the guardian starts under the rollout's own id, so that nobody can tell it from a rollout that goes back. */
export async function revert(input: RevertInput): Promise<RolloutResult> {
  const run = beginRevert(input);
  registerHandlers(run);
  return CancellationScope.nonCancellable(async () => {
    const end = run.state.claimed ? await goBack(run, Promise.resolve(null)) : await takeBack(run, input);
    return end === 'full' ? goOnAsNew(run, input) : finish(run, end);
  });
}

async function goOnAsNew(run: Run, input: RevertInput): Promise<never> {
  await condition(allHandlersFinished);
  await continueAsNew<typeof revert>({ ...input, carried: run.state });
  throw new Error('nothing comes after it');
}

async function takeBack(run: Run, input: RevertInput): Promise<Outcome | 'full'> {
  if (!input.claimed) return leave(run, 'it had not touched the target');
  const left = await leftBehind(run);
  const { claim, canaryBp } = left;
  switch (holdingOf(claim, run.rollout, input)) {
    case 'ours':
      return zeroAndRestore(run, input, left);
    case 'nobody':
      if (run.state.stable !== null) return zeroAndRestore(run, input, left);
      return canaryBp === 0
        ? leave(run, 'no claim stands at the target, and the release has no traffic')
        : giveUp(run, `no claim stands at the target and nobody knows what was stable`, canaryBp);
    case 'given-back':
      return givenBack(run, claim);
    case 'another':
      return leave(run, `the target is ${claim?.rollout ?? 'another rollout'}'s now`);
    case 'earlier':
      return giveUp(run, `an earlier run of this service, ${claim?.run ?? ''}, left its claim at the target`, canaryBp);
  }
}

async function leftBehind(run: Run): Promise<Left> {
  const { plan, rollout, chain } = run;
  const { target, release, rollback } = plan;
  const summary = `what has ${nameOf(release)} at the target?`;
  const input = { rollout, run: chain, target, release, withinMs: rollback.withinMs };
  return reverting.left.executeWithOptions({ summary }, [input]);
}

/** Like every rollout that goes back, from what the claim says: whoever wrote it knew the way. */
async function zeroAndRestore(
  run: Run,
  input: RevertInput,
  { claim, fence: found, canaryBp }: Left,
): Promise<Outcome | 'full'> {
  const { state, plan } = run;
  // A proxy that was restarted has forgotten the last one, but a late call of the run that ended still carries it.
  const fence = Math.max(found, input.fence ?? 0);
  Object.assign(state, { claimed: true, fence, acceptedBp: canaryBp, requestedBp: claim?.canaryBp ?? canaryBp });
  if (claim !== null) {
    state.stable = claim.stable;
    state.stage = claim.stage;
    if (claim.stage.kind === 'step') state.step = claim.stage.index;
    if (claim.stage.kind === 'step' || claim.stage.kind === 'promoted') state.exposed = true;
  }
  if (canaryBp > 0) state.exposed = true;
  run.note('warning', `${nameOf(plan.release)} was left with ${formatBp(canaryBp)} of the traffic`);
  if (input.state === 'retiring') state.phase = 'retiring'; // what to go back to may be gone already
  return goBack(run, Promise.resolve(null));
}

/** It had done everything but say so. */
function givenBack(run: Run, claim: Claim | null): Outcome {
  if (claim?.stage.kind !== 'promoted') return leave(run, 'it had gone back and given its claim back');
  const { turn } = run.state;
  run.state.turn = null;
  run.note(
    'warning',
    `it was promoted and had given its claim back (${turn?.kind === 'orphaned' ? turn.sentence : ''})`,
  );
  return 'completed';
}

function leave(run: Run, why: string): Outcome {
  run.note('warning', `nothing is taken back: ${why}`);
  return run.state.exposed ? 'rolled-back' : 'aborted';
}

/** Nobody knows what would be right, so a person is called. */
async function giveUp(run: Run, why: string, canaryBp: number): Promise<Outcome> {
  const text = `${why}; ${nameOf(run.plan.release)} has ${formatBp(canaryBp)} of the traffic. Look at the target: \`sluice zero\` takes it back`;
  await run.announce('P0', 'left', `${run.plan.title}: somebody has to look at the target`, text);
  return leave(run, text);
}
