/** What really happened, told by the recorder, the target, the services' own logs and Prometheus; never by the workflow. */

import { z } from 'zod';
import { ask } from '../servers/http.ts';
import type { ScenarioName, Stage } from './stage.ts';

/** One weight of the release under test, as long as it stood. */
export interface StepFacts {
  readonly requestedBp: number;
  /** Read back from the target after the write. */
  readonly acceptedBp: number | null;
  /** Share of user requests that the release under test answered, 0..1. */
  readonly observedShare: number | null;
  /** User requests of both releases. */
  readonly requests: number;
}

export interface BadFacts {
  /** First bad answer that a user got from the release under test. */
  readonly badStartedAt: number | null;
  /** First moment at which the deciding query fails, asked from outside. */
  readonly badVisibleAt: number | null;
  /** First read-back of zero, in force. */
  readonly zeroConfirmedAt: number | null;
  readonly canaryRequestsAfterZero: number | null;
}

/** Every weight above zero in the order the target was told, with what users got under it. */
export function stepFacts(stage: Stage, name: ScenarioName): readonly StepFacts[] {
  const writes = stage.writes(name).filter(({ canaryBp }) => canaryBp !== null);
  const changes = writes.filter(({ canaryBp }, at) => canaryBp !== (writes[at - 1]?.canaryBp ?? 0));
  return changes.flatMap(({ at, canaryBp, claim }, index) => {
    if (canaryBp === null || canaryBp === 0 || claim === null) return [];
    const until = changes[index + 1]?.at ?? writes.at(-1)?.at ?? Infinity;
    const [canary, stable] = ['v2', 'v1'].map((label) => stage.users(name, label, at, until).length);
    const requests = (canary ?? 0) + (stable ?? 0);
    const read = stage.reads(name).find((one) => one.at >= at && one.at <= until);
    return [
      {
        requestedBp: canaryBp,
        acceptedBp: read?.canaryBp ?? null,
        observedShare: requests === 0 ? null : Math.round(((canary ?? 0) / requests) * 10_000) / 10_000,
        requests,
      },
    ];
  });
}

/** `query` is the deciding query for the release under test; it fails above `limit`. */
export async function badFacts(stage: Stage, name: ScenarioName, query: string, limit: number): Promise<BadFacts> {
  const bad = stage.users(name, 'v2').filter(({ status }) => status >= 500);
  const badStartedAt = bad.length === 0 ? null : Math.min(...bad.map(({ at }) => at));
  const zeroWrite = stage.writes(name).find(({ at, canaryBp }) => canaryBp === 0 && at > (badStartedAt ?? 0));
  const zero = zeroWrite && stage.reads(name).find(({ at, canaryBp }) => at >= zeroWrite.at && canaryBp === 0);
  const zeroConfirmedAt = zero?.at ?? null;
  return {
    badStartedAt,
    badVisibleAt: badStartedAt === null ? null : await firstAbove(stage, query, limit, badStartedAt),
    zeroConfirmedAt,
    canaryRequestsAfterZero: zeroConfirmedAt === null ? null : stage.users(name, 'v2', zeroConfirmedAt).length,
  };
}

const matrix = z.object({
  data: z.object({ result: z.array(z.object({ values: z.array(z.tuple([z.number(), z.string()])) })) }),
});

const lookMs = 30_000;
const grainSeconds = 0.05;

/** First moment, to 50 ms, at which the query is above the limit. */
async function firstAbove(stage: Stage, query: string, limit: number, from: number): Promise<number | null> {
  const range = { start: from / 1000, end: (from + lookMs) / 1000, step: grainSeconds };
  const params = new URLSearchParams({ query, ...mapped(range) });
  const answer = await ask(`${stage.prometheusUrl}/api/v1/query_range?${params.toString()}`, { timeoutMs: 60_000 });
  const values = matrix.parse(JSON.parse(answer.body)).data.result.flatMap((series) => series.values);
  const first = values.find(([, value]) => Number(value) > limit);
  return first === undefined ? null : Math.round(first[0] * 1000);
}

function mapped(numbers: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]));
}
