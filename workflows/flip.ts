/** Kill switches: turned off by hand or because a criterion failed, tried, and never turned on again by us. */

import { condition } from '@temporalio/workflow';
import { ActivityFailure } from '@temporalio/common';
import type { SwitchStatus } from '../plan/status.ts';
import { placeInWords, switchOf, type SwitchPlan } from '../plan/switch.ts';
import type { Finding } from '../judge/verdict.ts';
import type { WatchInput } from '../activities/contract.ts';
import { sentenceOf } from './effects.ts';
import { parseFlip } from './parse.ts';
import { flipping } from './proxies.ts';
import { confirmReceipt, giveReceipt } from './receipts.ts';
import type { Run } from './run.ts';
import { runSuite } from './steps.ts';

/** Lowers a risk, so it is obeyed whoever sends it; traffic stays where it is. */
export function flipByHand(run: Run, raw: unknown): void {
  const { id, ...who } = parseFlip(raw);
  const known = run.plan.switches ?? [];
  const meant = known.find((one) => one.id === id);
  const useless =
    meant === undefined
      ? `give one of the plan's switches: ${known.map((one) => one.id).join(', ') || 'it has none'}`
      : uselessOf(run, meant);
  if (meant === undefined || useless !== null) return void giveReceipt(run, 'flip', who, 'ignored', useless ?? '');
  const receipt = giveReceipt(run, 'flip', who, 'seen', `turning ${meant.id} off: ${placeInWords(meant.place)}`);
  void flip(run, meant, who).then(({ state, detail }) => {
    confirmReceipt(run, receipt.id, state === 'off' ? 'confirmed' : 'ignored', `${meant.id} is ${state}: ${detail}`);
  });
}

/** What a failing criterion asked for; when it cannot be had, the criterion has its last word at once. */
export function flipByRule(run: Run, finding: Finding): void {
  const meant = (run.plan.switches ?? []).find(({ id }) => id === switchOf(finding.do));
  const { criterion } = finding;
  if (meant === undefined) {
    run.turnBack({ kind: 'verdict', criterion, sentence: `${finding.sentence}; the plan has no switch for it` });
    return;
  }
  if (uselessOf(run, meant) !== null) return;
  run.note('verdict', finding.sentence);
  const who = { by: 'rule', reason: `criterion ${criterion} failed: ${finding.sentence}` };
  void flip(run, meant, who).then(({ state, works, detail }) => {
    if (state === 'off' && works) return;
    const sentence = `${finding.sentence}; switch ${meant.id} did not help: ${detail}`;
    if (meant.stillBad === 'rollback') {
      run.turnBack({ kind: 'verdict', criterion, sentence });
      return;
    }
    const stop = { by: 'rule', since: Date.now(), until: null, then: 'keep holding', fence: null } as const;
    run.hold({ ...stop, kind: 'bake', reason: `criterion ${criterion} failed: ${sentence}` });
  });
}

/** A continued run goes on with what the one before had begun: every part of it may be done twice. */
export function goOnFlipping(run: Run): void {
  for (const { id, state, by, reason } of run.state.switches) {
    const meant = (run.plan.switches ?? []).find((one) => one.id === id);
    if (state === 'turning' && meant !== undefined) void flip(run, meant, { by, reason });
  }
}

export function isFlipping({ state }: Run): boolean {
  return state.switches.some((one) => one.state === 'turning');
}

/** What the watch has to know of them; nothing where there are none. */
export function offSwitches({ plan, state }: Run): Pick<WatchInput, 'off'> {
  const off = state.switches.flatMap(({ id, rejudgeAt }) => {
    const meant = (plan.switches ?? []).find((one) => one.id === id);
    return meant === undefined ? [] : [{ id, rejudgeAt, stillBad: meant.stillBad }];
  });
  return off.length === 0 ? {} : { off };
}

function uselessOf({ state }: Run, { id }: SwitchPlan): string | null {
  if (state.outcome !== null) return `already ended: ${state.outcome}`;
  const known = state.switches.find((one) => one.id === id);
  if (known === undefined || known.state === 'on') return null;
  return known.state === 'off' ? `${id} is already off` : `${id} is just being turned off`;
}

type Flipped = Pick<SwitchStatus, 'state' | 'detail'> & { readonly works: boolean };

/** Off, then tried; both are told. Never throws for what the target or the suite says. */
async function flip(
  run: Run,
  meant: SwitchPlan,
  who: { readonly by: string; readonly reason: string },
): Promise<Flipped> {
  remember(run, meant, { ...who, state: 'turning', detail: placeInWords(meant.place), rejudgeAt: null });
  await condition(() => run.state.stable !== null || run.state.outcome !== null);
  const flipped = await turnAndTry(run, meant);
  const { state, detail, works } = flipped;
  const rejudgeAt = state === 'off' ? Date.now() + meant.rejudgeAfterMs : null;
  remember(run, meant, { ...who, state, detail, rejudgeAt });
  run.note('flipped', `switch ${meant.id} is ${state}, asked for by ${who.by} (${who.reason}): ${detail}`);
  const what = `${run.plan.title}: switch ${meant.id} is ${state}`;
  void run.announce(works ? 'P1' : 'P0', `switch-${meant.id}-${String(Date.now())}`, what, `${detail}; ${who.reason}`);
  run.restartWatch(); // it learns from when on the last word counts
  return flipped;
}

async function turnAndTry(run: Run, meant: SwitchPlan): Promise<Flipped> {
  if (run.state.stable === null) return { state: 'on', works: false, detail: 'the rollout ended before it was begun' };
  try {
    const summary = `turn ${meant.id} off: ${placeInWords(meant.place)}`;
    await flipping.flip.executeWithOptions({ summary }, [{ ...run.sameEffect(), turned: meant }]);
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { state: 'on', works: false, detail: `it could not be turned off: ${sentenceOf(error)}` };
  }
  if (meant.verify === null)
    return { state: 'off', works: true, detail: `${placeInWords(meant.place)} is ${JSON.stringify(meant.off)}` };
  try {
    const { suite, passed, sentence } = await runSuite(run, meant.verify);
    return { state: 'off', works: passed, detail: `smoke ${suite} ${passed ? 'passed' : 'failed'}: ${sentence}` };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return { state: 'off', works: false, detail: `smoke ${meant.verify.suite} could not be run: ${sentenceOf(error)}` };
  }
}

function remember(run: Run, { id }: SwitchPlan, now: Omit<SwitchStatus, 'id' | 'since'>): void {
  const others = run.state.switches.filter((one) => one.id !== id);
  run.state.switches = [...others, { id, ...now, since: Date.now() }];
}
