/** What people said to a rollout, in the order in which it took that in: who may count at a gate, and who has stopped it. */

import { rolesOf } from './plans.ts';
import type { Decided, Heard } from './quorums.ts';

/** A message as the workflow got it; fields that were no texts are empty. */
export interface Message {
  readonly name: string;
  /** Signals stop a rollout, and nothing else does. */
  readonly isSignal: boolean;
  readonly gate: string;
  readonly decision: string;
  readonly by: string;
  readonly plan: string;
  readonly evidence: string;
  /** After this it counts no more, epoch ms. */
  readonly validUntil: number | null;
}

/** Of somebody who lets it go on, ms. */
const longestProofMs = 60_000;

export class Said {
  private readonly came: Decided[] = [];
  /** Questions to the directory that are not answered, by person. */
  private readonly asked = new Map<string, number>();
  private readonly approved = new Set<string>();
  private pausedAt: number | null = null;
  private frozenAt: number | null = null;
  private goesOnAt = -Infinity;

  /** One task has taken these in. */
  heard(messages: readonly Message[], now: number): void {
    const spoke = new Set<string>();
    for (const message of messages) {
      const { name, by } = message;
      // Whoever lets it go on may still be proven, and then ends what was stopped meanwhile.
      const isLasting = message.isSignal && now - this.goesOnAt > longestProofMs;
      if (name === 'pause' && isLasting) this.pausedAt ??= now;
      if (name === 'freeze' && isLasting) this.frozenAt ??= now;
      // Whoever came too late, or holds no role, has not let it go on.
      const mayRaise = rolesOf(by).length > 0 && !isLate(message, now);
      if (mayRaise && (name === 'resume' || name === 'lift')) this.goesOnAt = now;
      if (name === 'resume' && mayRaise) this.pausedAt = null;
      if (name === 'lift' && mayRaise) this.frozenAt = null;
      if (name !== 'decide') continue;
      const isAlone = !spoke.has(by) && this.unanswered(by) === 0;
      spoke.add(by);
      this.came.push({ ...message, at: now, isAlone });
      if (message.decision === 'approve') this.approved.add(message.gate);
    }
  }

  /** The directory is asked about somebody, or has answered. A question that fails is never answered. */
  proving(person: string, what: 'asked' | 'answered'): void {
    this.asked.set(person, this.unanswered(person) + (what === 'asked' ? 1 : -1));
  }

  /** Since somebody said so and nobody took it back; `null` when nothing stops it. */
  stopped(): string | null {
    if (this.pausedAt !== null) return 'paused';
    return this.frozenAt === null ? null : 'frozen';
  }

  isApproved(gate: string): boolean {
    return this.approved.has(gate);
  }

  /** The gate asks again. */
  forget(gate: string): void {
    this.approved.delete(gate);
  }

  /** What may count at this moment. */
  now(at: number): Heard {
    return {
      at,
      decisions: this.came.filter((one, index) => !this.isTakenBack(one, this.came.slice(index + 1))),
    };
  }

  /** For sure: the directory had answered for the approval when the withdrawal came, and has for the withdrawal now. */
  private isTakenBack({ by, gate, decision }: Decided, later: readonly Decided[]): boolean {
    if (decision !== 'approve' || this.unanswered(by) > 0) return false;
    return later.some((one) => one.decision === 'withdraw' && one.by === by && one.gate === gate && one.isAlone);
  }

  private unanswered(person: string): number {
    return this.asked.get(person) ?? 0;
  }
}

function isLate({ validUntil }: Message, now: number): boolean {
  return validUntil !== null && now > validUntil;
}
