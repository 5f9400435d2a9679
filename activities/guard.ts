/** The guardian: one heartbeating activity that looks every few seconds for rollouts that nobody carries on. */

import { Context } from '@temporalio/activity';
import { ProviderError } from '../providers/errors.ts';
import type { Activities, GuardMemory } from './contract.ts';
import type { Desk } from './guard-look.ts';
import { look } from './guard-look.ts';
import { wake } from './guard-standing.ts';
import type { Ports } from './ports.ts';
import { attemptSignal } from './signal.ts';
import { failureOf } from './verb.ts';

export function createGuard(ports: Ports): Activities['guard'] {
  return async (input) => {
    const context = Context.current();
    const known = isMemory(context.info.heartbeatDetails) ? context.info.heartbeatDetails : input.memory;
    const { clock, guardian, observer } = ports;
    const signal = attemptSignal();
    const until = clock.now() + input.forMs;
    const memory = wake(known, clock.now(), guardian);
    const desk: Desk = { memory, settled: new Set(), origins: new Map(), round: [], share: 0 };
    for (;;) {
      desk.memory = wake(desk.memory, clock.now(), guardian);
      await look(ports, desk, signal).catch((error: unknown) => {
        throw error instanceof ProviderError ? failureOf(error) : error;
      });
      context.heartbeat(desk.memory);
      observer.looked();
      if (clock.now() >= until) return desk.memory;
      await clock.sleep(guardian.everyMs, signal);
    }
  };
}

function isMemory(value: unknown): value is GuardMemory {
  return typeof value === 'object' && value !== null && 'lookedAt' in value && 'suspects' in value;
}
