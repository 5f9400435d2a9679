/** The service's route as its users meet it: what a configuration of the proxy means for them, slot by slot. */

import type { Plan } from '../../../plan/plan.ts';
import type { DialShare } from './caddy-routes.ts';
import type { Tree } from './caddy-tree.ts';
import { meetingUnder } from './caddy-users.ts';
import { userVisit } from './first-config.ts';
import type { Places } from './places.ts';
import type { Slots } from './slots.ts';
import { claimIn, type RouteTruth, type Traffic } from './truth.ts';

export interface Route {
  /** Where the proxy that users meet stands in a configuration; `null` without one. */
  proxyAt(config: Tree): string | null;
  /** What would be so at a moment under a configuration. */
  under(config: Tree, now: number): RouteTruth;
  /** Where a balancer's settings stand and what they would have to be for such a share by hand; `null` without a proxy or without anybody to serve. */
  byHand(config: Tree, canaryBp: number): { readonly path: string; readonly settings: Tree } | null;
}

interface Lasting extends Pick<RouteTruth, 'claim' | 'preview'> {
  readonly shares: readonly DialShare[];
}

export function createRoute(plan: Plan, places: Places, slots: Slots): Route {
  const user = userVisit(places);
  const { port } = new URL(places.public);
  const { preview: declared } = plan.target;
  const tester = declared && { ...user, headers: { [declared.header]: declared.value } };
  const dials = Object.values(places.slots);
  const slotAt = (dial: string | undefined): string | null =>
    Object.entries(places.slots).find(([, address]) => address === dial)?.[0] ?? null;
  const digestAt = (dial: string): string | null => slots.at(slotAt(dial) ?? '')?.release.digest ?? null;

  const trafficTo = (dial: string, bp: number, now: number): Traffic => {
    const slot = slotAt(dial);
    return { dial, slot, digest: digestAt(dial), bp, served: slot !== null && slots.look(slot, now).ready };
  };

  /** What does not depend on the moment, by configuration: there are far more questions than changes. */
  const known = new WeakMap<object, Lasting>();
  const lasting = (config: Tree): Lasting => {
    const met = meetingUnder(config, port, user);
    const tested = tester && meetingUnder(config, port, tester);
    const preview = tested === null || tested.path === met?.path ? null : slotAt(tested.shares[0]?.dial);
    return { shares: met?.shares ?? [], claim: claimIn(config, dials), preview };
  };
  const lastingOf = (config: Tree): Lasting => {
    if (typeof config !== 'object' || config === null) return lasting(config);
    const found = known.get(config) ?? lasting(config);
    known.set(config, found);
    return found;
  };

  return {
    under(config, now) {
      const { shares, claim, preview } = lastingOf(config);
      return { traffic: shares.map(({ dial, bp }) => trafficTo(dial, bp, now)), claim, preview };
    },
    proxyAt: (config) => meetingUnder(config, port, user)?.path ?? null,
    byHand(config, canaryBp) {
      const met = meetingUnder(config, port, user);
      if (met === null) return null;
      const weights = met.dials.map((dial) => (digestAt(dial) === plan.release.digest ? canaryBp : 10_000 - canaryBp));
      if (!weights.some((weight) => weight > 0)) return null;
      const settings = { selection_policy: { policy: 'weighted_round_robin', weights } };
      return { path: `${met.path}/load_balancing`, settings };
    },
  };
}
