/** `npm run bench -- NAME [--json] [--target TARGET] [--tries N] [--baking N]`: what we claim, measured. */

import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark.ts';
import { benchSimulator } from './simulator.ts';
import { benchSteps } from './steps.ts';
import { benchZero } from './zero.ts';

const benchmarks: Readonly<Record<string, Benchmark>> = {
  simulator: benchSimulator,
  steps: benchSteps,
  zero: benchZero,
};

const options = {
  json: { type: 'boolean', default: false },
  target: { type: 'string', default: 'kubernetes' },
  tries: { type: 'string' },
  baking: { type: 'string', default: '0' },
} as const;

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options });
  const benchmark = benchmarks[positionals[0] ?? ''];
  const [tries, baking] = [values.tries === undefined ? null : Number(values.tries), Number(values.baking)];
  if (benchmark === undefined || !isCount(tries ?? 1) || !isCount(baking)) {
    const lines = Object.entries(benchmarks).map(([name, { what }]) => `  ${name.padEnd(12)}${what}`);
    const usage = 'usage: npm run bench -- NAME [--json] [--target kubernetes] [--tries N] [--baking N]';
    process.stderr.write(`${usage}\n\n${lines.join('\n')}\n`);
    return 2;
  }
  const { json, text } = await benchmark.run({ target: values.target, tries, baking });
  process.stdout.write(values.json ? `${JSON.stringify(json, null, 2)}\n` : `${text}\n`);
  return 0;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 1_000;
}

process.exitCode = await main();
