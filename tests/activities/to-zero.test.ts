import { describe, expect, it } from 'vitest';
import { toLastingZero, toZero } from '../../activities/to-zero.ts';
import type { HttpResponse } from '../../providers/ports.ts';
import {
  createApi,
  lost,
  orderOf,
  patientClock,
  sharesOf,
  targetOf,
  type Declared,
} from '../providers/targets/http/given.ts';

const never = new AbortController().signal;
const step = { kind: 'step', index: 0 } as const;

/** A rollout at 25 % whose next raise, to 50 %, hangs on its way while zero is written. */
async function hanging(declared: Declared) {
  const clock = patientClock();
  const api = createApi();
  const target = targetOf(api, { ...declared, clock });
  await target.deploy(orderOf(1));
  await target.setWeights(orderOf(2), sharesOf(2500), step);
  const late: (() => HttpResponse)[] = [];
  const stop = new AbortController();
  api.next['PUT'] = [(act) => (late.push(act), stop.abort(new Error('aborted')), lost())];
  await expect(target.setWeights(orderOf(3), sharesOf(5000), step, stop.signal)).rejects.toThrow();
  const land = () => late.forEach((act) => act());
  return { api, target, clock, land };
}

const percents = ({ members }: ReturnType<typeof createApi>) => members.map(({ percent }) => percent);

describe('zero at a target that cannot refuse a late call', () => {
  it.each([
    ['without a claim', { claims: false }],
    ['with a claim', {}],
  ])('is asserted again when calls sent before have had their effect, %s', async (_, declared) => {
    const { api, target, clock, land } = await hanging(declared);
    const began = clock.now();
    const waited: number[] = [];
    const onWait = (ms: number) => {
      waited.push(ms);
      expect(percents(api)).toEqual([100, 0]);
      land();
      expect(percents(api)).toEqual([50, 50]);
    };
    const zeroed = await toLastingZero({ clock, target }, { order: orderOf(4), mayBeGone: false }, never, onWait);
    expect(percents(api)).toEqual([100, 0]);
    expect(zeroed).toMatchObject({ kind: 'zero', fromBp: 5000 });
    expect(waited).toEqual([30_000]);
    expect(clock.now() - began).toBeGreaterThanOrEqual(30_000);
  });

  it('is written once where the target refuses by itself', async () => {
    const { api, target, clock, land } = await hanging({ versions: true });
    const onWait = () => expect.unreachable('nothing is waited for');
    await toLastingZero({ clock, target }, { order: orderOf(4), mayBeGone: false }, never, onWait);
    land();
    expect(percents(api)).toEqual([100, 0]);
  });

  it('one zero alone would have been undone by the late call', async () => {
    const { api, target, clock, land } = await hanging({ claims: false });
    await toZero({ clock, target }, { order: orderOf(4), mayBeGone: false }, never);
    land();
    expect(percents(api)).toEqual([50, 50]);
  });
});
