/** Lines for Temporal's own command that do exactly what a command of ours does. */

import type { ConnectOptions } from '../client/index.ts';

/** `temporal workflow signal …`, safe to paste into a POSIX shell. */
export function signalLine(connection: ConnectOptions, rollout: string, name: string, input: unknown): string {
  const { address, namespace, profile } = connection;
  const flag = (key: string, value: string | undefined) => (value === undefined ? [] : [key, quoted(value)]);
  return [
    'temporal workflow signal',
    ...flag('--profile', profile),
    ...flag('--address', address),
    ...flag('--namespace', namespace),
    ...flag('--workflow-id', rollout),
    ...flag('--name', name),
    ...flag('--input', JSON.stringify(input)),
  ].join(' ');
}

/** Safe to paste into a POSIX shell. */
export function quoted(value: string): string {
  return /^[\w./:@-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
