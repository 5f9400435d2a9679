/** Lives many rollouts: `--from SEED --seeds COUNT`, or one in full: `--show SEED`. Exit code 1 when a promise was broken. */

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { bundlePath } from '../../../worker/paths.ts';
import { withoutGuard } from '../still.ts';
import { openGround } from './ground.ts';
import { drawLife, live } from './life.ts';
import type { Ground, Life, Lived } from './life.ts';
import { shrink } from './shrink.ts';

/** What a process that explored says, as its only line on standard output. */
export interface Explored {
  readonly lives: number;
  readonly broken: readonly { readonly seed: number; readonly sentence: string }[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly historyEvents: number;
  readonly virtualHours: number;
  readonly seconds: number;
}

type Sabotage = Pick<Life, 'sabotage'>;

async function explore(from: number, lives: number, sabotage: Sabotage, ground: Ground): Promise<Explored> {
  const began = performance.now();
  const outcomes: Record<string, number> = {};
  const broken: { seed: number; sentence: string }[] = [];
  let historyEvents = 0;
  let virtualMs = 0;
  for (let seed = from; seed < from + lives; seed += 1) {
    const life = { ...drawLife(seed), ...sabotage };
    const lived = await live(life, ground);
    outcomes[lived.outcome] = (outcomes[lived.outcome] ?? 0) + 1;
    historyEvents += lived.historyEvents;
    virtualMs += lived.tookMs;
    if (lived.broken === null) continue;
    broken.push({ seed, sentence: lived.broken });
    if (broken.length === 1) tell(await shrink(life, lived, ground));
  }
  const seconds = (performance.now() - began) / 1_000;
  return { lives, broken, outcomes, historyEvents, virtualHours: virtualMs / 3_600_000, seconds };
}

/** Everything that is needed to understand and repeat one life. */
function tell({ life, lived }: { readonly life: Life; readonly lived: Lived }): void {
  console.error(`seed ${String(life.seed)}: ${lived.broken ?? 'every promise was kept'}; outcome ${lived.outcome}`);
  console.error(JSON.stringify(life.mischief, null, 1));
  console.error(lived.trace.join('\n'));
  console.error(`again: node dist/testbed/simulator/explore/main.js --show ${String(life.seed)}`);
}

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '200' },
    show: { type: 'string' },
    /** Writes of the proxy are not compared: must be found. */
    heedless: { type: 'boolean', default: false },
  },
});
Error.stackTraceLimit = 4; // half of the time would go into the stacks of expected errors
const sabotage: Sabotage = values.heedless ? { sabotage: 'no-compare-and-set' } : {};
const ground = await openGround(await readFile(bundlePath, 'utf8'), withoutGuard());
if (values.show === undefined) {
  const explored = await explore(Number(values.from), Number(values.seeds), sabotage, ground);
  console.log(JSON.stringify(explored));
  process.exitCode = explored.broken.length === 0 ? 0 : 1;
} else {
  const life = { ...drawLife(Number(values.show)), ...sabotage };
  const lived = await live(life, ground);
  tell({ life, lived });
  process.exitCode = lived.broken === null ? 0 : 1;
}
process.exit(); // the SDK leaves a timer behind
