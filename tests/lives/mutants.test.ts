import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { inProject } from '../../testbed/root.ts';
import type { Hunted } from '../../testbed/simulator/mutants/main.ts';
import { mutants } from '../../testbed/simulator/mutants/mutants.ts';

const hunted = new Map<string, Hunted>();

/** Half of them each, side by side; a process that found some of them not says so in its lines. */
async function hunt(share: string): Promise<void> {
  const main = inProject('dist', 'testbed', 'simulator', 'mutants', 'main.js');
  const run = promisify(execFile)(process.execPath, [main, '--share', share], { cwd: inProject() });
  const { stdout, stderr } = await run.catch((error: unknown) => error as { stdout: string; stderr: string });
  const lines = stdout.split('\n').filter((line) => line !== '');
  if (lines.length === 0) throw new Error(stderr);
  for (const line of lines) {
    const found = JSON.parse(line) as Hunted;
    hunted.set(found.name, found);
  }
}

beforeAll(async () => {
  await Promise.all([hunt('1/2'), hunt('2/2')]);
}, 600_000);

describe('a promise that our code breaks is seen to be broken', () => {
  it.each(mutants)('$invariant: a rollout that $name', ({ name }) => {
    expect(hunted.get(name)).toMatchObject({ seed: expect.any(Number) as number });
  });

  it('there is such a defect for every promise that explored lives can see', () => {
    const promises = new Set(mutants.map(({ invariant }) => invariant));
    const all = Array.from({ length: 17 }, (_, index) => `I${String(index + 1)}`);
    expect(all.filter((promise) => !promises.has(promise))).toEqual([]);
  });
});
