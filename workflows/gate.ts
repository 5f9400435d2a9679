/** A gate: opens a request on frozen evidence, waits for people, reminds them, and ends passed, rejected or expired. */

import { patched, proxySinks } from '@temporalio/workflow';
import type { GatePlan, GatePoint } from '../plan/plan.ts';
import { formatBp, formatDuration } from '../plan/units.ts';
import type { ApprovalRequest, Evidence, EvidenceFacts } from '../approvals/request.ts';
import { quorum } from '../approvals/quorum.ts';
import {
  canStillChange,
  closeRequest,
  expire,
  freezeEvidence,
  openRequest,
  worsen,
} from '../approvals/request-life.ts';
import type { Run } from './run.ts';
import type { ObserverSinks } from './sinks.ts';

const { observer } = proxySinks<ObserverSinks>();

/**
 * Asks every gate at this point at the same time. Returns when all are approved and nothing stops the effect behind
 * them, in one breath: until then a withdrawal or worse evidence takes an approval back.
 */
export async function gates(run: Run, point: GatePoint): Promise<void> {
  const here = run.plan.gates.filter((gate) => JSON.stringify(gate.point) === JSON.stringify(point));
  if (here.length === 0) return;
  run.enter('awaiting-approval');
  const isApproved = () => here.every((gate) => requestOf(run, gate.id)?.state === 'approved');
  do {
    await Promise.all(here.map((gate) => ask(run, gate)));
    await run.until(() => !isApproved() || (run.isFree() && run.state.bake === 'clean'));
  } while (!isApproved());
  for (const gate of here) pass(run, gate);
}

function pass(run: Run, gate: GatePlan): void {
  const request = requestOf(run, gate.id);
  if (request === undefined) return;
  replaceRequest(run, closeRequest(request));
  run.note('gate-passed', `gate ${gate.id} passed`);
}

/** Until it is approved: a request opens only while the evidence is good, and one that expired is asked anew. */
async function ask(run: Run, gate: GatePlan): Promise<void> {
  while (requestOf(run, gate.id)?.state !== 'approved') {
    await run.until(() => mayAsk(run));
    if (requestOf(run, gate.id)?.state !== 'open') open(run, gate);
    await answered(run, gate);
    const request = requestOf(run, gate.id);
    if (request === undefined) continue;
    if (request.state === 'open') onExpiry(run, request);
    const state = requestOf(run, gate.id)?.state ?? 'closed';
    if (state !== 'open') observer.gateClosed({ point: gate.point.kind, state, waitMs: Date.now() - request.openedAt });
  }
}

function mayAsk(run: Run): boolean {
  return run.state.bake === 'clean' && run.state.held === null && !run.isTurning() && !run.isEdited;
}

/** Asks it on what is known now. */
export function open(run: Run, gate: GatePlan): void {
  const revision = (requestOf(run, gate.id)?.evidence.revision ?? 0) + 1;
  const request = openRequest(gate, evidence(run, gate.id, revision, null), Date.now());
  run.state.soaking = null;
  replaceRequest(run, request);
  const missing = quorum(request, run.plan.separation, requesterFor(run, request.gate.id)).missingText;
  run.note('gate-opened', `gate ${gate.id} opened, awaiting ${missing}, expires in ${formatDuration(gate.expiresMs)}`);
  void run.announce('P2', `gate-${gate.id}-${String(revision)}`, `${run.plan.title}: approval needed`, missing);
}

/** Until the request is no longer open or its time is over, with reminders on the way. */
async function answered(run: Run, gate: GatePlan): Promise<void> {
  const isAnswered = () => requestOf(run, gate.id)?.state !== 'open';
  const { openedAt, expiresAt } = requestOf(run, gate.id) ?? { openedAt: 0, expiresAt: 0 };
  const reminders = gate.remindAt.map((share) => openedAt + share * gate.expiresMs);
  for (const at of [...reminders, expiresAt].filter((moment) => moment > Date.now())) {
    const what = at === expiresAt ? 'expires' : 'reminds';
    if (await run.untilOrLate(isAnswered, at, `gate ${gate.id} ${what}`)) return;
    if (at < expiresAt) remind(run, gate);
  }
}

function remind(run: Run, gate: GatePlan): void {
  const request = requestOf(run, gate.id);
  if (request === undefined) return;
  const { missingText, missingRoles } = quorum(request, run.plan.separation, requesterFor(run, request.gate.id));
  const left = formatDuration(Math.max(0, Math.round((request.expiresAt - Date.now()) / 1000)) * 1000);
  run.note('gate-reminded', `gate ${gate.id} still awaits ${missingText}; ${left} left`);
  void run.announce(
    'P1',
    `remind-${gate.id}-${left}`,
    `${run.plan.title} awaits ${missingRoles.join(', ')}`,
    missingText,
  );
}

