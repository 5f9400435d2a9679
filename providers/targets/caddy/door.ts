/** The deploy door: what starts and stops releases in the two slots of a host, whatever stands behind it. */

import { z } from 'zod';
import type { Release } from '../../../plan/release.ts';
import type { Order } from '../../../plan/target.ts';
import type { PreflightFinding } from '../../ports.ts';
import { releaseSchema } from '../claim-form.ts';
import type { BySlot, SlotName } from './connection.ts';

export const slotSchema = z.object({
  release: releaseSchema.nullable(),
  state: z.enum(['running', 'starting', 'stopped', 'failed']),
  ready: z.boolean(),
  detail: z.string().default(''),
  fence: z.int().min(0).default(0),
  rollout: z.string().nullable().default(null),
});

/** What a slot holds. `fence`: the largest that was admitted there. */
export type SlotState = z.output<typeof slotSchema>;
export type Slots = BySlot<SlotState>;

/** All throw `ProviderError`; what acts refuses a smaller fence than the host's largest with `fenced`, and is safe to repeat. */
export interface DeployDoor {
  readonly words: DoorWords;
  slots(signal?: AbortSignal, timeoutMs?: number): Promise<Slots>;
  /** Starts a release in a slot, in place of what runs there. The host knows the larger fence afterwards, also when it ran already. */
  put(slot: SlotName, order: Order, release: Release, signal?: AbortSignal): Promise<void>;
  /** Stops what runs in a slot; nothing when nothing does. */
  remove(slot: SlotName, order: Order, signal?: AbortSignal): Promise<void>;
  /** What it knows beforehand would fail, about releases that are to be put. `serving`: the slot with all traffic. */
  preflight(release: Release, serving: SlotName | null, signal?: AbortSignal): Promise<readonly PreflightFinding[]>;
}

/** How this target's sentences speak of a door. */
export interface DoorWords {
  /** `the deploy hook`. */
  readonly name: string;
  /** Last part of the code of the finding that it cannot be asked. */
  readonly code: string;
  /** How the operator makes the release known that serves, as the end of a sentence. */
  readonly makeKnown: string;
}
