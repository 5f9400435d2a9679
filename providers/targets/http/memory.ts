/** What this process itself asked of an API that cannot refuse: so that its own late writes stop here. */

import type { Order } from '../../../plan/target.ts';
import type { Http } from '../../ports.ts';
import { ProviderError } from '../../errors.ts';
import type { Direction } from '../effects.ts';

interface Remembered {
  readonly run: string;
  readonly fence: number;
  /** It was told to go back. */
  readonly back: boolean;
}

/** Of one route; another worker's process knows nothing of it. */
export interface Memory {
  /** Throws `fenced` for what may raise, when this process has done something later for the same run. */
  admit(order: Order, direction: Direction, doing: string): void;
  /** To be said before the write is sent. */
  remember(order: Order, back: boolean): void;
}

const memories = new WeakMap<Http, Map<string, Memory>>();

/** It belongs to the door that the writes go through, so that it goes when the door goes. */
export function memoryFor(http: Http, place: string): Memory {
  const ofHttp = memories.get(http) ?? new Map<string, Memory>();
  memories.set(http, ofHttp);
  const memory = ofHttp.get(place) ?? createMemory();
  ofHttp.set(place, memory);
  return memory;
}

export function createMemory(): Memory {
  let last: Remembered | null = null;
  const ofRun = ({ run }: Order): Remembered | null => (last?.run === run ? last : null);
  return {
    admit(order, direction, doing) {
      const known = ofRun(order);
      // What lowers is never too late.
      if (known === null || direction === 'lower') return;
      const refuse = (detail: string): never => {
        throw new ProviderError({ code: 'fenced', doing, detail, fence: known.fence });
      };
      if (order.fence < known.fence) refuse(`this effect carries fence ${order.fence}, ${known.fence} was used since`);
      if (known.back) refuse('this rollout is going back, nothing rises any more');
    },
    remember(order, back) {
      const known = ofRun(order);
      last = { run: order.run, fence: Math.max(order.fence, known?.fence ?? 0), back: back || known?.back === true };
    },
  };
}
