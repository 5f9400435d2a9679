/** One process of a release in a slot: when it starts, becomes ready and dies, and what it counts meanwhile. */

import type { WorldRelease } from '../../../spec/world.ts';
import type { Moment } from '../../../spec/world-time.ts';
import type { HookRelease } from '../../deploy-hook/contract.ts';
import type { Look } from '../../deploy-hook/rules.ts';
import { type Counter, createCounter } from './counter.ts';
import { type History, momentsOf, timeOf, valueAt } from './timeline.ts';

export interface Instance {
  readonly release: HookRelease;
  readonly slot: string;
  /** `host:port`. */
  readonly dial: string;
  readonly script: WorldRelease;
  readonly startedAt: number;
  /** Epoch ms; `null` while the host lets it run. */
  stoppedAt: number | null;
  readonly requests: Counter;
  readonly errors: Counter;
}

/** Requests are counted in parts: 1/1000 a second, times 1/10,000,000 of the traffic, for a millisecond. */
export const partsOfRequest = 10n ** 13n;
/** Errors are parts of those: of a million. */
const partsOfError = partsOfRequest * 1_000_000n;

export function createInstance(facts: Pick<Instance, 'release' | 'slot' | 'dial' | 'script' | 'startedAt'>): Instance {
  return { ...facts, stoppedAt: null, requests: createCounter(partsOfRequest), errors: createCounter(partsOfError) };
}

/** What a look at the process finds; it dies for good at its first death after the start. */
export function lookAt(instance: Instance, now: number, history: History): Look {
  const { script, startedAt, stoppedAt } = instance;
  if (stoppedAt !== null && now >= stoppedAt) return { alive: false, ready: false, detail: 'its process is gone' };
  const death = deathOf(instance, history);
  if (death !== null && now >= death) return { alive: false, ready: false, detail: 'ended with code 1' };
  if (script.readyAfterMs === null || now < startedAt + script.readyAfterMs) {
    return { alive: true, ready: false, detail: 'its health check does not answer: connection refused' };
  }
  if (valueAt(script.unready, now, history)) {
    return { alive: true, ready: false, detail: 'its health check answers 503' };
  }
  return { alive: true, ready: true, detail: '' };
}

/** Its port is open: it has come up, and lives. */
export function isListening(instance: Instance, now: number, history: History): boolean {
  const { readyAfterMs } = instance.script;
  return lookAt(instance, now, history).alive && readyAfterMs !== null && now >= instance.startedAt + readyAfterMs;
}

/** When it ends by itself, if that is known yet. */
export function deathOf({ script, startedAt }: Instance, history: History): number | null {
  const times = script.dies.map((when) => timeOf(when, history)).filter((time) => time !== null && time >= startedAt);
  return times.length === 0 ? null : Math.min(...(times as number[]));
}

/** All moments at which it may change by itself. */
export function momentsOfInstance({ script, startedAt }: Instance, began: number): readonly Moment[] {
  const ready: readonly Moment[] =
    script.readyAfterMs === null ? [] : [{ kind: 'at', ms: startedAt - began + script.readyAfterMs }];
  return [...ready, ...script.dies, ...momentsOf(script.unready), ...momentsOf(script.errorsPpm)];
}
