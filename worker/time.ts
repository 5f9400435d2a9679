/** The worker's time: its machine's, unless most of the servers that it talks to agree that the machine is wrong. */

import { formatElapsed } from '../plan/units.ts';
import type { Clock, Http } from '../providers/ports.ts';
import type { WorkerConfig } from '../spec/worker-config.ts';

/** Clocks that differ by less are right: HTTP tells whole seconds, and answers take their time. */
const toleratedMs = 30_000;
/** A correction stays as it is until it is wrong by more, so that time does not jitter. */
const steadyMs = 5_000;

export interface WorldTime {
  readonly clock: Clock;
  /** The same door; the `Date` of answers from these origins is heard: what an operator named, never a release under test. */
  listening(http: Http, origins: ReadonlySet<string>): Http;
  /** So much is this machine's clock ahead of the others, ms; 0 as long as it is right, or nobody can tell. */
  wrongByMs(): number;
}

/** `onChange` is told when the correction begins, changes or ends. */
export function createWorldTime(machine: Clock, onChange: (wrongByMs: number) => void): WorldTime {
  const offsets = new Map<string, number>();
  let correction = 0;
  const hear = (origin: string, date: string | undefined): void => {
    const theirs = date === undefined ? NaN : Date.parse(date);
    if (Number.isNaN(theirs)) return;
    offsets.set(origin, machine.now() - theirs);
    const found = agreed([...offsets.values()]);
    const wanted = Math.abs(found) < toleratedMs ? 0 : found;
    if (wanted === correction || (wanted !== 0 && Math.abs(wanted - correction) < steadyMs)) return;
    correction = wanted;
    onChange(correction);
  };
  return {
    clock: { ...machine, now: () => machine.now() - correction },
    listening: (http, origins) => ({
      send: async (request) => {
        const response = await http.send(request);
        const { origin } = new URL(request.url);
        if (origins.has(origin)) hear(origin, response.headers['date']);
        return response;
      },
    }),
    wrongByMs: () => correction,
  };
}

/** The median of all clocks with our own among them: one server alone never outvotes us. */
function agreed(offsets: readonly number[]): number {
  const sorted = [0, ...offsets].sort((a, b) => a - b);
  // With an even number the middle one that is nearer to our own time.
  const middle = [sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, sorted[Math.floor(sorted.length / 2)] ?? 0];
  return middle.reduce((a, b) => (Math.abs(a) <= Math.abs(b) ? a : b));
}

/** The control APIs of the operator's connections. */
export function controlOrigins({ connections }: Pick<WorkerConfig, 'connections'>): ReadonlySet<string> {
  const urls = Object.values(connections).flatMap((connection) => {
    switch (connection.kind) {
      case 'prometheus':
        return [connection.url];
      case 'caddy':
        return [
          connection.admin,
          ...Object.values(connection.routes).flatMap(({ deploy }) => (deploy.kind === 'hook' ? deploy.url : [])),
        ];
      case 'kubernetes':
      case 'http':
        return []; // what its calls are for, only the operator knows
    }
  });
  return new Set(urls.map((url) => new URL(url).origin));
}

/** For logs and for `doctor`. */
export function clockInWords(wrongByMs: number): string {
  const direction = wrongByMs > 0 ? 'ahead of' : 'behind';
  return `the clock of this machine is ${formatElapsed(Math.abs(wrongByMs))} ${direction} those of the servers around`;
}
