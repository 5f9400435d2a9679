import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { shareOf } from '../../plan/target.ts';
import { ProviderError } from '../../providers/errors.ts';
import { createHttp } from '../../providers/http.ts';
import type { Target } from '../../providers/ports.ts';
import { locate } from '../../testbed/servers/locate.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { waitFor } from '../../testbed/wait.ts';
import { expecting, request, runnerWith, suite } from '../providers/smoke-given.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canary, host, orderOf, type Routes, sharesOf, stable, startWorld, type World } from './caddy-world.ts';

const preview = { header: 'x-sluice-preview', value: 'canary' };
const step = (index: number) => ({ kind: 'step', index }) as const;
const back = { kind: 'back' } as const;

const folder = temporaryFolder('caddy');
let world: World | undefined;

afterEach(async () => {
  await world?.stop();
  world = undefined;
});

async function begin(routes?: Routes): Promise<World> {
  world = await startWorld(folder, routes);
  return world;
}

/** A world in which the canary runs at 0 %, with fence 1. */
async function deployed(change: Parameters<World['target']>[0] = {}, routes?: Routes): Promise<[World, Target]> {
  const begun = await begin(routes);
  const target = begun.target(change);
  await target.deploy(orderOf(1));
  return [begun, target];
}

async function errorOf(doing: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await doing.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProviderError)) throw new Error(`not a ProviderError: ${String(error)}`);
  return error;
}

function patches({ admin }: World): { status: number | null; fence: number }[] {
  return admin
    .entries()
    .filter(({ method }) => method === 'PATCH')
    .map(({ status, requestBody }) => ({ status, fence: Number(/"fence":(\d+)/.exec(requestBody)?.[1]) }));
}

