/** The cancellation of the present attempt, for many listeners at once: a poll asks everything side by side. */

import { setMaxListeners } from 'node:events';
import { cancellationSignal } from '@temporalio/activity';

/** More than a poll of the largest plan has questions; above it Node still warns of a leak. */
const mostListeners = 500;

export function attemptSignal(): AbortSignal {
  const signal = cancellationSignal();
  setMaxListeners(mostListeners, signal);
  return signal;
}
