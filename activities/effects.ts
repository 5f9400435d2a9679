/** The effects of a rollout on its way forward: each hands one order to the target and reads back what came of it. */

import { shareOf } from '../plan/target.ts';
import type { Liveness, Share } from '../plan/target.ts';
import { formatBp } from '../plan/units.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Activities, Effect, FlipInput, RetireInput, ShiftInput } from './contract.ts';
import type { Ports } from './ports.ts';
import { verb } from './verb.ts';

type Effects = Pick<
  Activities,
  'deploy' | 'ensureCapacity' | 'shift' | 'confirm' | 'promote' | 'flip' | 'retire' | 'restore' | 'letGo'
>;

export function createEffects(ports: Ports): Effects {
  const target = (input: Effect) => ports.target(input.target);
  const labelled = (what: string) => (input: Effect) => `${what} ${input.order.canary.label}`;
  return {
    deploy: verb(ports, 'deploy', labelled('starting'), async (input, signal) => {
      await mustBeFree(ports, input, signal);
      await target(input).deploy(input.order, signal);
    }),
    ensureCapacity: verb(ports, 'capacity', labelled('waiting for capacity for'), async (input: ShiftInput, signal) => {
      await target(input).ensureCapacity(input.order, input.canaryBp, signal);
    }),
    shift: verb(ports, 'shift', weighing('setting'), async (input: ShiftInput, signal) => {
      const { order, canaryBp, stage } = input;
      const reading = await target(input).setWeights(order, sharesFor(input), stage, signal);
      return { requestedBp: canaryBp, acceptedBp: shareOf(reading, order.canary.digest), at: ports.clock.now() };
    }),
    confirm: verb(ports, 'confirm', weighing('confirming'), (input: ShiftInput, signal) =>
      confirmed(ports, input, signal),
    ),
    promote: verb(ports, 'promote', labelled('promoting'), async (input, signal) => {
      await target(input).promote(input.order, signal);
    }),
    flip: verb(
      ports,
      'flip',
      ({ turned }: FlipInput) => `turning ${turned.id} off`,
      async (input, signal) => {
        const { switches } = target(input);
        const { id, place, off } = input.turned;
        if (switches === undefined) {
          const detail = 'this worker does not know how: is it of an older version than the one that made the plan?';
          throw new ProviderError({ code: 'invalid', doing: `turn ${id} off`, detail });
        }
        await switches.turn(input.order, place, off, signal);
      },
    ),
    restore: verb(ports, 'restore', labelled('restoring stable after'), async (input, signal) => {
      await target(input).restore(input.order, signal);
    }),
    retire: verb(ports, 'retire', labelled('retiring what lost to or with'), async (input: RetireInput, signal) => {
      await target(input).retire(input.order, input.loser, signal);
    }),
    letGo: verb(ports, 'let-go', labelled('letting go of'), async (input, signal) => {
      await target(input).letGo?.(input.order, signal);
    }),
  };
}

/** Since preflight another rollout may have claimed the objects: nobody takes them from one that runs, resumed or not. */
async function mustBeFree(ports: Ports, { target, order }: Effect, signal: AbortSignal): Promise<void> {
  const { claim } = await ports.target(target).read(signal);
  if (claim === null || claim.released || claim.rollout === order.rollout) return;
  if (!(await ports.rollouts.isRunning(claim))) return;
  throw new ProviderError({
    code: 'denied',
    doing: `deploy ${order.canary.label}`,
    detail: `the target is held by ${claim.rollout}, which is running: wait for it or abort it, then start again`,
  });
}

function weighing(what: string): (input: ShiftInput) => string {
  return (input) => `${what} ${formatBp(input.canaryBp)} for ${input.order.canary.label}`;
}

/** Absolute shares of both digests; never 0 on all. */
function sharesFor({ order, canaryBp }: ShiftInput): readonly Share[] {
  return [
    { digest: order.stable.digest, bp: 10_000 - canaryBp },
    { digest: order.canary.digest, bp: canaryBp },
  ];
}

const confirmPatienceMs = 90_000;

/** Pending and unknown may still become live; rejected and drifted will not by waiting. */
async function confirmed(ports: Ports, input: ShiftInput, signal: AbortSignal): Promise<Liveness> {
  const until = ports.clock.now() + confirmPatienceMs;
  for (;;) {
    const liveness = await ports.target(input.target).confirm(input.order, input.canaryBp, signal);
    const isSettled = liveness.kind !== 'pending' && liveness.kind !== 'unknown';
    if (isSettled || ports.clock.now() >= until) return liveness;
    await ports.clock.sleep(500, signal);
  }
}
