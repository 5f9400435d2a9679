/** A deploy host that lies for a time: it takes orders without effect, and says that something serves where nothing was started. */

import type { HookRelease, SlotState } from '../../deploy-hook/contract.ts';
import { json, textOf, urlOf, type Host } from '../worlds/host.ts';
import type { Lie } from './mischief.ts';

interface Order {
  readonly release: HookRelease;
  readonly rollout: string;
  readonly fence: number;
}

/** `began`: what the lie's times count from, epoch ms. */
export function lying(host: Host, lie: Lie, began: number): Host {
  const claimed = new Map<string, SlotState>();
  return {
    ...host,
    answer(request, now) {
      const isLying = now - began >= lie.fromMs && now - began < lie.untilMs;
      const [, , slot] = urlOf(request.url).pathname.split('/');
      if (!isLying) return host.answer(request, now);
      if (request.method === 'PUT' && slot !== undefined) {
        const { release, rollout, fence } = JSON.parse(textOf(request)) as Order;
        const said = { ...release, ...(lie.what === 'other' && { digest: `sha256:${'9'.repeat(64)}`, label: 'v9' }) };
        claimed.set(slot, { release: said, rollout, fence, state: 'running', ready: true, detail: '' });
        return json(200, claimed.get(slot));
      }
      const answer = host.answer(request, now);
      if (request.method !== 'GET' || slot !== undefined || answer.status !== 200) return answer;
      const { slots } = JSON.parse(answer.body) as { slots: Readonly<Record<string, SlotState>> };
      return json(200, { slots: { ...slots, ...Object.fromEntries(claimed) } });
    },
  };
}
