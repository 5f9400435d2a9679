/** An edited plan that does not only tighten: the strictest gate is asked about it, and a yes puts it into force. */

import { CancellationScope, condition } from '@temporalio/workflow';
import { verdictOf } from '../plan/edit.ts';
import { editsOf, strictestGate } from '../plan/edits.ts';
import type { GatePlan } from '../plan/plan.ts';
import type { ApprovalRequest } from '../approvals/request.ts';
import { closeRequest, expire } from '../approvals/request-life.ts';
import { adopt, notNow, positionOf, standing, wordsOf } from './adopt.ts';
import { open, replaceRequest, requestOf } from './gate.ts';
import type { Run } from './run.ts';
import type { AskedEdit } from './state.ts';

/** The gate that would be asked; `null` when the plan has none. */
export function gateToAsk(run: Run): GatePlan | null {
  const gate = strictestGate(run.plan);
  return gate === null ? null : { ...gate, id: `edit/${gate.id}` };
}

/** The newest edit takes the place of one that still waits. */
export function askAboutEdit(run: Run, edited: Omit<AskedEdit, 'gate'>): AskedEdit {
  const gate = gateToAsk(run);
  if (gate === null) throw new Error('no gate could be asked');
  dropAsked(run, `${edited.by} sent another one`);
  const asked: AskedEdit = { ...edited, gate: gate.id };
  run.state.asked = asked;
  run.note('edited', `${edited.by} asks for another plan, ${edited.planDigest}: ${edited.reason}`);
  for (const sentence of edited.edits.slice(0, 20)) run.note('edited', `asked for: ${sentence}`);
  open(run, gate);
  void untilAnswered(run, asked);
  return asked;
}

/** Nobody has to answer: the plan stays as it is then. Temporal's Cancel means going back, and ends nothing here by itself. */
export function untilAnswered(run: Run, asked: AskedEdit): Promise<void> {
  return CancellationScope.nonCancellable(() => answered(run, asked));
}

async function answered(run: Run, asked: AskedEdit): Promise<void> {
  if (requestOf(run, asked.gate)?.state === 'approved') void putIntoForce(run);
  const isOver = () => run.state.asked !== asked;
  const left = () => (requestOf(run, asked.gate)?.expiresAt ?? 0) - Date.now();
  do {
    if (await condition(isOver, Math.max(1, left()), { summary: `the plan at ${asked.gate} expires` })) return;
  } while (left() > 0 || requestOf(run, asked.gate)?.state !== 'open');
  dropAsked(run, 'nobody answered in time', expire);
}

/** After an answer to its request. */
export async function onEditAnswered(run: Run, request: ApprovalRequest): Promise<void> {
  if (request.state === 'rejected') dropAsked(run, 'it was rejected');
  if (request.state === 'approved') await putIntoForce(run);
}

/** Once nothing is under way; the rollout may have gone on since the edit was made, so it is looked at again. */
async function putIntoForce(run: Run): Promise<void> {
  const { asked } = run.state;
  await CancellationScope.nonCancellable(() => standing(run));
  if (asked === null || run.state.asked !== asked) return;
  if (requestOf(run, asked.gate)?.state !== 'approved') return;
  const edits = editsOf(run.plan, asked.plan, positionOf(run));
  const late = notNow(run) ?? (verdictOf(edits) === 'forbidden' ? wordsOf(edits).join('; ') : null);
  if (late !== null) {
    dropAsked(run, `it came too late: ${late}`);
    return;
  }
  run.state.asked = null;
  replaceRequestOf(run, asked.gate, closeRequest);
  adopt(run, asked, asked, edits);
}

/** The plan stays as it is. */
export function dropAsked(
  run: Run,
  why: string,
  end: (request: ApprovalRequest) => ApprovalRequest = closeRequest,
): void {
  const { asked } = run.state;
  if (asked === null) return;
  run.state.asked = null;
  replaceRequestOf(run, asked.gate, end);
  run.note('edited', `the plan that ${asked.by} asked for is dropped: ${why}`);
}

function replaceRequestOf(run: Run, gate: string, change: (request: ApprovalRequest) => ApprovalRequest): void {
  const request = requestOf(run, gate);
  if (request !== undefined) replaceRequest(run, change(request));
}
