/** How a worker is told to stop: the first signal asks, the second forces. */

import type { Log } from './logger.ts';

const signals = ['SIGINT', 'SIGTERM'] as const;
const forcedExitCode = 1;

/** Aborts `stop` on the first signal or when `other` is aborted. Returns what takes the handlers away again. */
export function stopOnSignals(stop: AbortController, log: Log, other: AbortSignal | undefined): () => void {
  const ask = (why: string): void => {
    log.info({ why }, 'stopping: watches are handed over, effects get ten seconds to finish');
    stop.abort(new Error('stopped'));
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!stop.signal.aborted) return ask(signal);
    log.warn({ why: signal }, 'stopped by force');
    process.exit(forcedExitCode);
  };
  const onOther = (): void => {
    if (!stop.signal.aborted) ask('asked by the program');
  };
  for (const signal of signals) process.on(signal, onSignal);
  if (other?.aborted === true) onOther();
  other?.addEventListener('abort', onOther, { once: true });
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
    other?.removeEventListener('abort', onOther);
  };
}
