/** The demo from its run to its exit code: whatever happens, what is left running on purpose is left running. */

import { inspect } from 'node:util';

export interface Demo {
  /** Returns sentences about what did not end as it should. */
  readonly run: () => Promise<readonly string[]>;
  /** Leaves everything running until somebody stops it; `null` when nobody asked for that. */
  readonly keep: (() => Promise<void>) | null;
  readonly say: (line: string) => void;
}

/** The exit code. An error of the demo is said and counts as a failure; then things are kept all the same. */
export async function runDemo({ run, keep, say }: Demo): Promise<number> {
  const wrong = await run().catch((error: unknown) => [inspect(error)]); // with its causes
  for (const sentence of wrong) say(`WRONG: ${sentence}`);
  await keep?.();
  return wrong.length === 0 ? 0 : 1;
}
