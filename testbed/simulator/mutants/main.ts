/** Lives with mutants until each is found: `--only NAME,…`, `--share 1/2`, `--from SEED --lives COUNT` to look for seeds. Exit code 1 when one is not. */

import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { parseArgs } from 'node:util';
import { bundlePath } from '../../../worker/paths.ts';
import { openGround as openSound } from '../explore/ground.ts';
import type * as Ground from '../explore/ground.ts';
import { drawLife as drawSound, live as liveSound } from '../explore/life.ts';
import type * as Life from '../explore/life.ts';
import { withoutGuard } from '../still.ts';
import { edited, isInBundle, mostLives, type Mutant } from './mutant.ts';
import { mutants } from './mutants.ts';

/** What is said of one mutant, one line of JSON each. */
export interface Hunted {
  readonly name: string;
  readonly invariant: string;
  /** `null` when it was not found. */
  readonly seed: number | null;
  readonly lives: number;
  readonly sentence: string;
  readonly seconds: number;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    share: { type: 'string', default: '1/1' },
    /** Look in this range instead of at the known seeds. */
    from: { type: 'string' },
    lives: { type: 'string', default: String(mostLives) },
  },
});

const bundle = await readFile(bundlePath, 'utf8');
let sound: Life.Ground | null = null;

async function hunt(mutant: Mutant): Promise<Hunted> {
  const began = performance.now();
  const mark = `?mutant=${mutant.name}`;
  const { openGround } = (await import(`../explore/ground.js${mark}`)) as typeof Ground;
  const { drawLife, live } = (await import(`../explore/life.js${mark}`)) as typeof Life;
  const ground = await openGround(mutant.edits.filter(isInBundle).reduce(edited, bundle), withoutGuard());
  const isFound = (broken: string | null) =>
    [mutant.invariant, ...(mutant.also ?? [])].some((name) => broken?.startsWith(`${name}:`) === true);
  let lives = 0;
  let other: string | null = null;
  const end = (seed: number | null, sentence: string): Hunted => {
    const { name, invariant } = mutant;
    return { name, invariant, seed, lives, sentence, seconds: (performance.now() - began) / 1_000 };
  };
  for (const seed of seedsOf(mutant)) {
    lives += 1;
    const { broken } = await live(drawLife(seed), ground);
    // A life that breaks without the mutant too has found something, but not this.
    if (isFound(broken) && (await lived(seed)) === null) return end(seed, broken ?? '');
    other ??= broken;
  }
  return end(null, other === null ? 'every promise was kept' : `found something else: ${other.slice(0, 600)}`);
}

/** What a life breaks without any mutant. */
async function lived(seed: number): Promise<string | null> {
  sound ??= await openSound(bundle, withoutGuard());
  return (await liveSound(drawSound(seed), sound)).broken;
}

function* seedsOf({ seeds }: Mutant): Generator<number> {
  const count = Number(values.lives);
  if (values.from === undefined) yield* seeds;
  const from = Number(values.from ?? '1');
  for (let seed = from; seed < from + count; seed += 1) yield seed;
}

register('./hooks.js', import.meta.url);
Error.stackTraceLimit = 4;
const [part = 1, parts = 1] = values.share.split('/').map(Number);
const names = values.only?.split(',');
const hunted = mutants.filter(({ name }, index) => names?.includes(name) ?? index % parts === part - 1);
process.exitCode = hunted.length === 0 ? 1 : 0;
for (const mutant of hunted) {
  const found = await hunt(mutant);
  console.log(JSON.stringify(found));
  if (found.seed === null) process.exitCode = 1;
}
process.exit(); // the SDK leaves a timer behind
