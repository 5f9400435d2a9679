/** What our containers say about themselves, in labels that are written once, when they are created. */

import type { Release } from '../../../../plan/release.ts';
import type { Order } from '../../../../plan/target.ts';
import { releaseSchema } from '../../claim-form.ts';
import type { SlotName } from '../connection.ts';

export type Labels = Readonly<Record<string, string>>;

/** Whoever puts this label on a container, with the route's name, lets Sluice stop it and create others like it. */
export const routeLabel = 'sluice.route';
export const labelLabel = 'sluice.label';

export function isLabelOfOurs(name: string): boolean {
  return name.startsWith('sluice.');
}

export function labelsFor(route: string, slot: SlotName, order: Order, release: Release): Labels {
  return {
    [routeLabel]: route,
    'sluice.slot': slot,
    'sluice.rollout': order.rollout,
    'sluice.run': order.run,
    'sluice.fence': String(order.fence),
    'sluice.digest': release.digest,
    [labelLabel]: release.label,
    'sluice.image': release.image,
  };
}

/** Whose effect created the container; `null` when it was not one of ours. */
export function authorIn(labels: Labels): { rollout: string; run: string; fence: number } | null {
  const { 'sluice.rollout': rollout, 'sluice.run': run, 'sluice.fence': fence } = labels;
  if (rollout === undefined || run === undefined || fence === undefined || !/^\d{1,15}$/.test(fence)) return null;
  return { rollout, run, fence: Number(fence) };
}

export function releaseIn(labels: Labels): Release | null {
  const said = { digest: labels['sluice.digest'], label: labels[labelLabel], image: labels['sluice.image'] };
  return releaseSchema.safeParse(said).data ?? null;
}
