import { describe, expect, it } from 'vitest';
import { toZero } from '../../activities/to-zero.ts';
import { createClock } from '../../providers/clock.ts';
import { shareOf } from '../../plan/target.ts';
import { deployment, referenceTo, routeSeen, service, startWorkload } from '../../testbed/kubernetes/workload.ts';
import { ask } from '../../testbed/servers/http.ts';
import { waitFor } from '../../testbed/wait.ts';
import { answers, condition, ownNamespace, sharedPlane } from './cluster.ts';
import {
  canaryOf,
  codeOf,
  deploymentPath,
  header,
  imageAt,
  live,
  orders,
  planFor,
  releaseOf,
  routeOf,
  routePath,
  sharesOf,
  shift,
  targetFor,
} from './on-cluster.ts';

const plane = sharedPlane();
const { api, images } = plane;
const clock = createClock();
const never = new AbortController().signal;

async function world(what: string, options: Parameters<typeof startWorkload>[3] = { replicas: 2 }) {
  const workload = await startWorkload(plane, ownNamespaces[what] ?? '', 'web', {
    labels: { release: 'v1' },
    ...options,
  });
  const canary = canaryOf(plane, workload);
  const target = targetFor(plane, planFor(workload));
  const { next, same } = orders(workload.namespace, releaseOf(workload.stable), releaseOf(canary));
  const { namespace, host } = workload;
  return { workload, canary, target, next, same, namespace, host };
}

const ownNamespaces: Record<string, string> = Object.fromEntries(
  ['life', 'abort', 'back', 'midway', 'storm', 'lost', 'theirs'].map((what) => [what, ownNamespace(plane, what)]),
);

