/** The containers under the slots' names, as one listing of the engine shows them. */

import { z } from 'zod';
import { ProviderError } from '../../../errors.ts';
import type { EngineCall } from '../../../ports.ts';
import { type SlotName, slotNames } from '../connection.ts';
import type { DockerHost } from './host.ts';
import { type Labels, routeLabel } from './labels.ts';

export interface Found {
  readonly name: string;
  readonly slot: SlotName;
  /** The one in its name; 0 in a name without. */
  readonly fence: number;
  /** It carries the route's label, so it may be touched. */
  readonly isOurs: boolean;
  readonly labels: Labels;
}

/** A container's name tells the largest fence that was admitted for it: a rename is the engine's compare-and-set. */
export function nameWith(base: string, fence: number): string {
  return `${base}.${fence}`;
}

export function fenceIn(base: string, name: string): number | null {
  if (name === base) return 0;
  const [, digits] = name.startsWith(`${base}.`) ? (/^(\d{1,15})$/.exec(name.slice(base.length + 1)) ?? []) : [];
  return digits === undefined ? null : Number(digits);
}

const listed = z.array(
  z.object({ Names: z.array(z.string()).nullish(), Labels: z.record(z.string(), z.string()).nullish() }),
);

/** Every container that has one of the slots' names, the largest fence first. */
export async function look(host: DockerHost, call: EngineCall): Promise<readonly Found[]> {
  const answer = listed.safeParse(await host.engine.list(call));
  if (!answer.success) throw notUnderstood('list the containers');
  const found = answer.data.flatMap(({ Names, Labels }) =>
    (Names ?? []).flatMap((name) => {
      const labels = Labels ?? {};
      const isOurs = labels[routeLabel] === host.route;
      return placeOf(host, name.replace(/^\//, '')).map((place) => ({ ...place, isOurs, labels }));
    }),
  );
  return found.toSorted((one, other) => other.fence - one.fence);
}

function placeOf({ containers }: DockerHost, name: string) {
  return slotNames.flatMap((slot) => {
    const fence = fenceIn(containers[slot], name);
    return fence === null ? [] : [{ name, slot, fence }];
  });
}

/** What a slot holds: what else has its name is left over from an effect that came too late. */
export function heldBy(found: readonly Found[], slot: SlotName): Found | null {
  return found.find((one) => one.slot === slot) ?? null;
}

/** Throws `denied` for a container that the operator did not give to Sluice. */
export function mustBeOurs(host: DockerHost, { name, isOurs }: Found, doing: string): void {
  if (isOurs) return;
  const detail = `the container ${name} does not carry the label ${routeLabel}=${host.route}, so it is not Sluice's to touch`;
  throw new ProviderError({ code: 'denied', doing, detail });
}

export function notUnderstood(asked: string): ProviderError {
  const detail = 'the answer is none of the Docker Engine API';
  return new ProviderError({ code: 'unreachable', doing: `${asked} at the container engine`, detail });
}
