/** How soon a bad release, or one that somebody aborts, has no traffic any more, beside what the usual controllers need. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectPlane, type Plane, startPlane } from '../testbed/kubernetes/plane.ts';
import { startClusterWorld } from '../testbed/kubernetes/world.ts';
import type { Benchmark, BenchOptions } from './benchmark.ts';
import { abortIt, anyMoment, bakingAtHalf, goBad, openBench, type Bench, type Try } from './zero-tries.ts';

const usualTries = 20;
const service = 'bench';
/** All other rollouts are of services as small as can be. */
const beside = (index: number) => `beside-${String(index)}`;

/**
 * Measured on the same kind of machine, alone: Argo Rollouts 1.9.1 asking each second, Flagger 1.44.0 at its shortest
 * interval of 10 s; seconds, median. An abort of Argo's within the first half second of a pause is mostly lost; that of
 * Flagger's is a webhook.
 */
const peers = {
  bad: { argo: { api: 1.43 }, flagger: { api: 16.2 } },
  abort: { argo: { api: 0.03, lost: '16 of 24 in the first 0.3 s of a pause' }, flagger: { api: 5.4 } },
} as const;

export const benchZero: Benchmark = {
  what: 'seconds from a bad sample, and from an abort, to weight 0 at the API, at the Gateway, and for users',
  run: async (options) => {
    if (options.target !== 'kubernetes') throw new Error(`zero is measured on kubernetes, not on ${options.target}`);
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    const running = await startPlane({ folder: join(folder, 'plane') });
    const plane = connectPlane(running.facts);
    try {
      return await onPlane(folder, plane, options);
    } finally {
      plane.api.close();
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function onPlane(folder: string, plane: Plane, { tries, baking }: BenchOptions) {
  const count = tries ?? usualTries;
  const labels = Array.from({ length: 2 * count }, (_, index) => `v${String(index + 2)}`);
  const releases = Object.fromEntries(labels.map((label) => [label, {}]));
  const others = Array.from({ length: baking }, (_, index) => ({ name: beside(index), replicas: 1 }));
  const world = await startClusterWorld({ folder, plane, services: [{ name: service, releases }, ...others] });
  try {
    const bench = await openBench(world);
    try {
      for (const { name } of [...others, { name: service }]) {
        world.load(name, { ratePerSecond: name === service ? 50 : 1, maxSeconds: 3_600 });
      }
      for (const { name } of others) await bakingAtHalf(bench, name, 'v2');
      const bad = await each(bench, labels.slice(0, count), goBad);
      const abort = await each(bench, labels.slice(count), abortIt);
      return report(bad, abort, baking);
    } finally {
      await bench.session.close();
    }
  } finally {
    await world.stop();
  }
}

async function each(bench: Bench, labels: readonly string[], measure: typeof goBad): Promise<readonly Try[]> {
  const all: Try[] = [];
  for (const label of labels) {
    await bakingAtHalf(bench, service, label);
    await anyMoment();
    all.push(await measure(bench, service, label));
  }
  return all;
}

interface Spread {
  readonly min: number;
  readonly median: number;
  readonly p95: number;
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { min: sorted[0] ?? NaN, median: at(0.5), p95: at(0.95) };
}

function spreadsOf(tries: readonly Try[]) {
  const of = (key: keyof Try) => spreadOf(tries.map((one) => one[key]));
  return { api: of('api'), gateway: of('gateway'), lastAnswer: of('lastAnswer') };
}

function report(bad: readonly Try[], abort: readonly Try[], baking: number) {
  const [ofBad, ofAbort] = [spreadsOf(bad), spreadsOf(abort)];
  const ratio = (ours: number, theirs: number) => Math.round((100 * ours) / theirs) / 100;
  const json = {
    benchmark: 'zero',
    target: 'kubernetes',
    baking,
    tries: { bad: bad.length, abort: abort.length },
    secondsFromBadSample: ofBad,
    secondsFromAbort: ofAbort,
    toReach: { badGatewayP95: 2, abortGatewayP95: 0.5 },
    peers,
    medianToPeers: {
      bad: {
        argo: ratio(ofBad.api.median, peers.bad.argo.api),
        flagger: ratio(ofBad.api.median, peers.bad.flagger.api),
      },
      abort: {
        argo: ratio(ofAbort.api.median, peers.abort.argo.api),
        flagger: ratio(ofAbort.api.median, peers.abort.flagger.api),
      },
    },
  };
  const line = (what: string, { api, gateway, lastAnswer }: ReturnType<typeof spreadsOf>) =>
    [
      `${what} → 0 at the API: ${inWords(api)}`,
      `${what} → 0 at the Gateway: ${inWords(gateway)}`,
      `${what} → last answer to a user: ${inWords(lastAnswer)}`,
    ].join('\n');
  return { json, text: `${line('bad sample', ofBad)}\n${line('abort', ofAbort)}` };
}

function inWords({ min, median, p95 }: Spread): string {
  return [min, median, p95].map((seconds) => seconds.toFixed(2)).join(' / ') + ' s (min / median / p95)';
}
