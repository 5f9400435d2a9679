/** Objects that a rollout makes: by whom, and the one that divides the traffic where the owner's own cannot. */

import type { Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { Call } from './api.ts';
import { nameOfRef } from './refs.ts';
import type { Site } from './site.ts';

/** Another one for each effect: a late repeat of an earlier one meets a conflict, and overwrites nothing. */
export function managerFor({ run, fence }: Order): string {
  return `sluice/${run}/${fence}`.slice(0, 128);
}

/** Our object beside the owner's, at 0 %, where it is missing; it is claimed like any other afterwards. */
export async function makeRoute({ router, api }: Site, order: Order, doing: string, call: Call): Promise<void> {
  if (router.origin === null || (await api.get(router.ref, call)) !== null) return;
  const after = await api.get(router.origin, call);
  if (after === null) {
    throw new ProviderError({ code: 'missing', doing, detail: `${nameOfRef(router.origin)} does not exist` });
  }
  await api.create(router.ref, router.made(after), managerFor(order), call);
}
