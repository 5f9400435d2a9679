/** The one table of exit codes: what a script may rely on. */

import type { ClientErrorCode } from '../client/index.ts';
import type { Outcome } from '../plan/phases.ts';

export const exitCodes = {
  ok: { code: 0, meaning: 'done; a rollout that was waited for completed' },
  internal: { code: 1, meaning: 'our mistake: something that should not happen did' },
  usage: { code: 2, meaning: "user's mistake: a wrong flag, argument or file" },
  refused: { code: 3, meaning: 'preflight found problems; nothing was touched' },
  'rolled-back': { code: 4, meaning: 'the rollout went back to stable' },
  aborted: { code: 5, meaning: 'the rollout was stopped before any traffic moved' },
  undecided: { code: 6, meaning: 'still held or waiting when --timeout was over; the rollout goes on' },
  superseded: { code: 7, meaning: 'a newer rollout took over' },
  'already-running': { code: 8, meaning: 'another rollout of this service is running' },
  'not-found': { code: 9, meaning: 'no such rollout, gate or namespace' },
  ignored: { code: 10, meaning: 'the message changed nothing; the reason is printed' },
  unreachable: { code: 11, meaning: 'Temporal does not answer, or refuses the credentials' },
  'no-worker': { code: 12, meaning: 'no worker answers on the task queue' },
  'timed-out': { code: 13, meaning: 'not confirmed in time; it may still be applied' },
  finished: { code: 14, meaning: 'the rollout has already finished' },
  'setup-missing': { code: 15, meaning: 'the namespace lacks search attributes: run sluice setup' },
  detached: { code: 16, meaning: 'the rollout let go and left the weights as they are' },
  unhealthy: { code: 17, meaning: 'doctor found something that is not well' },
  'no-outcome': {
    code: 18,
    meaning: 'the rollout ended without an outcome: terminated or failed; look at its traffic',
  },
  changed: { code: 19, meaning: 'the record is not what its digest names: changed, cut or damaged' },
  interrupted: { code: 130, meaning: 'stopped by Ctrl-C; a rollout that was watched goes on' },
} as const satisfies Record<string, { readonly code: number; readonly meaning: string }>;

export type Exit = keyof typeof exitCodes;

/** What waiting for a rollout exits with. */
export function exitOfOutcome(outcome: Outcome): Exit {
  return outcome === 'completed' ? 'ok' : outcome;
}

export function exitOfClientError(code: ClientErrorCode): Exit {
  switch (code) {
    case 'denied':
      return 'unreachable';
    case 'profile':
      return 'usage';
    case 'rejected':
      return 'ignored';
    default:
      return code;
  }
}

/** The table for `sluice help exit-codes`. */
export function exitCodeHelp(): string {
  const rows = Object.entries(exitCodes).map(
    ([name, { code, meaning }]) => `  ${String(code).padStart(3)}  ${name.padEnd(17)}${meaning}`,
  );
  return ['Exit codes', '', ...rows].join('\n');
}