function onExpiry(run: Run, request: ApprovalRequest): void {
  const { gate } = request;
  const sentence = `nobody completed gate ${gate.id} within ${formatDuration(gate.expiresMs)}`;
  replaceRequest(run, expire(request));
  run.note('gate-expired', `${sentence}: ${gate.onExpiry}`);
  switch (gate.onExpiry) {
    case 'abort':
    case 'rollback':
      return run.turnBack({ kind: 'expired', gate: gate.id, sentence });
    case 'step-back':
      run.state.stepBackTo = Math.max(-1, run.state.step - 1);
      run.pause('rule', sentence);
      return;
    case 'hold': {
      const stop = { by: 'rule', since: Date.now(), until: null, then: 'keep holding', fence: null } as const;
      return run.hold({ ...stop, kind: 'expired', reason: `${sentence}; resume asks again` });
    }
  }
}

/** What passed when people were asked has left pass: a new revision opens, and what was said on the old one is void. */
export function evidenceTurnedWorse(run: Run, because: string): void {
  for (const request of run.state.requests.filter(canStillChange)) {
    const revision = request.evidence.revision + 1;
    replaceRequest(run, worsen(request, evidence(run, request.gate.id, revision, because)));
    run.note('evidence-worse', `gate ${request.gate.id} asks again on evidence ${String(revision)}: ${because}`);
    tellSigners(run, request, because);
  }
}

/** Asked anew from the beginning, when it is the gate's turn again: what people have said was about something else. */
export function closeBecause(run: Run, because: string): void {
  for (const request of run.state.requests.filter(canStillChange)) {
    replaceRequest(run, closeRequest(request));
    run.note('evidence-worse', `gate ${request.gate.id} asks anew: ${because}`);
    tellSigners(run, request, because);
  }
}

function tellSigners(run: Run, { gate, evidence, decisions }: ApprovalRequest, because: string): void {
  const signers = decisions.filter((decision) => decision.void === null).map((decision) => decision.person);
  if (signers.length === 0) return;
  const text = `the approvals of ${signers.join(', ')} at gate ${gate.id} no longer count: ${because}`;
  const key = `worse-${gate.id}-${String(evidence.revision + 1)}`;
  void run.announce('P1', key, `${run.plan.title}: approvals void`, text);
}

/** More time at the present weight, then the gate is asked again on new evidence. */
export function soakMore(run: Run, request: ApprovalRequest, soakMs: number): void {
  const { state, plan } = run;
  replaceRequest(run, closeRequest(request));
  state.clockTo = (plan.steps[state.step]?.bakeMinMs ?? 0) - soakMs;
  state.bake = 'baking';
  if (patched('soaking')) state.soaking = request.gate.id;
  run.note(
    'decision',
    `${formatDuration(soakMs)} more soak at ${formatBp(state.requestedBp)} before gate ${request.gate.id}`,
  );
  run.restartWatch();
}

export function requestOf(run: Run, gate: string): ApprovalRequest | undefined {
  return run.state.requests.find((request) => request.gate.id === gate);
}

/** The digest that decisions on a request must name: an edited plan is signed before it is the running one. */
export function planDigestFor({ state, planDigest }: Run, gate: string): string {
  return state.asked?.gate === gate ? state.asked.planDigest : planDigest;
}

/** Who asks, and so may not be the one to say yes. */
export function requesterFor({ state, requester }: Run, gate: string): string {
  return state.asked?.gate === gate ? state.asked.by : requester;
}

export function replaceRequest(run: Run, request: ApprovalRequest): void {
  const others = run.state.requests.filter((other) => other.gate.id !== request.gate.id);
  run.state.requests = [...others, request];
}

function evidence(run: Run, gate: string, revision: number, worseBecause: string | null): Evidence {
  const { state, plan } = run;
  const facts: EvidenceFacts = {
    at: Date.now(),
    planDigest: planDigestFor(run, gate),
    release: plan.release.digest,
    stable: state.stable?.digest ?? '',
    requestedBp: state.requestedBp,
    acceptedBp: state.acceptedBp,
    observedShare: state.checkpoint?.observed.share ?? null,
    findings: state.checkpoint?.findings ?? [],
    smoke: state.smoke.map(({ suite, passed, sentence }) => ({ suite, passed, sentence })),
    warnings: state.warnings,
    worseBecause,
  };
  return freezeEvidence(facts, revision);
}
