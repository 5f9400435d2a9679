/** What a hook must not forget: the largest fence, and what should run in each slot. Kept in a file, replaced whole. */

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { releaseSchema } from './contract.ts';

const slotSchema = z.strictObject({
  release: releaseSchema.nullable(),
  fence: z.int(),
  rollout: z.string().nullable(),
  /** Process that was started for it. */
  pid: z.int().nullable(),
});

const stateSchema = z.strictObject({
  /** Largest fence ever admitted on this host; never goes down. */
  fence: z.int(),
  slots: z.record(z.string(), slotSchema),
});

export type SlotRecord = z.output<typeof slotSchema>;
export type HookState = z.output<typeof stateSchema>;

export const emptySlot: SlotRecord = { release: null, fence: 0, rollout: null, pid: null };

export function loadState(file: string): HookState {
  if (!existsSync(file)) return { fence: 0, slots: {} };
  return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Returns when the file is in place, so that an effect never comes before its fence. */
export function saveState(file: string, state: HookState): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(state, null, 2), { flush: true });
  renameSync(`${file}.new`, file);
}
