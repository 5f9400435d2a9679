/** The people of an explored life: approvers who look now and then, and, in the end, somebody who clears things up. */

import type { RequestStatus, Status } from '../../../plan/status.ts';
import type { Simulation } from '../simulation.ts';
import { rollout } from './acts.ts';
import type { Mischief } from './mischief.ts';
import { requester } from './plans.ts';

const lookEveryMs = 5_000;
/** When everything works again, whoever stands still is helped on; and after this long the rollout is given up. */
const patienceMs = 12 * 60_000;
/** When everything works, people answer in time and stay with it. */
const calm = { apartMs: 0, withdraws: 0, late: 0, hurried: 0 };

/** Answers every request after the approvers' delay; after the troubles also resumes what stands still. */
export function keepAnswering(simulation: Simulation, mischief: Mischief): void {
  const startedAt = simulation.schedule.now;
  const answered = new Set<string>();
  /** As it was when something last happened. */
  let known: Status | null = null;
  /** What a gate showed before. */
  const old = new Map<string, string>();
  const draw = simulation.random('people');
  const forger = simulation.random('forger');
  const habits = simulation.random('habits of people');
  const look = async (): Promise<void> => {
    const status = ((await simulation.server.news(rollout, 'status')) as Status | null) ?? known;
    known = status;
    const isCalm = simulation.schedule.now > startedAt + mischief.untilMs;
    if (status !== null) {
      for (const request of status.requests) answer(request, status.planDigest, isCalm);
      if (isCalm && status.frozen !== null) send('lift', { by: 'ana', reason: 'go on' });
      if (isCalm && (status.paused !== null || status.held !== null)) send('resume', { by: 'ana', reason: 'go on' });
    }
    if (simulation.schedule.now > startedAt + patienceMs) send('abort', { by: 'olga', reason: 'given up' });
    simulation.in(isCalm ? 4 * lookEveryMs : lookEveryMs, look);
  };
  const send = (name: string, input: unknown): void => simulation.server.signal(rollout, name, input);
  const answer = (request: RequestStatus, digest: string, isCalm: boolean): void => {
    const key = `${request.gate}/${String(request.openedAt)}/${String(request.evidenceRevision)}`;
    if (request.state !== 'open' || answered.has(key) || (mischief.approvers.asleep && !isCalm)) return;
    answered.add(key);
    const { rejects, soaks, delayMs, forges } = mischief.approvers;
    const decision = draw.chance(rejects) ? 'reject' : draw.chance(soaks) ? 'more-soak' : 'approve';
    const common = { gate: request.gate, plan: request.edit?.planDigest ?? digest, evidence: request.evidenceDigest };
    if (forger.chance(forges)) forge(common);
    const more =
      decision === 'approve' ? {} : decision === 'reject' ? { reason: 'not now' } : { soak: '2m', reason: 'longer' };
    const { expiresAt } = request;
    const { apartMs, withdraws, late, hurried } = isCalm ? calm : { ...calm, ...mischief.approvers };
    const isLate = habits.chance(late);
    for (const [index, by] of (decision === 'approve' ? ['quinn', 'sam', 'ana'] : ['ana']).entries()) {
      const input = { ...common, ...more, decision, by };
      const usual = delayMs + draw.between(0, 2_000) + index * apartMs;
      const inMs = isLate ? expiresAt - simulation.schedule.now + habits.between(-50, 200) : usual;
      simulation.in(Math.max(0, inMs), () => say(input, habits.chance(hurried) ? habits.pick([-1_000, 5, 200]) : null));
      if (!isLate && by !== 'quinn' && decision === 'approve' && habits.chance(withdraws)) {
        const takesBackMs = usual + habits.between(3_000, apartMs + 10_000);
        simulation.in(takesBackMs, () => say({ ...input, decision: 'withdraw' }, null));
        simulation.in(takesBackMs + 2 * apartMs, () => say(input, null));
      }
    }
  };
  /** In one way or the other; `forMs`: whoever sent it gives up then. */
  const say = (input: object, forMs: number | null): void => {
    const sent = forMs === null ? input : { ...input, validUntil: simulation.schedule.now + forMs };
    if (draw.chance(0.5)) send('decide', sent);
    else simulation.server.update(rollout, 'decide', sent, ({ kind }) => simulation.trace.add(`decision ${kind}`));
  };
  /** Approvals that must not count: of another plan or evidence, by somebody without the role, twice by one person. */
  const forge = (honest: { readonly gate: string; readonly plan: string; readonly evidence: string }): void => {
    const { gate, evidence } = honest;
    const stale = old.get(gate) ?? `sha256:${'0'.repeat(64)}`;
    old.set(gate, evidence);
    const forged = forger.pick<readonly object[]>([
      [
        { by: 'ana', evidence: stale },
        { by: 'sam', evidence: stale },
        { by: 'quinn', evidence: stale },
      ],
      [
        { by: 'ana', plan: stale },
        { by: 'sam', plan: stale },
        { by: 'quinn', plan: stale },
      ],
      [{ by: 'nemo' }, { by: 'olga' }, { by: 'a stranger' }, { by: requester }],
      [{ by: 'ana' }, { by: 'ana' }, { by: 'ana' }],
      [{ by: requester }],
      [{ by: 'bea' }],
    ]);
    for (const changes of forged) send('decide', { ...honest, decision: 'approve', ...changes });
  };
  simulation.in(lookEveryMs, look);
}
