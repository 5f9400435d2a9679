/** A defect of our own making: a few words of the compiled code replaced, to see that explored lives find it. */

export interface Edit {
  /** Compiled, below `dist/`. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  readonly name: string;
  /** What it breaks: lives must say so by this name. */
  readonly invariant: string;
  /** Other promises in whose words the same defect may be found first. */
  readonly also?: readonly string[];
  /** Several where one guard stands behind another: without one of them alone nothing is broken. */
  readonly edits: readonly Edit[];
  /** Seeds that are known to find it, tried first; then all from 1 on. */
  readonly seeds: readonly number[];
}

/** Lives after which a mutant counts as not found. */
export const mostLives = 1_500;

/** Throws when the words are not there, or more than once: the code has changed, and the mutant has to follow. */
export function edited(code: string, { file, from, to }: Edit): string {
  const [before, after, ...more] = code.split(from);
  if (before !== undefined && after !== undefined && more.length === 0) return before + to + after;
  const count = code.split(from).length - 1;
  throw new Error(`${file} has ${JSON.stringify(from)} ${String(count)} times, not once: bring the mutant up to date`);
}

/** What runs in the sandbox stands in the bundle, and the worker has modules of its own; the pure rooms are in both. */
export function isInBundle({ file }: Edit): boolean {
  return /^(?:workflows|approvals|plan)\//.test(file);
}

export function isOfWorker({ file }: Edit): boolean {
  return !/^(?:workflows|approvals)\//.test(file);
}
