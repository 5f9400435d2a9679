/** Says that a rollout is over, with its outcome, when somebody still wants something of it. */

import { ClientError } from './errors.ts';
import type { Described } from './describe.ts';

export function finished(described: Described): ClientError {
  const { rollout, state, execution, closedAt } = described;
  const outcome = execution === 'COMPLETED' ? state : `${execution.toLowerCase()} while ${state ?? 'starting'}`;
  return new ClientError({ code: 'finished', rollout, outcome, closedAt });
}
