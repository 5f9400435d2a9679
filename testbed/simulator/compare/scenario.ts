/** A short rollout that is lived twice, in the simulator and on a real server: its plan, its world, and what people send when. */

import type { Plan } from '../../../plan/plan.ts';
import type { Status } from '../../../plan/status.ts';
import { ProviderError } from '../../../providers/errors.ts';
import type { HttpRequest } from '../../../providers/ports.ts';
import type { WorldScript } from '../../../spec/world.ts';
import { isDeepStrictEqual } from 'node:util';
import { operatorFor } from '../worlds/operator.ts';
import type { Host } from '../worlds/host.ts';
import type { Write } from '../worlds/truth.ts';
import { createWorld } from '../worlds/world.ts';
import { masked } from './masked.ts';

export interface Scenario {
  /** Also the service, so that all of them can run at once. */
  readonly name: string;
  readonly plan: Plan;
  readonly world: WorldScript;
  /** The first so many of these requests are answered 503. */
  readonly failing?: { readonly origin: string; readonly method: string; readonly times: number };
  /** One after the other. */
  readonly acts: readonly Act[];
}

/** A message, so long after the status is first as described: far from anything else that happens. */
export interface Act {
  readonly when: (status: Status) => boolean;
  readonly afterMs: number;
  readonly send: Message;
}

export type Message =
  | { readonly kind: 'signal' | 'update'; readonly name: string; readonly input: (status: Status) => unknown }
  | { readonly kind: 'cancel' };

/** What became of it, in a form that must be the same twice. */
export interface Course {
  /** Everything the workflow asked its server for, in order. */
  readonly asked: readonly string[];
  /** What came to the proxy and to the deploy host. */
  readonly writes: readonly string[];
  /** What senders of updates were told. */
  readonly answers: readonly string[];
}

export interface Played {
  readonly course: Course;
  /** Length of all histories: told, and not compared, because tasks may fall together. */
  readonly events: number;
}

// ── The world ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ScenarioWorld {
  readonly host: (origin: string) => Host | undefined;
  readonly writes: () => readonly string[];
}

/** `began`: epoch ms by the clock that this life goes by. */
export function worldOf({ plan, world: script, failing }: Scenario, began: number): ScenarioWorld {
  const world = createWorld(script, plan, { config: operatorFor(plan), began });
  let left = failing?.times ?? 0;
  const isFailing = (origin: string, { method }: HttpRequest): boolean => {
    if (origin !== failing?.origin || method !== failing.method || left === 0) return false;
    left -= 1;
    return true;
  };
  return {
    host: (origin) => {
      const host = world.host(origin);
      if (host === undefined) return undefined;
      return {
        answer: (request, now) =>
          isFailing(origin, request) ? { status: 503, headers: {}, body: '' } : host.answer(request, now),
      };
    },
    writes: () => world.writes().map(writeOf),
  };
}

function writeOf(write: Write): string {
  if (write.kind === 'host') return JSON.stringify(masked(write));
  const { by, before, after } = write;
  const change = isDeepStrictEqual(before.traffic, after.traffic) ? 'the same' : after.traffic;
  return JSON.stringify(masked({ by, traffic: change, claim: after.claim, preview: after.preview }));
}

// ── The people ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Door {
  /** `null` while nobody can answer. */
  status(): Promise<Status | null>;
  /** Returns at once; the answer of an update is collected behind the door. */
  send(message: Message, status: Status): void | Promise<void>;
  now(): number;
}

const lookEveryMs = 100;

/** One look after the other: does what is due, and says how long until the next one, ms; `null` when all is sent. */
export function looks(acts: readonly Act[], door: Door): () => Promise<number | null> {
  const left = [...acts];
  let seenAt: number | null = null;
  return async () => {
    const [act] = left;
    if (act === undefined) return null;
    const status = await door.status();
    if (status === null) return lookEveryMs;
    if (seenAt === null && act.when(status)) seenAt = door.now();
    if (seenAt === null) return lookEveryMs;
    const wait = seenAt + act.afterMs - door.now();
    if (wait > 0) return wait;
    left.shift();
    seenAt = null;
    await door.send(act.send, status);
    return lookEveryMs;
  };
}

/** In the words that stand in a course. */
export function answered(name: string, answer: { readonly value: unknown } | { readonly why: string }): string {
  return 'why' in answer ? `${name} refused: ${answer.why}` : `${name}: ${JSON.stringify(masked(answer.value))}`;
}

export function connectionRefused({ method, url }: HttpRequest): ProviderError {
  return new ProviderError({
    code: 'unreachable',
    doing: `${method} ${new URL(url).origin}`,
    detail: 'connection refused',
  });
}
