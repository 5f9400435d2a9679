/** Lives many rollouts on all cores: `--seeds COUNT --from SEED`, or one in full: `--show SEED`. Exit code 1 when a promise was broken. */

import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { bundlePath } from '../../../worker/paths.ts';
import { withoutGuard } from '../still.ts';
import { explore } from './exploration.ts';
import type { Explored, Range } from './exploration.ts';
import { openGround } from './ground.ts';
import { drawLife, live } from './life.ts';
import type { Life } from './life.ts';
import { exploreOnAll } from './pool.ts';
import { shrink } from './shrink.ts';
import { storyOf } from './story.ts';
import { summaryOf } from './summary.ts';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '200' },
    processes: { type: 'string', default: String(availableParallelism()) },
    show: { type: 'string' },
    json: { type: 'boolean', default: false },
    /** Writes of the proxy are not compared: must be found. */
    heedless: { type: 'boolean', default: false },
    /** The process that started this one says which seeds. */
    served: { type: 'boolean', default: false },
  },
});
Error.stackTraceLimit = 4; // half of the time would go into the stacks of expected errors
const how: Pick<Life, 'sabotage'> = values.heedless ? { sabotage: 'no-compare-and-set' } : {};

async function main(): Promise<boolean> {
  if (values.show !== undefined) return show(Number(values.show));
  const [from, lives, processes] = [values.from, values.seeds, values.processes].map(Number) as [
    number,
    number,
    number,
  ];
  const began = performance.now();
  const explored = await exploreOnAll({
    from,
    lives,
    processes,
    how: values.heedless ? ['--heedless'] : [],
    onProgress: progressOf(lives),
  });
  const seconds = (performance.now() - began) / 1_000;
  console.log(
    values.json ? JSON.stringify({ ...explored, seconds }) : summaryOf(explored, { from, processes, seconds }),
  );
  const [first] = explored.broken;
  if (first !== undefined) await show(first.seed);
  return first === undefined;
}

/** A line for each tenth, and for each broken life. */
function progressOf(lives: number): (explored: Explored) => void {
  let tenths = 0;
  let told = 0;
  return (explored) => {
    if (explored.broken.length > told) {
      told = explored.broken.length;
      console.error(`broken so far: seeds ${explored.broken.map(({ seed }) => seed).join(', ')}`);
    }
    const now = Math.floor((10 * explored.lives) / lives);
    if (now > tenths) console.error(`${String(explored.lives)} of ${String(lives)} lives`);
    tenths = now;
  };
}

/** A life in full, and when it breaks a promise, the shortest found that breaks the same. */
async function show(seed: number): Promise<boolean> {
  const ground = await openGround(await readFile(bundlePath, 'utf8'), withoutGuard());
  const life = { ...drawLife(seed), ...how };
  const lived = await live(life, ground);
  console.error(storyOf(lived.broken === null ? { life, lived } : await shrink(life, lived, ground)));
  return lived.broken === null;
}

async function serve(): Promise<void> {
  const ground = await openGround(await readFile(bundlePath, 'utf8'), withoutGuard());
  process.on('message', (range) => {
    void explore(range as Range, how, ground).then((explored) => process.send?.(explored));
  });
  process.on('disconnect', () => process.exit());
}

if (values.served) {
  await serve();
} else {
  process.exitCode = (await main()) ? 0 : 1;
  process.exit(); // the SDK leaves a timer behind
}