describe('a release', () => {
  it('goes from 0 to 100 %, becomes stable, and leaves everything as its owner had it', async () => {
    const { workload, canary, target, next, namespace, host } = await world('life');
    const before = await routeOf(plane, workload);
    expect(await target.stable()).toEqual(releaseOf(workload.stable));
    await target.deploy(next());
    expect(
      (await ask(plane.gatewayUrl, { headers: { host, [header.header]: header.value } })).headers['x-release'],
    ).toBe('v2');
    expect(await answers(plane, host, 40)).toEqual({ v1: 40 });
    await shift(target, next, 100);
    await shift(target, next, 5_000, 1);
    const half = await answers(plane, host, 400);
    expect(half['v2']).toBeGreaterThan(120);
    expect(half['v2']).toBeLessThan(280);
    await shift(target, next, 10_000, 2);
    expect(await answers(plane, host, 60)).toEqual({ v2: 60 });
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(workload.stable));

    await target.promote(next());
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(canary));
    expect(await imageAt(plane, namespace, 'web-canary')).toBe(referenceTo(workload.stable));
    expect(await answers(plane, host, 60)).toEqual({ v2: 60 });
    const reading = await target.read();
    expect(reading.claim).toMatchObject({ stage: { kind: 'promoted' }, canaryBp: 10_000, released: false });
    expect(reading.instances.every(({ ready }) => ready)).toBe(true);

    await target.retire(next(), releaseOf(workload.stable));
    const after = await routeOf(plane, workload);
    expect(after.spec).toEqual(before.spec);
    expect(await imageAt(plane, namespace, 'web-canary')).toBeNull();
    expect((await target.read()).claim).toMatchObject({ released: true });
    expect(await answers(plane, host, 60)).toEqual({ v2: 60 });
    expect(await target.stable()).toEqual(releaseOf(canary));
  });

  it('that is aborted at 25 % gets no request after zero is confirmed, and rises no more', async () => {
    const { workload, canary, target, next, same, namespace, host } = await world('abort');
    await target.deploy(next());
    await shift(target, next, 2_500);
    expect((await answers(plane, host, 200))['v2']).toBeGreaterThan(20);
    const late = { ...same(), fence: same().fence };
    const zeroed = await toZero({ clock, target }, { order: next(), mayBeGone: false }, never);
    expect(zeroed).toMatchObject({ kind: 'zero', fromBp: 2_500 });
    const seen = plane.requests(namespace).filter(({ release }) => release === 'v2').length;
    expect(await answers(plane, host, 300)).toEqual({ v1: 300 });
    expect(plane.requests(namespace).filter(({ release }) => release === 'v2')).toHaveLength(seen);
    expect(await codeOf(target.setWeights(late, sharesOf(late, 5_000), { kind: 'step', index: 1 }))).toBe('fenced');
    const resumed = next();
    const again = target.setWeights(resumed, sharesOf(resumed, 5_000), { kind: 'step', index: 1 });
    expect(await codeOf(again)).toBe('fenced');
    expect(await answers(plane, host, 40)).toEqual({ v1: 40 });
    await target.restore(next());
    await target.retire(next(), releaseOf(canary));
    expect(await imageAt(plane, namespace, 'web-canary')).toBeNull();
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(workload.stable));
  });

  it('that was promoted goes back in one write, and stable returns to its own Deployment', async () => {
    const { workload, canary, target, next, namespace, host } = await world('back');
    await target.deploy(next());
    await shift(target, next, 10_000);
    await target.promote(next());
    const order = next();
    const began = await toZero({ clock, target }, { order, mayBeGone: false }, never);
    expect(began).toMatchObject({ kind: 'zero', fromBp: 10_000 });
    expect(await answers(plane, host, 60)).toEqual({ v1: 60 });
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(canary)); // not touched yet
    await target.restore(next());
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(workload.stable));
    expect(await answers(plane, host, 60)).toEqual({ v1: 60 });
    await target.retire(next(), releaseOf(canary));
    expect(await imageAt(plane, namespace, 'web-canary')).toBeNull();
    expect(await answers(plane, host, 60)).toEqual({ v1: 60 });
  });

  it('whose promotion gets stuck goes back from there, with no request lost', async () => {
    const { workload, canary, target, next, namespace, host } = await world('midway');
    await target.deploy(next());
    await shift(target, next, 10_000);
    // Its new pods are never ready; those that serve were ready before.
    await api.merge(deploymentPath(namespace, 'web'), { spec: { progressDeadlineSeconds: 5 } });
    images.change(canary.digest, { newHealth: 503 });
    expect(await codeOf(target.promote(next()))).toBe('invalid');
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(canary));
    expect(await answers(plane, host, 60)).toEqual({ v2: 60 }); // by the canary's own pods
    const zeroed = await toZero({ clock, target }, { order: next(), mayBeGone: false }, never);
    expect(zeroed.kind).toBe('zero');
    expect(await answers(plane, host, 60)).toEqual({ v1: 60 });
    await target.restore(next());
    await target.retire(next(), releaseOf(canary));
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(workload.stable));
    expect(await answers(plane, host, 60)).toEqual({ v1: 60 });
  });

  it('gets its weight while somebody else writes to the route all the time', async () => {
    const { workload, target, next, same, namespace } = await world('storm');
    await target.deploy(next()); // its Gateway's word on it would be lost in the storm
    let storming = true;
    const storm = (async () => {
      for (let count = 0; storming; count += 1) {
        await api.merge(routePath(namespace, 'web'), { metadata: { annotations: { storm: String(count) } } });
      }
      return (await routeOf(plane, workload)).metadata.annotations?.['storm'];
    })();
    await target.ensureCapacity(next(), 3_000);
    for (const [index, bp] of [1_000, 2_000, 3_000].entries()) {
      const order = next();
      const reading = await target.setWeights(order, sharesOf(order, bp), { kind: 'step', index });
      expect(shareOf(reading, order.canary.digest)).toBe(bp);
    }
    storming = false;
    // Nothing of theirs was lost, and everything of ours is there.
    const last = await storm;
    await live(target, same(), 3_000);
    expect((await routeOf(plane, workload)).metadata.annotations?.['storm']).toBe(last);
  });
});

describe('what others do', () => {
  it('a canary Service that is gone is no live share, although the route is accepted', async () => {
    const { target, next, namespace } = await world('lost');
    await target.deploy(next());
    const order = await shift(target, next, 2_500);
    await api.remove(`/api/v1/namespaces/${namespace}/services/web-canary`);
    const liveness = await waitFor(
      async () => {
        const found = await target.confirm(order, 2_500);
        return found.kind === 'rejected' && found;
      },
      { for: 'the loss to be told by the Gateway', withinMs: 60_000 },
    );
    expect(liveness).toMatchObject({ reason: expect.stringMatching(/ResolvedRefs=False/) as string });
    expect(condition(await routeSeen(api, namespace, 'web'), 'Accepted')).toBe('True');
    expect((await target.read()).instances.find(({ name }) => name.startsWith('canary'))?.ready).toBe(false);
  });

  it('a stable that somebody else has changed is not overwritten', async () => {
    const { workload, target, next, namespace } = await world('theirs');
    await target.deploy(next());
    await shift(target, next, 10_000);
    const other = canaryOf(plane, workload, 'v1.1');
    await api.apply(deployment({ namespace, name: 'web', image: referenceTo(other), replicas: 2 }));
    await api.apply(service(namespace, 'web'));
    expect(await codeOf(target.promote(next()))).toBe('fenced');
    expect(await imageAt(plane, namespace, 'web')).toBe(referenceTo(other));
  });
});
