/** Waiting until the data plane's controllers have taken up what was written on the route. */

import { ProviderError } from '../../errors.ts';
import type { Call } from './api.ts';
import { see, type Site } from './site.ts';

const betweenMs = 200;
/** A controller that knows a Service a moment later than the route that names it is not wrong yet. */
const patienceMs = 60_000;

/** Throws `conflict` when it is refused, and `unreachable` when nobody says anything. */
export async function untilAccepted(site: Site, canaryBp: number, doing: string, call: Call): Promise<void> {
  const until = site.clock.now() + patienceMs;
  for (;;) {
    const scene = await see(site, call);
    const acceptance = site.router.acceptance(scene.route, canaryBp);
    if (acceptance.kind === 'accepted') return;
    if (site.clock.now() >= until) {
      const code = acceptance.kind === 'rejected' ? 'conflict' : 'unreachable';
      throw new ProviderError({ code, doing, detail: acceptance.reason });
    }
    await site.clock.sleep(betweenMs, call.signal);
  }
}