describe('shares', () => {
  it('are exact over real requests at 1, 5, 25 and 100 %, and back at 0', async () => {
    const [{ count }, target] = await deployed();
    const seen: Record<string, number>[] = [await count(200)];
    for (const [index, bp] of [100, 500, 2500, 10_000].entries()) {
      const reading = await target.setWeights(orderOf(index + 2), sharesOf(bp), step(index));
      expect(shareOf(reading, canary.digest)).toBe(bp);
      expect(await target.confirm(orderOf(index + 2), bp)).toEqual({ kind: 'live' });
      seen.push(await count(400));
    }
    await target.setWeights(orderOf(6), sharesOf(0), back);
    seen.push(await count(200));
    expect(seen).toEqual([
      { v1: 200 },
      { v1: 396, v2: 4 },
      { v1: 380, v2: 20 },
      { v1: 300, v2: 100 },
      { v2: 400 },
      { v1: 200 },
    ]);
  });

  it('are written once: a repeat of the same effect changes nothing, so the balancer goes on with its cycle', async () => {
    const [begun, target] = await deployed();
    for (let tries = 0; tries < 2; tries++) await target.deploy(orderOf(1));
    for (let tries = 0; tries < 3; tries++) await target.setWeights(orderOf(2), sharesOf(500), step(0));
    for (let tries = 0; tries < 2; tries++) await target.raiseFence(orderOf(2));
    expect(patches(begun).map(({ fence }) => fence)).toEqual([1, 2]);
  });

  it('are absolute shares of both digests, or refused', async () => {
    const [, target] = await deployed();
    for (const shares of [[], sharesOf(500).slice(1), [{ digest: `sha256:${'c'.repeat(64)}`, bp: 10_000 }]]) {
      expect((await errorOf(target.setWeights(orderOf(2), shares, step(0)))).code).toBe('invalid');
    }
  });

  it('that somebody changed by hand show as drift; the same effect does not raise again, a new one does', async () => {
    const [begun, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(2500), step(1));
    await handWeights(begun, [9, 1]);
    expect(await target.confirm(orderOf(2), 2500)).toMatchObject({ kind: 'drifted', acceptedBp: 1000 });
    expect(shareOf(await target.setWeights(orderOf(2), sharesOf(2500), step(1)), canary.digest)).toBe(1000);
    expect(shareOf(await target.setWeights(orderOf(3), sharesOf(2500), step(1)), canary.digest)).toBe(2500);
  });

  it('carry the time of their last change: a new number for the same weight does not restart a bake', async () => {
    const [begun, target] = await deployed();
    const since = async () => (await target.read()).claim?.since;
    const atDeploy = await since();
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    const atStep = await since();
    await target.setWeights(orderOf(3), sharesOf(500), step(0));
    await target.raiseFence(orderOf(4));
    expect(await since()).toBe(atStep);
    expect(atStep).toBeGreaterThan(atDeploy ?? Infinity);
    await handWeights(begun, [9, 1]);
    await target.setWeights(orderOf(5), sharesOf(500), step(0));
    expect(await since()).toBeGreaterThan(atStep ?? Infinity);
  });

  it('above plan are put back by the number that stands there already', async () => {
    const [begun, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    await handWeights(begun, [1, 1]);
    expect(shareOf(await target.read(), canary.digest)).toBe(5000);
    expect(shareOf(await target.setWeights(orderOf(2), sharesOf(500), step(0)), canary.digest)).toBe(500);
  });

  it('to upstreams that are no slot are unknown; lowering takes theirs too, raising is refused', async () => {
    const [begun, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    const path = await splitPath(begun);
    await begun.setConfig('POST', `${path}/upstreams`, { dial: '127.0.0.1:1' });
    await begun.setConfig('PATCH', `${path}/load_balancing/selection_policy/weights`, [90, 5, 5]);
    expect((await target.read()).unknownBp).toBe(500);
    expect((await errorOf(target.setWeights(orderOf(3), sharesOf(2500), step(1)))).code).toBe('conflict');
    const reading = await target.setWeights(orderOf(3), sharesOf(0), back);
    expect(reading).toMatchObject({ shares: [{ digest: stable.digest, bp: 10_000 }], unknownBp: 0 });
    expect(await begun.count(100)).toEqual({ v1: 100 });
  });
});

describe('the fence', () => {
  it('refuses a smaller number for ever', async () => {
    const [begun, target] = await deployed();
    await target.raiseFence(orderOf(9));
    expect(await errorOf(target.setWeights(orderOf(5), sharesOf(500), step(0)))).toMatchObject({
      code: 'fenced',
      fence: 9,
    });
    expect(await errorOf(target.deploy(orderOf(1)))).toMatchObject({ code: 'fenced', fence: 9 });
    expect(await errorOf(target.promote(orderOf(8)))).toMatchObject({ code: 'fenced', fence: 9 });
    expect(await begun.count(50)).toEqual({ v1: 50 });
  });

  it('raised alone leaves weights, stage and preview as they are', async () => {
    const [begun, target] = await deployed({ plan: { preview } });
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    const before = await begun.config('/id/sluice-web');
    const reading = await target.raiseFence(orderOf(7));
    expect(reading.claim).toMatchObject({ fence: 7, stage: step(0), canaryBp: 500 });
    const after = await begun.config('/id/sluice-web');
    expect(JSON.stringify(after).replace('"fence":7', '"fence":2')).toBe(JSON.stringify(before));
  });

  it('of another rollout that holds the route refuses everything and names it, zero for our own release included', async () => {
    const [, target] = await deployed();
    const other = orderOf(50, { rollout: 'rollout/production/shop', run: 'run-9' });
    const all = [
      () => target.deploy(other),
      () => target.setWeights(other, sharesOf(0), back),
      () => target.raiseFence(other),
      () => target.retire(other, canary),
    ];
    for (const doing of all) {
      const error = await errorOf(doing());
      expect(error).toMatchObject({ code: 'fenced', fence: 1 });
      expect(error.message).toContain('rollout/production/web (run run-1)');
    }
  });

  it('stays when a rollout is over: the next one goes on from it', async () => {
    const [begun, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(0), back);
    await target.retire(orderOf(3), canary);
    expect((await target.read()).claim).toMatchObject({ released: true, fence: 3 });
    const next = { rollout: 'rollout/production/web', run: 'run-2' };
    expect((await errorOf(target.deploy(orderOf(3, next)))).code).toBe('fenced');
    await target.deploy(orderOf(4, next));
    expect((await target.read()).claim).toMatchObject({ run: 'run-2', fence: 4, released: false });
    expect(await begun.count(50)).toEqual({ v1: 50 });
  });

  it('of a rollout that ended without letting go is taken over by the next number only', async () => {
    const [, target] = await deployed();
    const later = { rollout: 'rollout/production/shop', run: 'run-9' };
    expect((await errorOf(target.deploy(orderOf(3, later)))).code).toBe('fenced');
    await target.deploy(orderOf(2, later));
    expect((await target.read()).claim).toMatchObject({ ...later, fence: 2 });
    expect((await errorOf(target.setWeights(orderOf(9), sharesOf(0), back))).code).toBe('fenced');
  });

  it('never goes down and has one owner when twenty rollouts claim at once', async () => {
    const begun = await begin();
    const claims = Array.from({ length: 20 }, async (_, number) => {
      const order = orderOf(1, { rollout: `rollout/production/web-${number}`, run: `run-${number}` });
      await begun.target({ http: createHttp() }).raiseFence(order);
      return order.rollout;
    });
    const results = await Promise.allSettled(claims);
    const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const losers = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as ProviderError] : []));
    expect(winners).toHaveLength(1);
    expect(losers.map(({ code }) => code)).toEqual(Array.from({ length: 19 }, () => 'fenced'));
    expect((await begun.target().read()).claim?.rollout).toBe(winners[0]);
    expect(patches(begun).filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('only ever rises when twenty writers of one rollout race through doors of their own', async () => {
    const [begun] = await deployed();
    const fences = Array.from({ length: 20 }, (_, number) => number + 2);
    await Promise.allSettled(
      fences.map((fence) =>
        begun.target({ http: createHttp() }).setWeights(orderOf(fence), sharesOf(100 * fence), step(fence)),
      ),
    );
    const written = patches(begun).flatMap(({ status, fence }) => (status === 200 ? [fence] : []));
    expect(written).toEqual(written.toSorted((left, right) => left - right));
    expect(new Set(written).size).toBe(written.length);
    const { claim, shares } = await begun.target().read();
    expect(claim?.fence).toBe(written.at(-1));
    expect(shares).toContainEqual({ digest: canary.digest, bp: claim?.canaryBp });
  });

  it('refuses a write that was held up on its way while a larger number arrived', async () => {
    const [begun, target] = await deployed();
    const { arrived } = holdUp(begun, 2, 1_000);
    const zombie = errorOf(target.setWeights(orderOf(2), sharesOf(2500), step(0)));
    const direct = begun.target({ admin: begun.caddy.adminUrl, http: createHttp() });
    await arrived;
    await direct.raiseFence(orderOf(3));
    await direct.setWeights(orderOf(3), sharesOf(0), back);
    expect(await zombie).toMatchObject({ code: 'fenced', fence: 3 });
    expect(await begun.count(100)).toEqual({ v1: 100 });
    expect(patches(begun).at(-1)).toEqual({ status: 412, fence: 2 });
  });

  it('does not make what lowers wait for a raise that hangs in the same process', async () => {
    const [begun, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    const { arrived } = holdUp(begun, 3, 3_000);
    const raise = errorOf(target.setWeights(orderOf(3), sharesOf(2500), step(1)));
    await arrived;
    const before = Date.now();
    await target.setWeights(orderOf(4), sharesOf(0), back);
    expect(Date.now() - before).toBeLessThan(1_500);
    expect(await raise).toMatchObject({ code: 'fenced', fence: 4 });
  });

  it('lets nothing rise after the rollout has gone back, whatever its number', async () => {
    const [, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    await target.setWeights(orderOf(3), sharesOf(0), back);
    expect((await errorOf(target.setWeights(orderOf(4), sharesOf(500), step(0)))).code).toBe('fenced');
  });
});

describe('a lost answer', () => {
  it('of a write that took effect is read back, not repeated', async () => {
    const [begun, target] = await deployed();
    begun.admin.fault({ method: 'PATCH', times: 1, fault: { kind: 'drop', where: 'answer' } });
    const reading = await target.setWeights(orderOf(2), sharesOf(500), step(0));
    expect(shareOf(reading, canary.digest)).toBe(500);
    expect(patches(begun)).toEqual([
      { status: 200, fence: 1 },
      { status: 200, fence: 2 },
    ]);
  });

  it('of a write that never arrived is repeated', async () => {
    const [begun, target] = await deployed();
    begun.admin.fault({ method: 'PATCH', times: 2, fault: { kind: 'drop', where: 'request' } });
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    expect(patches(begun).at(-1)).toEqual({ status: 200, fence: 2 });
    expect(await begun.count(100)).toEqual({ v1: 95, v2: 5 });
  });

  it('of a read is asked for again', async () => {
    const [begun, target] = await deployed();
    begun.admin.fault({ method: 'GET', times: 2, fault: { kind: 'drop', where: 'request' } });
    expect((await target.read()).claim?.fence).toBe(1);
  });
});

describe('a restart of Caddy', () => {
  it('with --resume forgets nothing', async () => {
    const [begun, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    await begun.caddy.restart({ resume: true });
    expect(await target.confirm(orderOf(2), 500)).toEqual({ kind: 'live' });
    await target.setWeights(orderOf(3), sharesOf(2500), step(1));
    expect(await begun.count(100)).toEqual({ v1: 75, v2: 25 });
  });

  it('without it loses the claim: that is noticed, nothing rises any more, going back works', async () => {
    const [begun, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    await begun.caddy.restart({ resume: false });
    expect(await target.read()).toMatchObject({
      claim: null,
      fence: 1, // the host remembers the one of the deployment
      shares: [{ digest: stable.digest, bp: 10_000 }],
      unknownBp: 0,
    });
    expect(await target.confirm(orderOf(2), 500)).toMatchObject({ kind: 'unknown' });
    const refused = await errorOf(target.setWeights(orderOf(3), sharesOf(2500), step(1)));
    expect(refused).toMatchObject({ code: 'fenced', message: expect.stringContaining('forgot its fence') as string });
    expect((await errorOf(target.promote(orderOf(3)))).code).toBe('fenced');
    const reading = await target.setWeights(orderOf(4), sharesOf(0), back);
    expect(reading.claim).toMatchObject({ fence: 4, stage: back, canaryBp: 0 });
    expect(await target.confirm(orderOf(4), 0)).toEqual({ kind: 'live' });
  });
});

describe('the preview', () => {
  it('leads WebSocket handshakes of smoke to the canary at 0 %, and those at stable to it', async () => {
    const [, target] = await deployed({ plan: { preview }, route: { longLived: true } });
    const runner = runnerWith();
    const who = (label: string) =>
      suite([
        request('who', {
          socket: { handshake: 'accepted', firstMessageMs: 5_000 },
          body: { kind: 'text', value: 'who' },
          expect: expecting({ status: '101', contains: `${label}: who` }),
        }),
      ]);
    for (const [at, label] of [
      ['canary', 'v2'],
      ['stable', 'v1'],
    ] as const) {
      const aim = await target.aim(at, orderOf(1));
      if (aim === null) throw new Error(`no aim at ${at}`);
      expect(await runner.run(who(label), aim)).toMatchObject({ passed: true });
    }
  });

  it('reaches the canary at 0 % and at any weight, nobody else does, and it is off in the write that goes back', async () => {
    const [begun, target] = await deployed({ plan: { preview } });
    const header = { [preview.header]: preview.value };
    const aim = await target.aim('canary', orderOf(1));
    expect(aim).toEqual({ baseUrl: `http://127.0.0.1:${begun.publicPort}`, headers: { host, ...header } });
    expect(await begun.count(20, aim?.headers)).toEqual({ v2: 20 });
    expect(await begun.count(20, { [preview.header]: 'other' })).toEqual({ v1: 20 });
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    expect(await begun.count(20, header)).toEqual({ v2: 20 });
    expect(await begun.count(200)).toEqual({ v1: 190, v2: 10 });
    await target.setWeights(orderOf(3), sharesOf(0), back);
    expect(await begun.count(20, header)).toEqual({ v1: 20 });
    expect(patches(begun).map(({ fence }) => fence)).toEqual([1, 2, 3]);
  });

  it('without a header: both releases are reached at their slots', async () => {
    const [begun, target] = await deployed();
    expect(await target.aim('canary', orderOf(1))).toEqual({ baseUrl: `http://${begun.slots.b}`, headers: { host } });
    expect(await target.aim('stable', orderOf(1))).toEqual({ baseUrl: `http://${begun.slots.a}`, headers: { host } });
  });
});

describe('adoption', () => {
  it('keeps every other route, handler and option byte for byte', async () => {
    const others = [
      { match: [{ host: ['first.example'] }], handle: [{ handler: 'static_response', body: 'x' }], terminal: true },
      { '@id': 'mine', match: [{ host: ['other.example'] }], handle: [{ handler: 'vars', key: 'v' }] },
    ];
    const kept = [
      { handler: 'headers', response: { set: { 'X-Frame-Options': ['DENY'] } } },
      { handler: 'encode', encodings: { gzip: {} }, prefer: ['gzip'] },
    ];
    const options = {
      flush_interval: -1,
      headers: { request: { set: { 'X-From': ['edge'] } } },
      stream_close_delay: '60s',
    };
    const routes: Routes = ({ a }) => [
      others[0],
      {
        match: [{ host: [host], path: ['/*'] }],
        handle: [...kept, { handler: 'reverse_proxy', '@id': 'my-proxy', upstreams: [{ dial: a }], ...options }],
        terminal: true,
      },
      others[1],
    ];
    const [begun, target] = await deployed({ plan: { preview } }, routes);
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    const path = '/config/apps/http/servers/srv0/routes';
    const [first, ours, last] = (await begun.config(path)) as Record<string, unknown>[];
    expect([first, last]).toEqual(others);
    expect(ours).toMatchObject({ '@id': 'sluice-web', match: [{ host: [host], path: ['/*'] }], terminal: true });
    const handlers = ours?.['handle'] as Record<string, unknown>[];
    expect(handlers.slice(1, 3)).toEqual(kept);
    const inner = handlers[3]?.['routes'] as { handle: Record<string, unknown>[] }[];
    expect(inner[0]?.handle[0]).toEqual({ handler: 'reverse_proxy', upstreams: [{ dial: begun.slots.b }], ...options });
    expect(inner[1]?.handle[0]).toMatchObject({ handler: 'reverse_proxy', '@id': 'my-proxy', ...options });
    expect(handlers).toHaveLength(4);
    expect(await begun.count(100)).toEqual({ v1: 95, v2: 5 });
  });

  it('finds a route in the subroutes that a Caddyfile makes', async () => {
    const routes: Routes = ({ a }, port) =>
      adapt(`{
        admin off
        auto_https off
      }
      http://first.example:${port} {
        reverse_proxy 127.0.0.1:1
      }
      http://${host}:${port} {
        encode gzip
        header X-Frame-Options DENY
        handle /api/* {
          respond "api"
        }
        handle {
          reverse_proxy ${a} {
            header_up X-From edge
          }
        }
      }`);
    const [begun, target] = await deployed({ plan: { preview } }, routes);
    await target.setWeights(orderOf(2), sharesOf(2500), step(0));
    expect(await begun.count(100)).toEqual({ v1: 75, v2: 25 });
    expect(await begun.count(10, { [preview.header]: preview.value })).toEqual({ v2: 10 });
    expect((await target.preflight([100], canary)).map(({ code }) => code)).not.toContain('caddy.route');
  });

  it('finds the route again when somebody took its id away, and when other routes moved it', async () => {
    const [begun, target] = await deployed({ plan: { preview } });
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    await begun.setConfig('DELETE', '/id/sluice-web/@id', undefined);
    const first = { match: [{ host: ['first.example'] }], handle: [{ handler: 'static_response', body: 'x' }] };
    await begun.setConfig('PUT', '/config/apps/http/servers/srv0/routes/0', first);
    expect(await target.confirm(orderOf(2), 500)).toEqual({ kind: 'live' });
    await target.setWeights(orderOf(3), sharesOf(2500), step(1));
    expect(await begun.config('/id/sluice-web')).toMatchObject({ '@id': 'sluice-web' });
    expect(await begun.count(100)).toEqual({ v1: 75, v2: 25 });
  });

  it('does not take the id away that the operator gave', async () => {
    const routes: Routes = ({ a }) => [{ '@id': 'mine', ...routeTo({}, { dial: a }) }];
    const [begun, target] = await deployed({}, routes);
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    expect(await begun.config('/id/mine')).toMatchObject({ '@id': 'mine' });
    expect(await begun.count(100)).toEqual({ v1: 95, v2: 5 });
  });

  it('of a route whose only upstream is unknown is refused, and its traffic is of nobody we know', async () => {
    const begun = await begin(() => [routeTo({}, { dial: '127.0.0.1:1' })]);
    expect(await begun.target().read()).toMatchObject({ claim: null, shares: [], unknownBp: 10_000 });
    expect((await errorOf(begun.target().stable())).code).toBe('missing');
    expect((await errorOf(begun.target().deploy(orderOf(1)))).code).toBe('invalid');
  });

  it('needs a route: a reading without one is empty, an effect without one says which hosts there are', async () => {
    const begun = await begin();
    const target = begun.target({ route: { match: { host: 'nobody.example' } } });
    expect(await target.read()).toMatchObject({ claim: null, shares: [], unknownBp: 0 });
    expect(await errorOf(target.deploy(orderOf(1)))).toMatchObject({
      code: 'missing',
      detail: expect.stringContaining(host) as string,
    });
  });
});

describe('the slots', () => {
  it('hold the canary in the one without traffic, ready and answering', async () => {
    const [begun, target] = await deployed();
    expect(begun.hook.calls).toEqual(['PUT /slots/b']);
    const { claim, instances } = await target.read();
    expect(claim).toMatchObject({
      stage: { kind: 'deployed' },
      canaryBp: 0,
      fence: 1,
      released: false,
      stable,
      canary,
    });
    expect(instances).toEqual([
      { name: 'a', release: stable, ready: true, detail: 'running' },
      { name: 'b', release: canary, ready: true, detail: 'running' },
    ]);
    expect(await target.stable()).toEqual(stable);
    await target.ensureCapacity(orderOf(2), 500);
  });

  it('are claimed before anything starts', async () => {
    const begun = await begin();
    begun.hook.fence = 40;
    const error = await errorOf(begun.target().deploy(orderOf(1)));
    expect(error).toMatchObject({ code: 'fenced', fence: 40 });
    expect((await begun.target().read()).claim).toMatchObject({ fence: 1, stage: { kind: 'deployed' } });
    expect(await begun.target().deploy(orderOf(41))).toMatchObject({ name: 'b', ready: true });
  });

  it('that got traffic by hand are not deployed into again', async () => {
    const [begun, target] = await deployed();
    await handWeights(begun, [1, 1]);
    expect((await errorOf(target.deploy(orderOf(1)))).code).toBe('conflict');
    expect((await errorOf(target.deploy(orderOf(2)))).code).toBe('invalid');
    expect(begun.hook.calls).toEqual(['PUT /slots/b']);
  });

  it('with a release that fails to start end the deployment at once', async () => {
    const begun = await begin();
    begun.hook.behaviour = 'fails';
    expect(await errorOf(begun.target().deploy(orderOf(1)))).toMatchObject({
      code: 'invalid',
      detail: expect.stringContaining('exit code 1') as string,
    });
  });

  it('that are not ready give no capacity', async () => {
    const [begun, target] = await deployed();
    begun.hook.behaviour = 'never-ready';
    expect((await errorOf(target.ensureCapacity(orderOf(2), 500))).code).toBe('unreachable');
    begun.hook.behaviour = 'well';
    await begun.hook.run('b', { ...canary, digest: `sha256:${'c'.repeat(64)}`, label: 'v3' });
    expect((await errorOf(target.ensureCapacity(orderOf(2), 500))).code).toBe('missing');
  });

  it('that both have traffic leave no place for a canary', async () => {
    const begun = await begin(({ a, b }) => [routeTo({}, { dial: a }, { dial: b })]);
    expect((await errorOf(begun.target().deploy(orderOf(1)))).code).toBe('invalid');
    expect(begun.hook.calls).toEqual([]);
  });

  it('stop waiting for readiness when the caller gives up', async () => {
    const begun = await begin();
    begun.hook.behaviour = 'never-ready';
    const abort = new AbortController();
    const deploying = begun.target().deploy(orderOf(1), abort.signal);
    const reason = new Error('given up');
    setTimeout(() => abort.abort(reason), 300);
    await expect(deploying).rejects.toBe(reason);
  });

  it('are judged by their addresses when the hook is silent, so that going back does not need it', async () => {
    const [begun, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    const silent = begun.target({
      route: { deploy: { kind: 'hook', url: `http://127.0.0.1:${await freePort()}`, auth: null } },
    });
    const { instances } = await silent.read();
    expect(instances.map(({ ready, release }) => [ready, release?.label])).toEqual([
      [true, 'v1'],
      [true, 'v2'],
    ]);
    await silent.setWeights(orderOf(3), sharesOf(0), back);
    expect(await silent.confirm(orderOf(3), 0)).toEqual({ kind: 'live' });
    expect((await errorOf(silent.ensureCapacity(orderOf(4), 500))).code).toBe('unreachable');
  });
});

describe('a WebSocket', () => {
  const longLived = { plan: { drainMs: 10_000, preview }, route: { longLived: true } };
  const throughChanges = async (routes: Routes): Promise<string[]> => {
    const begun = await begin(routes);
    const target = begun.target(longLived);
    const found = (await target.preflight([100, 10_000], canary)).filter(({ level }) => level === 'problem');
    const socket = new WebSocket(`ws://127.0.0.1:${begun.publicPort}/`, { headers: { host } });
    await once(socket, 'open');
    const heard: string[] = [];
    const closed = once(socket, 'close').then(() => 'closed');
    const say = async (word: string) => {
      const answer = once(socket, 'message').then(([data]) => String(data));
      socket.send(word);
      heard.push(await Promise.race([answer, closed]));
    };
    await say('before');
    await target.deploy(orderOf(1));
    for (const [at, bp] of [100, 10_000, 0].entries()) {
      await target.setWeights(orderOf(at + 2), sharesOf(bp), bp === 0 ? back : step(at));
      await say(`at ${bp}`);
    }
    socket.terminate();
    return [...found.map(({ code }) => code), ...heard];
  };

  it('stays open, with its release, through every change when the proxy has the stream_close_delay that preflight asks', async () => {
    const routes: Routes = ({ a }) => [routeTo({ stream_close_delay: '10s' }, { dial: a })];
    expect(await throughChanges(routes)).toEqual(['v1: before', 'v1: at 100', 'v1: at 10000', 'v1: at 0']);
  });

  it('is closed by the first change without it, which preflight says', async () => {
    const [problem, before, ...rest] = await throughChanges(({ a }) => [routeTo({}, { dial: a })]);
    expect([problem, before]).toEqual(['caddy.stream-close-delay', 'v1: before']);
    expect(rest).toEqual(['closed', 'closed', 'closed']);
  });
});

describe('the end', () => {
  it('promotes what has all traffic, retires the other, and the next rollout goes into its slot', async () => {
    const [begun, target] = await deployed({ plan: { preview } });
    expect((await errorOf(target.promote(orderOf(2)))).code).toBe('conflict');
    await target.setWeights(orderOf(3), sharesOf(10_000), step(0));
    await target.promote(orderOf(4));
    expect((await target.read()).claim).toMatchObject({ stage: { kind: 'promoted' }, canaryBp: 10_000, fence: 4 });
    await target.retire(orderOf(5), stable);
    await target.retire(orderOf(5), stable);
    expect(begun.hook.calls).toEqual(['PUT /slots/b', 'DELETE /slots/a']);
    expect((await target.read()).claim).toMatchObject({ released: true, fence: 5 });
    expect(await target.stable()).toEqual(canary);
    expect(JSON.stringify(await begun.config('/id/sluice-web'))).not.toContain(preview.header);
    const next = { ...canary, digest: `sha256:${'c'.repeat(64)}`, label: 'v3' };
    await target.deploy(orderOf(6, { run: 'run-2', stable: canary, canary: next }));
    expect(begun.hook.calls.at(-1)).toBe('PUT /slots/a');
    expect(await begun.count(50)).toEqual({ v2: 50 });
  });

  it('does not retire what still has traffic', async () => {
    const [, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(500), step(0));
    expect((await errorOf(target.retire(orderOf(3), canary))).code).toBe('conflict');
  });

  it('waits for the drain time after the last change of weight before it stops the loser', async () => {
    const [begun, target] = await deployed({ plan: { drainMs: 800 } });
    const before = Date.now();
    await target.setWeights(orderOf(2), sharesOf(0), back);
    await target.retire(orderOf(3), canary);
    expect(Date.now() - before).toBeGreaterThanOrEqual(795);
    expect(begun.hook.calls.at(-1)).toBe('DELETE /slots/b');
  });

  it('does not stop a loser that somebody gave traffic while it was drained', async () => {
    const [begun, target] = await deployed({ plan: { drainMs: 1_500 } });
    await target.setWeights(orderOf(2), sharesOf(0), back);
    const looks = () => begun.admin.entries().length;
    const before = looks();
    const retiring = errorOf(target.retire(orderOf(3), canary));
    await waitFor(() => looks() > before, { for: 'its first look' });
    await handWeights(begun, [3, 1]);
    expect(await retiring).toMatchObject({ code: 'conflict', detail: 'slot b still has 25% of the traffic' });
    expect(begun.hook.calls).toEqual(['PUT /slots/b']);
  });

  it('restores stable beside what serves when it is gone, then takes the traffic back', async () => {
    const [begun, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(10_000), step(0));
    await begun.hook.halt('a');
    expect((await target.read()).instances[0]).toMatchObject({ name: 'a', ready: false });
    await target.raiseFence(orderOf(3));
    expect(await target.restore(orderOf(3))).toMatchObject({ name: 'a', release: stable, ready: true });
    await target.setWeights(orderOf(3), sharesOf(0), back);
    expect(await begun.count(50)).toEqual({ v1: 50 });
    expect(begun.hook.calls).toEqual(['PUT /slots/b', 'PUT /slots/a']);
  });

  it('tells the host of a restored stable that is ready too: nothing changes there but the fence', async () => {
    const [begun, target] = await deployed();
    await target.setWeights(orderOf(2), sharesOf(0), back);
    expect(await target.restore(orderOf(3))).toMatchObject({ name: 'a', release: stable, ready: true });
    await target.restore(orderOf(3));
    expect(begun.hook.calls).toEqual(['PUT /slots/b', 'PUT /slots/a', 'PUT /slots/a']);
    expect(begun.hook.fence).toBe(3);
    expect(await begun.count(50)).toEqual({ v1: 50 });
  });

  it('tells the persistence hook what Caddy has, after promotion and after going back', async () => {
    const told: { route: string; config: { apps: unknown } }[] = [];
    const server = createServer((incoming, answer) => {
      let text = '';
      incoming.on('data', (part) => (text += String(part)));
      incoming.on('end', () => {
        told.push(JSON.parse(text) as (typeof told)[number]);
        answer.end();
      });
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const [begun, target] = await deployed({ persistence: { hook: `http://127.0.0.1:${port}/persist` } });
    await target.setWeights(orderOf(2), sharesOf(10_000), step(0));
    expect(told).toEqual([]);
    await target.promote(orderOf(3));
    expect(told.at(-1)).toEqual({ route: 'web', config: await begun.config('/config/') });
    await target.setWeights(orderOf(4), sharesOf(0), back);
    await target.restore(orderOf(5));
    expect(told.at(-1)?.config).toEqual(await begun.config('/config/'));
    server.close();
    server.closeAllConnections();
    expect((await errorOf(target.restore(orderOf(6)))).code).toBe('unreachable');
  });
});

describe('preflight', () => {
  const proxy =
    (options: Record<string, unknown>): Routes =>
    ({ a }) => [routeTo(options, { dial: a })];
  const headerRoute = {
    match: [{ header: { 'X-Sluice-Preview': ['*'] } }],
    handle: [{ handler: 'static_response' }],
  };
  const damaged = { handler: 'vars', sluice: { fence: 'many' } };
  const problemsOf = async (target: Target, weights: number[] = [100, 500, 2500, 10_000]): Promise<string[]> =>
    (await target.preflight(weights, canary)).flatMap(({ level, code }) => (level === 'problem' ? [code] : []));

  it('finds nothing wrong with a plain route, warns of what it cannot see, and touches nothing', async () => {
    const begun = await begin();
    const before = await begun.config('/config/');
    expect(await begun.target({ plan: { preview } }).preflight([100, 500, 2500, 10_000], canary)).toEqual([
      { level: 'warning', code: 'caddy.persistence-unseen', message: expect.stringContaining('--resume') as string },
    ]);
    expect(await begun.config('/config/')).toEqual(before);
    expect(begun.admin.entries().every(({ method }) => method === 'GET')).toBe(true);
    expect(begun.hook.calls).toEqual([]);
  });

  const split = (...dials: string[]) => routeTo({}, ...dials.map((dial) => ({ dial })));
  const streams = { plan: { drainMs: 10_000 }, route: { longLived: true } };
  const traps: [string, string, Routes, Parameters<World['target']>[0]?][] = [
    ['passive health checks', 'health-checks', proxy({ health_checks: { passive: { fail_duration: '30s' } } })],
    ['active health checks', 'health-checks', proxy({ health_checks: { active: { uri: '/' } } })],
    ['tries over a duration', 'retries', proxy({ load_balancing: { try_duration: '5s' } })],
    ['a number of retries', 'retries', proxy({ load_balancing: { retries: 2 } })],
    ['a cookie policy', 'selection-policy', proxy({ load_balancing: { selection_policy: { policy: 'cookie' } } })],
    ['limits of requests', 'upstream-limit', ({ a }) => [routeTo({}, { dial: a, max_requests: 5 })]],
    ['streams without time to close', 'stream-close-delay', proxy({}), streams],
    ['streams with too little time to close', 'stream-close-delay', proxy({ stream_close_delay: '5s' }), streams],
    ['an upstream that is no slot', 'upstreams', ({ a }) => [split(a, '127.0.0.1:1')]],
    ['traffic on both slots', 'split-present', ({ a, b }) => [split(a, b)]],
    ['a slot whose release nobody knows', 'stable-unknown', ({ b }) => [split(b)]],
    ['no such host', 'route', proxy({}), { route: { match: { host: 'nobody.example' } } }],
    ['several routes that match', 'route', ({ a }) => [split(a), split(a)]],
    ['a preview header that is taken', 'preview-clash', ({ a }) => [headerRoute, split(a)], { plan: { preview } }],
    ['a preview value that is a pattern', 'preview', proxy({}), { plan: { preview: { ...preview, value: 'can*' } } }],
    ['a claim that somebody damaged', 'damaged-claim', ({ a }) => [withHandler(split(a), damaged)]],
  ];
  it.each(traps)('refuses %s', async (_, code, routes, change) => {
    const begun = await begin(routes);
    expect(await problemsOf(begun.target(change))).toEqual([`caddy.${code}`]);
  });

  it('takes streams that get as much time to close as the drain lasts', async () => {
    const begun = await begin(proxy({ stream_close_delay: 10_000_000_000 }));
    expect(await problemsOf(begun.target({ plan: { drainMs: 10_000 }, route: { longLived: true } }))).toEqual([]);
  });

  it('finds one of several routes by its path', async () => {
    const begun = await begin(({ a }) =>
      ['/api/*', '/*'].map((path) => ({ ...routeTo({}, { dial: a }), match: [{ host: [host], path: [path] }] })),
    );
    expect(await problemsOf(begun.target({ route: { match: { host, path: '/api/*' } } }))).toEqual([]);
  });

  it('reports a silent hook and a silent Caddy, both at once', async () => {
    const begun = await begin();
    const nowhere = `http://127.0.0.1:${await freePort()}`;
    const target = begun.target({ admin: nowhere, route: { deploy: { kind: 'hook', url: nowhere, auth: null } } });
    expect(await problemsOf(target)).toEqual(['caddy.hook', 'caddy.unreachable']);
  });

  it('reports an admin API that refuses us', async () => {
    const begun = await begin();
    begun.admin.fault({ fault: { kind: 'refuse', status: 403, body: '{"error":"client is not allowed"}' } });
    expect(await problemsOf(begun.target())).toEqual(['caddy.denied']);
  });

  it('refuses resume where Caddy keeps nothing', async () => {
    const begun = await begin();
    await begun.setConfig('PUT', '/config/admin/config', { persist: false });
    expect(await problemsOf(begun.target())).toEqual(['caddy.persistence']);
  });

  it('refuses weights that are none and warns of those dealt in long bursts', async () => {
    const begun = await begin();
    expect(await problemsOf(begun.target(), [-1, 0.5, 10_001])).toEqual([
      'caddy.weight',
      'caddy.weight',
      'caddy.weight',
    ]);
    const findings = await begun.target().preflight([3333, 100], canary);
    expect(findings.map(({ code }) => code)).toEqual(['caddy.blocky-weight', 'caddy.persistence-unseen']);
  });

  it('warns that what stands idle will be replaced', async () => {
    const begun = await begin();
    await begun.hook.run('b', { ...canary, digest: `sha256:${'c'.repeat(64)}`, label: 'v3' });
    const findings = await begun.target().preflight([100], canary);
    expect(findings.map(({ code }) => code)).toContain('caddy.idle-slot');
  });
});

interface ProxyRoute {
  readonly match: readonly unknown[];
  readonly handle: readonly unknown[];
}

function routeTo(options: Record<string, unknown>, ...upstreams: unknown[]): ProxyRoute {
  return { match: [{ host: [host] }], handle: [{ handler: 'reverse_proxy', upstreams, ...options }] };
}

function withHandler(route: ProxyRoute, handler: unknown): ProxyRoute {
  return { ...route, handle: [handler, ...route.handle] };
}

/** Admin path of the proxy that splits, from the outside. */
async function splitPath({ config }: World): Promise<string> {
  const route = (await config('/id/sluice-web')) as { handle: { handler: string }[] };
  return `/id/sluice-web/handle/${route.handle.findIndex(({ handler }) => handler === 'reverse_proxy')}`;
}

async function handWeights(begun: World, weights: number[]): Promise<void> {
  const path = `${await splitPath(begun)}/load_balancing/selection_policy/weights`;
  expect(await begun.setConfig('PATCH', path, weights)).toBe(200);
}

/** Holds the next write with this fence up on its way; resolves when it has arrived at the recorder. */
function holdUp({ admin }: World, fence: number, ms: number): { readonly arrived: Promise<void> } {
  const body = new RegExp(`"fence":${fence}[,}]`);
  let arrive: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  body.test = (text) => {
    const isIt = RegExp.prototype.test.call(body, text);
    if (isIt) arrive();
    return isIt;
  };
  admin.fault({ method: 'PATCH', body, times: 1, fault: { kind: 'delay', ms, where: 'request' } });
  return { arrived };
}

async function adapt(caddyfile: string): Promise<unknown> {
  const file = join(mkdtempSync(join(folder, 'caddyfile-')), 'Caddyfile');
  writeFileSync(file, caddyfile);
  const { stdout } = await promisify(execFile)(await locate('caddy'), ['adapt', '--config', file]);
  const adapted = JSON.parse(stdout) as { apps: { http: { servers: { srv0: { routes: unknown } } } } };
  return adapted.apps.http.servers.srv0.routes;
}
