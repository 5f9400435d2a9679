/** What a decision does: checked at once, proven by the directory, and checked again on the state of that later moment. */

import type { DecisionInput, DecisionReceipt, Proof } from '../approvals/request.ts';
import type { GatePlan } from '../plan/plan.ts';
import { decide } from '../approvals/decide.ts';
import { parseDecision } from '../approvals/parse.ts';
import { sentenceOf } from './effects.ts';
import { notAskedYet } from './forecast.ts';
import { planDigestFor, replaceRequest, requestOf, requesterFor, soakMore } from './gate.ts';
import { onEditAnswered } from './edit-asked.ts';
import { proving } from './proxies.ts';
import type { Run } from './run.ts';

type Channel = 'signal' | 'update';

/** Never throws; what does not count is listed with its reason. */
export async function decideOn(run: Run, raw: unknown, channel: Channel): Promise<DecisionReceipt> {
  const parsed = parseDecision(raw);
  if (!parsed.ok) return ignored(run, 'unknown', parsed.reason);
  const { input } = parsed;
  const tooEarly = blockedBefore(run, input);
  if (tooEarly !== null) return ignored(run, input.by, tooEarly);
  const summary = `who is ${input.by}? (${input.decision} at ${input.gate})`.slice(0, 180);
  let proof: Proof;
  try {
    proof = await proving.prove.executeWithOptions({ summary }, [input.by]);
  } catch (error) {
    return ignored(run, input.by, `the directory could not be asked: ${sentenceOf(error)}; send it again`);
  }
  return apply(run, input, proof, channel);
}

/** What can be refused without asking the directory, so that a flood of nonsense costs nothing. */
function blockedBefore(run: Run, input: DecisionInput): string | null {
  if (run.state.outcome !== null) return `the rollout has ended: ${run.state.outcome}`;
  if (run.state.turn !== null) return 'the rollout is going back';
  if (input.decision === 'more-soak' && run.state.stage.kind === 'deployed') {
    return 'nothing soaks before there is traffic: approve, reject, or wait';
  }
  if (requestOf(run, input.gate) !== undefined) return null;
  const known = run.plan.gates.map((gate) => gate.id);
  return early(run, input.gate) ?? `no gate ${input.gate} in this plan; there are: ${known.join(', ') || 'none'}`;
}

/** Its turn has not come, or has not come again, with the expected time; `null` when it has, or there is no such gate. */
function early(run: Run, id: string): string | null {
  const gate = run.plan.gates.find((one) => one.id === id);
  if (gate === undefined || run.state.asked?.gate === id) return null;
  const state = requestOf(run, id)?.state ?? 'closed';
  return state === 'closed' && !isPassed(run, gate) ? notAskedYet(run, id, gate.point) : null;
}

function isPassed({ state }: Run, { point }: GatePlan): boolean {
  return state.done.includes(point.kind === 'step' ? `gates:${String(point.index)}` : `gates:${point.kind}`);
}

function apply(run: Run, input: DecisionInput, proof: Proof, channel: Channel): DecisionReceipt {
  const request = requestOf(run, input.gate);
  if (request === undefined) return ignored(run, input.by, `gate ${input.gate} is not open`);
  const asked = run.state.asked?.gate === input.gate ? run.state.asked : null;
  const unfit = asked === null ? null : unfitForEdit(run, input);
  if (unfit !== null) return ignored(run, input.by, unfit);
  const tooEarly = early(run, input.gate);
  if (tooEarly !== null) return ignored(run, input.by, tooEarly);
  const facts = { now: Date.now(), planDigest: planDigestFor(run, input.gate), channel };
  const requester = requesterFor(run, input.gate);
  const after = decide(request, input, proof, facts, run.plan.separation, requester);
  if (after.receipt.outcome === 'ignored') return ignored(run, input.by, after.receipt.reason);
  if (after.receipt.outcome === 'duplicate') {
    run.ignore('decide', input.by, `duplicate: already counted at gate ${input.gate}`);
    return after.receipt;
  }
  replaceRequest(run, after.request);
  run.note(
    'decision',
    `${input.by}: ${input.decision} at ${input.gate}${input.reason === null ? '' : `: ${input.reason}`}`,
  );
  if (asked !== null) {
    void onEditAnswered(run, after.request);
    return after.receipt;
  }
  if (input.decision === 'more-soak') soakMore(run, after.request, input.soakMs ?? 0);
  if (after.request.state === 'rejected') {
    run.turnBack({ kind: 'rejected', gate: input.gate, by: input.by, reason: input.reason ?? 'no reason given' });
  }
  return after.receipt;
}

/** About an edited plan there is only a yes or a no, and not from who started the rollout by the plan of now. */
function unfitForEdit(run: Run, { decision, by }: DecisionInput): string | null {
  if (decision === 'more-soak') return 'an edited plan is approved or rejected; more soak is asked for at a gate';
  const isRequester = by === run.requester && !run.plan.separation.requesterMayApprove;
  return isRequester && decision === 'approve' ? `${by} started this rollout and may not approve its plan` : null;
}

function ignored(run: Run, by: string, reason: string): DecisionReceipt {
  run.ignore('decide', by, reason);
  return { outcome: 'ignored', reason: reason.slice(0, 1000) };
}
