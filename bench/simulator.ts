/** What an explored life and an hour of a rehearsal cost in CPU, and how that compares with plain work of the same minute. */

import { readFile } from 'node:fs/promises';
import { compile } from '../plan/compile.ts';
import { planDigest } from '../plan/digest.ts';
import type { Plan } from '../plan/plan.ts';
import { parseSpec } from '../spec/rollout.ts';
import { parseWorld } from '../spec/world.ts';
import { explore } from '../testbed/simulator/explore/exploration.ts';
import type { Explored } from '../testbed/simulator/explore/exploration.ts';
import { openGround } from '../testbed/simulator/explore/ground.ts';
import { rehearse } from '../testbed/simulator/rehearsal.ts';
import type { Rehearsal } from '../testbed/simulator/rehearsal.ts';
import { withoutGuard } from '../testbed/simulator/still.ts';
import { inProject } from '../testbed/root.ts';
import { bundlePath } from '../worker/paths.ts';
import type { Benchmark } from './benchmark.ts';

const livesInARound = 50;
/** Lived before anything is measured, so that the code is compiled. */
const warmUp = 40;
const usualRounds = 4;
/** Ten thousand lives in three minutes on two cores. */
const cpuMsToReach = 36;
const digests = 500;
const startsAt = Date.UTC(2026, 0, 5, 9);

export const benchSimulator: Benchmark = {
  what: 'explored lives and hours of a rehearsal per CPU-second',
  run: async ({ tries }) => {
    const rounds = tries ?? usualRounds;
    Error.stackTraceLimit = 4; // as in the exploration itself
    const bundle = await readFile(bundlePath, 'utf8');
    const plan = await longPlan();
    const ground = await openGround(bundle, withoutGuard());
    await explore({ from: 1, lives: warmUp }, {}, ground);
    const measured: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const from = 1 + round * livesInARound;
      measured.push({
        yardstickMs: yardstick(plan),
        explored: await explore({ from, lives: livesInARound }, {}, ground),
      });
    }
    return report(measured, await measuredRehearsal(plan, bundle));
  },
};

interface Round {
  readonly yardstickMs: number;
  readonly explored: Explored;
}

/** CPU of one reading and digesting of a plan, ms: plain code, measured between the lives, so that a busy machine slows both. */
function yardstick(plan: Plan): number {
  const text = JSON.stringify(plan);
  const before = process.cpuUsage();
  for (let count = 0; count < digests; count += 1) planDigest(JSON.parse(text) as Plan);
  return cpuSince(before) / digests;
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** The shop of the examples with a watch that makes it 92 hours from start to end. */
async function longPlan(): Promise<Plan> {
  const file = inProject('examples', 'shop.yaml');
  const text = (await readFile(file, 'utf8')).replace('  for: 48h', '  for: 87h15m');
  const spec = parseSpec(text, file);
  if (!spec.ok) throw new Error(JSON.stringify(spec.problems));
  const release = { image: spec.value.release.image, digest: `sha256:${'5'.repeat(64)}`, label: 'canary' };
  const able = { granularityBp: 1, fenced: true, preview: true, affinity: false, scales: false, instantRevert: true };
  const compiled = compile(spec.value, release, able);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.plan;
}

const calmWorld = `
apiVersion: sluice/v1
kind: World
people:
  - { gate: go, by: carla, after: 20m }
  - { gate: wide, by: ana, after: 10m }
  - { gate: wide, by: ben, after: 15m }
  - { gate: final, by: carla, after: 2h }
`;

async function measuredRehearsal(plan: Plan, bundle: string): Promise<{ lived: Rehearsal; cpuMs: number }> {
  const script = parseWorld(calmWorld, 'world.yaml', plan);
  if (!script.ok) throw new Error(JSON.stringify(script.problems));
  const people = Object.fromEntries(['ana', 'ben', 'carla'].map((name) => [name, { roles: plan.roles }]));
  const before = process.cpuUsage();
  const lived = await rehearse({ plan, script: script.value, people, requester: 'rita', bundle, seed: 1, startsAt });
  if (lived.outcome !== 'completed') throw new Error(`the rehearsal ended ${String(lived.outcome)}`);
  return { lived, cpuMs: cpuSince(before) };
}

function report(
  measured: readonly Round[],
  { lived, cpuMs }: { readonly lived: Rehearsal; readonly cpuMs: number },
): { json: unknown; text: string } {
  const sum = (of: (round: Round) => number) => measured.reduce((all, round) => all + of(round), 0);
  const lives = measured.length * livesInARound;
  const lifeMs = sum(({ explored }) => explored.cpuMs) / lives;
  const plainMs = sum(({ yardstickMs }) => yardstickMs) / measured.length;
  const virtualHours = sum(({ explored }) => explored.virtualHours);
  const hours = lived.tookMs / 3_600_000;
  const hourMs = cpuMs / hours;
  const json = {
    benchmark: 'simulator',
    yardstick: { what: 'reading and digesting one plan', cpuMs: plainMs },
    lives: {
      lived: lives,
      broken: measured.flatMap(({ explored }) => explored.broken.map(({ seed }) => seed)),
      perCpuSecond: 1_000 / lifeMs,
      cpuMs: lifeMs,
      cpuMsToReach,
      ratio: lifeMs / cpuMsToReach,
      toYardstick: lifeMs / plainMs,
      virtualHoursPerCpuSecond: (virtualHours * 1_000) / (lifeMs * lives),
    },
    rehearsal: {
      virtualHours: hours,
      cpuSeconds: cpuMs / 1_000,
      virtualHoursPerCpuSecond: 1_000 / hourMs,
      hourToYardstick: hourMs / plainMs,
    },
  };
  const text = [
    `explored lives: ${json.lives.perCpuSecond.toFixed(1)} a CPU-second, ${lifeMs.toFixed(1)} ms each of ${String(cpuMsToReach)}, ${json.lives.toYardstick.toFixed(0)} times a digest of a plan (${plainMs.toFixed(3)} ms)`,
    `rehearsal of ${hours.toFixed(1)} hours: ${json.rehearsal.cpuSeconds.toFixed(1)} CPU-seconds, ${json.rehearsal.virtualHoursPerCpuSecond.toFixed(1)} hours a CPU-second`,
  ].join('\n');
  return { json, text };
}
