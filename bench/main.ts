/** `npm run bench -- NAME [--json]`: what we claim, measured. */

import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark.ts';
import { benchSimulator } from './simulator.ts';
import { benchSteps } from './steps.ts';

const benchmarks: Readonly<Record<string, Benchmark>> = {
  simulator: benchSimulator,
  steps: benchSteps,
};

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
  const benchmark = benchmarks[positionals[0] ?? ''];
  if (benchmark === undefined) {
    const lines = Object.entries(benchmarks).map(([name, { what }]) => `  ${name.padEnd(12)}${what}`);
    process.stderr.write(`usage: npm run bench -- NAME [--json]\n\n${lines.join('\n')}\n`);
    return 2;
  }
  const { json, text } = await benchmark.run();
  process.stdout.write(values.json === true ? `${JSON.stringify(json, null, 2)}\n` : `${text}\n`);
  return 0;
}

process.exitCode = await main();
