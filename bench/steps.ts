/** What a step costs beside its bake, and how large a rollout's history is: told by the proxy's writes and by Temporal. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { connect, describe, readStatus, rolloutId } from '../client/index.ts';
import type { Session } from '../client/index.ts';
import { waitFor } from '../testbed/wait.ts';
import { startWorld, type World } from '../testbed/world.ts';
import type { Benchmark } from './benchmark.ts';

const usualRounds = 8;
const bakeMs = 1_000;
const weights = ['1%', '5%', '25%', '100%'];

export const benchSteps: Benchmark = {
  what: 'overhead per step beside the bake, history events of a rollout of four steps',
  run: async ({ tries }) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    const world = await startWorld({ folder, services: ['bench'] });
    try {
      return report(await measure(world, tries ?? usualRounds));
    } finally {
      await world.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

interface Measured {
  /** Time between two writes of a weight, less the bake, ms. */
  readonly overheadMs: readonly number[];
  readonly historyEvents: readonly number[];
}

async function measure(world: World, rounds: number): Promise<Measured> {
  await world.startWorker();
  const session = await connect({
    address: world.temporal.address,
    namespace: world.temporal.namespace,
    taskQueue: world.taskQueue,
  });
  const file = join(world.folder, 'bench.yaml');
  writeFileSync(file, stringify(spec()));
  const historyEvents: number[] = [];
  const overheadMs: number[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const from = world.proxyWrites('bench').length;
      historyEvents.push(await roll(world, session, file, `v${String(round + 2)}`));
      const raised = world
        .proxyWrites('bench')
        .slice(from)
        .filter(({ canaryBp, claim }) => canaryBp !== 0 && claim?.stage.kind === 'step');
      overheadMs.push(...raised.slice(1).map(({ at }, index) => at - (raised[index]?.at ?? at) - bakeMs));
    }
  } finally {
    await session.close();
  }
  return { overheadMs, historyEvents };
}

/** One rollout to its end; returns the number of its history events. */
async function roll(world: World, session: Session, file: string, label: string): Promise<number> {
  const image = `registry.example/bench@${world.digest('bench', label)}`;
  const started = await world.sluice(['start', file, '--image', image, '--label', label, '--requester', 'rita']);
  if (started.code !== 0) throw new Error(`start ended with ${String(started.code)}: ${started.stderr}`);
  const rollout = rolloutId('bench', 'bench');
  const outcome = await waitFor(
    async () => {
      const answer = await readStatus(session, rollout);
      return answer.kind === 'live' && answer.status.release.label === label ? answer.status.outcome : null;
    },
    { for: `rollout of ${label}`, withinMs: 120_000, everyMs: 200 },
  );
  if (outcome !== 'completed') throw new Error(`the rollout of ${label} ended ${outcome}`);
  return (await describe(session, rollout)).historyEvents;
}

function spec(): unknown {
  return {
    apiVersion: 'sluice/v1',
    kind: 'Rollout',
    metadata: { service: 'bench', environment: 'bench' },
    target: { kind: 'caddy', connection: 'edge', route: 'bench', drain: '1s' },
    release: { image: 'registry.example/bench', digest: 'required' },
    metrics: { connection: 'prometheus', tracks: { label: 'release' }, lag: '0s', every: '1s' },
    criteria: [{ id: 'up', kind: 'limit', query: 'min(up)', breach: '< 1', for: '30s', do: 'rollback' }],
    steps: weights.map((weight) => ({ weight, bake: '1s..60s' })),
    watch: { for: '1s' },
  };
}

function report({ overheadMs, historyEvents }: Measured): { json: unknown; text: string } {
  const sorted = overheadMs.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  const overhead = { min: at(0), median: at(0.5), p95: at(0.95), max: at(1), steps: sorted.length };
  const most = Math.max(...historyEvents);
  const json = {
    benchmark: 'steps',
    overheadMs: overhead,
    overheadToReachMs: 200,
    overheadRatio: overhead.p95 / 200,
    historyEvents: { most, toReach: 250, ratio: most / 250, all: historyEvents },
  };
  const text = [
    `overhead per step beside the bake: median ${String(overhead.median)} ms, p95 ${String(overhead.p95)} ms of 200 (${String(sorted.length)} steps)`,
    `history events of a rollout of four steps: ${String(most)} of 250`,
  ].join('\n');
  return { json, text };
}
