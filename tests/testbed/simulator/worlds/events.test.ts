import { describe, expect, it } from 'vitest';
import type { ProviderError } from '../../../../providers/errors.ts';
import { createNotifier } from '../../../../providers/notify/notifier.ts';
import type { WorldFault } from '../../../../spec/world.ts';
import type { Moment } from '../../../../spec/world-time.ts';
import { plainRelease } from '../../../../testbed/simulator/worlds/script.ts';
import { began, canary, given, hours, minutes, seconds } from './given.ts';

const at = (ms: number): Moment => ({ kind: 'at', ms });
const from = (weightBp: number, afterMs = 0): Moment => ({ kind: 'from', weightBp, afterMs });
const step = (index: number) => ({ kind: 'step', index }) as const;
const back = { kind: 'back' } as const;

/** The code of what a promise was rejected with. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error as ProviderError).code,
  );
}

describe('the proxy', () => {
  it('restarted without --resume forgets weights and claim; the fence lives on at the host and nothing may rise', async () => {
    const restart = { do: 'restart', when: from(2_500, minutes(5)), resume: false, downMs: seconds(2) } as const;
    const { world, target, clock, order, shares } = given({ proxy: [restart] });
    await target.deploy(order(1));
    await target.setWeights(order(2), shares(2_500), step(1));
    const shifted = clock.now();

    clock.pass(minutes(5) - 1);
    expect(world.truth(clock.now()).shares.get(canary.digest)).toBe(2_500);
    clock.pass(1);
    expect(world.truth(clock.now()).proxyUp).toBe(false);
    expect(await codeOf(target.setWeights(order(3), shares(10_000), step(2)))).toBe('unreachable');
    clock.pass(seconds(2));
    expect(await codeOf(target.setWeights(order(3), shares(10_000), step(2)))).toBe('fenced');
    expect(world.truth(clock.now())).toMatchObject({ proxyUp: true, claim: null, hostFence: 1 });
    expect(world.truth(clock.now()).shares).toEqual(new Map([[world.stable.digest, 10_000]]));
    expect(world.writes().at(-1)).toMatchObject({
      by: 'restart',
      at: shifted + minutes(5) + seconds(2),
      after: { claim: null },
    });
    expect(await target.confirm(order(2), 2_500)).toMatchObject({ kind: 'unknown' });
  });

  it('restarted with --resume is as it was', async () => {
    const restart = { do: 'restart', when: at(minutes(1)), resume: true, downMs: 0 } as const;
    const { target, clock, order, shares } = given({ proxy: [restart] });
    await target.deploy(order(1));
    await target.setWeights(order(2), shares(2_500), step(1));
    clock.pass(minutes(1));
    expect(await target.confirm(order(2), 2_500)).toEqual({ kind: 'live' });
  });

  it('restarted after promotion serves the new release where a hook wrote its file, and only there', async () => {
    const shareAfter = async (persistence: { kind: 'resume' } | { kind: 'hook'; url: string }) => {
      const { world, target, clock, order, shares } = given({}, { persistence });
      await target.deploy(order(1));
      await target.setWeights(order(2), shares(10_000), step(2));
      await target.promote(order(3));
      world.restartProxy({ resume: false }, clock.now());
      return world.truth(clock.now()).shares.get(canary.digest) ?? 0;
    };
    expect(await shareAfter({ kind: 'hook', url: 'http://127.0.0.1:9001/persist' })).toBe(10_000);
    expect(await shareAfter({ kind: 'resume' })).toBe(0);
  });

  it('whose weights somebody changes by hand has drifted, and the log says that it was a hand', async () => {
    const hand = { do: 'weights', when: from(100, minutes(1)), canaryBp: 5_000 } as const;
    const { world, target, clock, order, shares } = given({ proxy: [hand] });
    await target.deploy(order(1));
    await target.setWeights(order(2), shares(100), step(0));
    clock.pass(minutes(1));
    expect(await target.confirm(order(2), 100)).toMatchObject({ kind: 'drifted', acceptedBp: 5_000 });
    expect(world.writes().at(-1)).toMatchObject({ kind: 'route', by: 'hand', after: { claim: { fence: 2 } } });
    await target.setWeights(order(3), shares(0), back);
    expect(world.truth(clock.now()).shares.get(canary.digest) ?? 0).toBe(0);
  });

  it('lets testers through to the canary at any weight, and nobody else', async () => {
    const { http, target, order } = given();
    const ask = async (headers: Record<string, string>) => {
      const url = 'http://127.0.0.1:8080/';
      const answer = await http.send({
        method: 'GET',
        url,
        headers: { host: 'web.example', ...headers },
        timeoutMs: 1,
      });
      return answer.body;
    };
    await target.deploy(order(1));
    expect(await ask({})).toContain('v1');
    expect(await ask({ 'X-Sluice-Preview': 'canary' })).toContain('v2');
  });
});

describe('a release', () => {
  it('that never becomes ready is told so when patience ends', async () => {
    const { world, target, clock, order } = given({ releases: { canary: { ...plainRelease, readyAfterMs: null } } });
    expect(await codeOf(target.deploy(order(1)))).toBe('unreachable');
    expect(clock.now() - began).toBe(minutes(10));
    expect(world.truth(clock.now()).slots['b']).toMatchObject({ state: 'starting', ready: false });
  });

  it('that becomes unready at a weight gets its share and does not serve it', async () => {
    const unready = { first: false, points: [{ when: from(2_500, seconds(30)), value: true }] };
    const { world, target, clock, order, shares } = given({ releases: { canary: { ...plainRelease, unready } } });
    await target.deploy(order(1));
    await target.setWeights(order(2), shares(2_500), step(1));
    expect(await target.confirm(order(2), 2_500)).toEqual({ kind: 'live' });
    clock.pass(seconds(30));
    expect(await target.confirm(order(2), 2_500)).toMatchObject({ kind: 'pending' });
    const [, ofCanary] = world.truth(clock.now()).traffic;
    expect(ofCanary).toMatchObject({ digest: canary.digest, bp: 2_500, served: false });
  });

  it('that dies is started anew where it is restored, once', async () => {
    const dies = [at(minutes(30))];
    const { world, target, clock, order, shares, http } = given({ releases: { stable: { ...plainRelease, dies } } });
    await target.deploy(order(1));
    await target.setWeights(order(2), shares(2_500), step(1));
    clock.pass(minutes(30));
    expect(world.truth(clock.now()).slots['a']).toMatchObject({ state: 'failed', detail: 'ended with code 1' });
    expect(await codeOf(http.send({ method: 'GET', url: 'http://127.0.0.1:8001/', timeoutMs: 1 }))).toBe('unreachable');
    const sent = await http.send({
      method: 'GET',
      url: 'http://127.0.0.1:8080/',
      headers: { host: 'web.example' },
      timeoutMs: 1,
    });
    expect(sent.status).toBe(502);
    await target.restore(order(3));
    clock.pass(hours(90));
    expect(world.truth(clock.now()).slots['a']).toMatchObject({ state: 'running', ready: true });
  });
});

describe('what is only data here', () => {
  const fault = (what: WorldFault['what'], of: WorldFault['of'], during: WorldFault['during']): WorldFault => {
    return { what, of, during, chance: 1, methods: null, byMs: 3_000, status: 503 };
  };

  it('faults are told for the origins they are of, for their time', async () => {
    const slow = fault('slow', 'slots', { from: null, forMs: null });
    const conflict = fault('conflict', 'proxy', { from: from(100), forMs: minutes(1) });
    const { world, target, clock, order, shares } = given({ faults: [slow, conflict] });
    const proxy = () => world.faultsAt('http://127.0.0.1:2019', clock.now());
    await target.deploy(order(1));
    expect(proxy()).toEqual([]);
    await target.setWeights(order(2), shares(100), step(0));
    expect(proxy()).toEqual([conflict]);
    expect(world.faultsAt('http://127.0.0.1:8002', clock.now())).toEqual([slow]);
    expect(world.timeOf(from(100, 5))).toBe(clock.now() + 5);
    expect(world.timeOf(from(500))).toBeNull();
    clock.pass(minutes(1));
    expect(proxy()).toEqual([]);
  });

  it('notices are kept as they arrive', async () => {
    const channel = { kind: 'webhook', name: 'ops', url: 'http://127.0.0.1:9100/hook' } as const;
    const { world, http, clock } = given({}, { notify: [channel] });
    const notifier = createNotifier({ http, channels: [channel], redact: (words) => words, log: () => undefined });
    const notice = { rollout: 'r', severity: 'P1', key: 'k', title: 'Held', text: 'because' } as const;
    expect(await notifier.send(notice)).toEqual([]);
    expect(world.notices()).toEqual([{ at: clock.now(), body: expect.stringContaining('because') as string }]);
  });
});
