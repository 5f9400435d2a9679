/** What the caddy target says to a deploy hook and hears from it: releases, slots, and the rules for a call. */

import { z } from 'zod';

/** Ends up in command lines and file names: nothing but what a label needs. */
const label = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'letters, digits, dot, dash, underscore; at most 63');

export const releaseSchema = z.strictObject({
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'sha256: and 64 hex digits'),
  label,
  image: z.string().min(1).max(255),
});

/** Body of `PUT /slots/{slot}`. */
export const deploySchema = z.strictObject({
  release: releaseSchema,
  rollout: z.string().min(1).max(512),
  run: z.string().min(1).max(128),
  fence: z.int().min(0),
});

/** Query of `DELETE /slots/{slot}`. */
export const removeSchema = z.object({
  rollout: z.string().min(1).max(512),
  fence: z.coerce.number().pipe(z.int().min(0)),
});

export type HookRelease = z.output<typeof releaseSchema>;
export type Deploy = z.output<typeof deploySchema>;
export type Remove = z.output<typeof removeSchema>;

/** One slot in an answer. */
export interface SlotState {
  /** What should run here; `null` after a removal. */
  readonly release: HookRelease | null;
  readonly state: 'running' | 'starting' | 'stopped' | 'failed';
  readonly ready: boolean;
  /** Why it is not ready; empty when there is nothing to say. */
  readonly detail: string;
  /** Fence of the last call that was admitted for this slot. */
  readonly fence: number;
  readonly rollout: string | null;
}

/** Thrown when a call carries a smaller fence than one already admitted on this host. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
  readonly fence: number;

  constructor(fence: number) {
    super(`a call with fence ${fence} was admitted before`);
    this.fence = fence;
  }
}
