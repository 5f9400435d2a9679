/** Editing the plan of a running rollout: what tightens is applied, what does not is asked about, the rest is refused. */

import { ActivityFailure } from '@temporalio/common';
import { isSame, verdictOf, type Edit } from '../plan/edit.ts';
import { editsOf } from '../plan/edits.ts';
import type { Plan } from '../plan/plan.ts';
import type { Note } from '../activities/contract.ts';
import { soundPlan, type Sound } from '../plan/sound.ts';
import type { ControlReceipt } from '../plan/status.ts';
import { adopt, notNow, positionOf, standing, wordsOf, type EditedPlan } from './adopt.ts';
import { askAboutEdit, dropAsked, gateToAsk } from './edit-asked.ts';
import { sentenceOf } from './effects.ts';
import type { ControlInput } from './messages.ts';
import { parseEdit } from './parse.ts';
import { checking } from './proxies.ts';
import { raise } from './raise.ts';
import type { Run } from './run.ts';

/** Never throws. */
export function editPlan(run: Run, raw: unknown): Promise<ControlReceipt> {
  const asked = parseEdit(raw);
  const sound = soundPlan(asked.plan, asked.planDigest ?? '', run.plan);
  const edited = { planDigest: asked.planDigest ?? '', fromDigest: asked.fromDigest };
  return raise(run, raw, {
    message: 'edit-plan',
    receipt: 'confirmed',
    blocked: () => notNow(run) ?? refusalOf(run, sound, edited),
    apply: async (who) => {
      if (!sound.ok) throw new Error(sound.reason);
      const plan = { plan: sound.plan, planDigest: edited.planDigest };
      await check(run, plan.plan, who.by);
      await standing(run);
      const late = notNow(run) ?? refusalOf(run, sound, edited);
      if (late !== null) throw new Error(`${late}: something else was first`);
      return change(run, plan, who);
    },
  });
}

function refusalOf(run: Run, sound: Sound, edited: { planDigest: string; fromDigest: string | null }): string | null {
  if (edited.fromDigest !== run.planDigest) {
    return `it was not made from the running plan, which is ${run.planDigest}: make it again`;
  }
  if (!sound.ok) return sound.reason;
  const edits = editsOf(run.plan, sound.plan, positionOf(run));
  switch (verdictOf(edits)) {
    case 'same':
      return 'it is the running plan';
    case 'forbidden':
      return wordsOf(edits.filter(({ kind }) => kind === 'forbidden')).join('; ');
    case 'needs-asking':
      return gateToAsk(run) === null ? `no gate of this plan could be asked about it: ${loosened(edits)}` : null;
    case 'tighter':
      return null;
  }
}

function loosened(edits: readonly Edit[]): string {
  return wordsOf(edits.filter(({ kind }) => kind === 'needs-asking')).join('; ');
}

/** What only the worker can know of it: people, secrets, files, and whether what is new about criteria can be asked. */
async function check(run: Run, plan: Plan, by: string): Promise<void> {
  const { state, requester } = run;
  if (state.stable === null) throw new Error('nothing is known of stable yet; send it again');
  const criteria = plan.criteria.filter((criterion) => !run.plan.criteria.some((known) => isSame(known, criterion)));
  const serving = state.requestedBp === 10_000 ? plan.release : state.stable;
  const gate = verdictOf(editsOf(run.plan, plan, positionOf(run))) === 'tighter' ? null : gateToAsk(run);
  const asks = gate === null ? null : { by, gate };
  const input = { plan: { ...plan, criteria }, requester, serving, asks };
  const problems = await checking.checkPlan
    .executeWithOptions({ summary: 'check the edited plan' }, [input])
    .catch(unchecked);
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('; '));
}

function unchecked(error: unknown): readonly Note[] {
  if (!(error instanceof ActivityFailure)) throw error;
  return [{ code: 'plan.unchecked', message: `it could not be checked: ${sentenceOf(error)}` }];
}

function change(run: Run, edited: EditedPlan, who: ControlInput): string {
  const edits = editsOf(run.plan, edited.plan, positionOf(run));
  if (verdictOf(edits) === 'tighter') {
    dropAsked(run, `the plan was edited by ${who.by} meanwhile`);
    adopt(run, edited, who, edits);
    return `applied: ${wordsOf(edits).join('; ')}`.slice(0, 800);
  }
  const { gate } = askAboutEdit(run, { ...edited, ...who, edits: wordsOf(edits) });
  return `asks ${gate} first, because of this: ${loosened(edits)}`.slice(0, 800);
}
