import { describe, expect, it } from 'vitest';
import { toZero } from '../../activities/to-zero.ts';
import type { KubernetesRouterPlan } from '../../plan/target.ts';
import { shareOf } from '../../plan/target.ts';
import { createClock } from '../../providers/clock.ts';
import { gateway } from '../../testbed/kubernetes/data-plane.ts';
import { collectionPath, type KubeObject } from '../../testbed/kubernetes/objects.ts';
import { grant } from '../../testbed/kubernetes/identity.ts';
import { referenceTo, service, startWorkload } from '../../testbed/kubernetes/workload.ts';
import { ownNamespace, sharedPlane } from './cluster.ts';
import { canaryOf, codeOf, imageAt, orders, planFor, releaseOf, sharesOf, shift, targetFor } from './on-cluster.ts';

const plane = sharedPlane();
const { api } = plane;
const clock = createClock();

type Stored = KubeObject & {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
};

/** One way to divide traffic, as its owner has it and as the API server keeps it. */
interface Way {
  readonly what: string;
  readonly router: KubernetesRouterPlan;
  /** The owner's object. */
  readonly object: (namespace: string) => KubeObject & { readonly spec: unknown };
  /** Name of the object that carries the weights. */
  readonly divides: string;
  /** Of the canary in 100, as the API server keeps it; `null`: it does not stand there. */
  readonly weight: (object: Stored) => number | null;
  readonly previewed: (object: Stored) => boolean;
  /** A stranger's change of the weight. */
  readonly meddle: (object: Stored, percent: number) => unknown;
}

interface Backend {
  readonly name?: string;
  readonly weight?: number;
  readonly destination?: { readonly host: string };
}
interface Rule {
  readonly name?: string;
  readonly backendRefs?: readonly Backend[];
  readonly route?: readonly Backend[];
}

const isPreview = (rule: Rule): boolean => rule.name?.startsWith('sluice-preview') === true;
const rulesAt = (object: Stored, key: string): readonly Rule[] => object.spec[key] as readonly Rule[];
const dividedBy = (object: Stored, key: string): Rule =>
  rulesAt(object, key).find((rule) => !isPreview(rule) && rule.name === 'api') ?? {};

function weightIn(backends: readonly Backend[]): number | null {
  const nameOf = (one: Backend) => one.name ?? one.destination?.host.split('.')[0];
  const [stable, canary] = ['web', 'web-canary'].map((name) => backends.find((one) => nameOf(one) === name));
  if (canary === undefined) return null;
  const [s, c] = [stable?.weight ?? 0, canary.weight ?? 0];
  return (100 * c) / (s + c);
}

const grpc: Way = {
  what: 'a GRPCRoute',
  router: { kind: 'gateway-api', resource: 'grpcroutes', name: 'rpc', rule: null },
  object: (namespace) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GRPCRoute',
    metadata: { name: 'rpc', namespace },
    spec: {
      parentRefs: [{ name: gateway.name, namespace: gateway.namespace }],
      hostnames: [`rpc.${namespace}.test`],
      rules: [
        {
          name: 'api',
          matches: [
            { method: { service: 'shop.Cart', method: 'Add' } },
            { headers: [{ name: 'x-tenant', value: 'a' }] },
          ],
          backendRefs: [{ name: 'web', port: 80 }],
        },
        {
          name: 'files',
          matches: [{ method: { service: 'shop.Files', method: 'Get' } }],
          filters: [
            { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'x-from', value: 'rpc' }] } },
          ],
          backendRefs: [{ name: 'files', port: 80, weight: 3 }],
        },
      ],
    },
  }),
  divides: 'rpc',
  weight: (object) => weightIn(dividedBy(object, 'rules').backendRefs ?? []),
  previewed: (object) => rulesAt(object, 'rules').some(isPreview),
  meddle: (object, percent) => ({
    spec: {
      rules: rulesAt(object, 'rules').map((rule) => {
        if (rule.name !== 'api') return rule;
        const refs = rule.backendRefs ?? [];
        return {
          ...rule,
          backendRefs: refs.map((ref, index) => ({ ...ref, weight: index === 0 ? 100 - percent : percent })),
        };
      }),
    },
  }),
};

const istio: Way = {
  what: 'a VirtualService of Istio',
  router: { kind: 'istio', virtualService: 'mesh', route: null },
  object: (namespace) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'mesh', namespace },
    spec: {
      hosts: [`mesh.${namespace}.test`],
      http: [
        {
          name: 'old',
          match: [{ uri: { exact: '/old' } }],
          redirect: { uri: '/new', redirectCode: 301 },
        },
        {
          name: 'api',
          timeout: '3s',
          retries: { attempts: 2, perTryTimeout: '1s' },
          route: [{ destination: { host: `web.${namespace}.svc.cluster.local`, port: { number: 80 } } }],
        },
        {
          name: 'files',
          match: [{ uri: { prefix: '/files' } }],
          route: [
            { destination: { host: 'files', subset: 'a' }, weight: 30, headers: { request: { set: { 'x-a': 'b' } } } },
            { destination: { host: 'files', subset: 'b' }, weight: 70 },
          ],
        },
      ],
      tcp: [{ match: [{ port: 5432 }], route: [{ destination: { host: 'database' } }] }],
    },
  }),
  divides: 'mesh',
  weight: (object) => weightIn(dividedBy(object, 'http').route ?? []),
  previewed: (object) => rulesAt(object, 'http').some(isPreview),
  meddle: (object, percent) => ({
    spec: {
      http: rulesAt(object, 'http').map((rule) => {
        if (rule.name !== 'api') return rule;
        return {
          ...rule,
          route: (rule.route ?? []).map((one, index) => ({ ...one, weight: index === 0 ? 100 - percent : percent })),
        };
      }),
    },
  }),
};

const prefix = 'nginx.ingress.kubernetes.io';
const nginx: Way = {
  what: 'canary annotations of nginx',
  router: { kind: 'nginx', ingress: 'shop', prefix },
  object: (namespace) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'shop', namespace, annotations: { [`${prefix}/proxy-body-size`]: '8m' } },
    spec: {
      ingressClassName: 'nginx',
      rules: [
        {
          host: `shop.${namespace}.test`,
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
              { path: '/files', pathType: 'Prefix', backend: { service: { name: 'files', port: { number: 80 } } } },
            ],
          },
        },
      ],
    },
  }),
  divides: 'shop-canary',
  weight: ({ metadata: { annotations = {} } }) =>
    (100 * Number(annotations[`${prefix}/canary-weight`])) / Number(annotations[`${prefix}/canary-weight-total`]),
  previewed: ({ metadata: { annotations = {} } }) => annotations[`${prefix}/canary-by-header`] !== undefined,
  meddle: (_, percent) => ({ metadata: { annotations: { [`${prefix}/canary-weight`]: String(percent * 100) } } }),
};

const ways = [grpc, istio, nginx].map((way) => ({
  ...way,
  namespaces: { there: ownNamespace(plane, way.router.kind), back: ownNamespace(plane, way.router.kind) },
}));
const lost = { midway: ownNamespace(plane, 'nginx-lost'), promoted: ownNamespace(plane, 'nginx-lost') };

async function world(way: Way, namespace: string) {
  const workload = await startWorkload(plane, namespace, 'web', { labels: { release: 'v1' } });
  await api.apply(service(namespace, 'files'));
  await api.apply(way.object(namespace));
  await grant(api, { namespace, deployment: 'web', route: way.object(namespace).metadata.name });
  const canary = canaryOf(plane, workload);
  const target = targetFor(plane, planFor(workload, { router: way.router }));
  const { next, same } = orders(namespace, releaseOf(workload.stable), releaseOf(canary));
  const { apiVersion, kind, metadata } = way.object(namespace);
  const collection = collectionPath(apiVersion, kind, namespace);
  const dividing = `${collection}/${way.divides}`;
  return {
    workload,
    canary,
    target,
    next,
    same,
    dividing,
    isOwners: way.divides === metadata.name,
    owners: () => api.read<Stored>(`${collection}/${metadata.name}`),
    stored: () => api.read<Stored>(dividing),
    share: async () => shareOf(await target.read(), canary.digest),
    zero: () => toZero({ clock, target }, { order: next(), mayBeGone: false }, new AbortController().signal),
  };
}

/** What is not ours to change, to the byte. */
function others({ spec }: Stored): string {
  const rules = (spec['rules'] as readonly Rule[] | undefined)?.filter(({ name }) => name === 'files');
  const http = (spec['http'] as readonly Rule[] | undefined)?.filter((rule) => rule.name !== 'api' && !isPreview(rule));
  return JSON.stringify({ ...spec, rules, http });
}

describe.concurrent.each(ways)('traffic divided by $what', (way) => {
  it("goes up step by step, comes back at once, and is its owner's again", async () => {
    const { canary, target, next, same, dividing, isOwners, owners, stored, share, zero } = await world(
      way,
      way.namespaces.there,
    );
    const before = await owners();
    await target.deploy(next());
    const asDeployed = await stored();
    expect([way.weight(asDeployed), way.previewed(asDeployed)]).toEqual([0, true]);
    await shift(target, next, 100);
    expect(way.weight(await stored())).toBe(1);
    const late = same();
    await shift(target, next, 2_500, 1);
    const at25 = await stored();
    expect([way.weight(at25), await share()]).toEqual([25, 2_500]);
    if (isOwners) expect(others(at25)).toBe(others(before));

    // Whoever comes late changes nothing.
    expect(await codeOf(target.setWeights(late, sharesOf(late, 5_000), { kind: 'step', index: 1 }))).toBe('fenced');
    expect((await stored()).spec).toEqual(at25.spec);
    expect((await stored()).metadata.annotations).toEqual(at25.metadata.annotations);

    // Somebody else gives it more.
    await api.merge(dividing, way.meddle(at25, 60));
    expect(await target.confirm(same(), 2_500)).toMatchObject({ kind: 'drifted', acceptedBp: 6_000 });
    expect(await share()).toBe(6_000);

    expect(await zero()).toMatchObject({ kind: 'zero', fromBp: 6_000 });
    const atZero = await stored();
    expect([way.weight(atZero), way.previewed(atZero), await share()]).toEqual([0, false, 0]);
    const again = next();
    expect(await codeOf(target.setWeights(again, sharesOf(again, 100), { kind: 'step', index: 0 }))).toBe('fenced');

    await target.restore(next());
    await target.retire(next(), releaseOf(canary));
    const after = await owners();
    expect(JSON.stringify(after.spec)).toBe(JSON.stringify(before.spec));
    expect(after.metadata.uid).toBe(before.metadata.uid);
    if (!isOwners) {
      expect(after.metadata.annotations).toEqual(before.metadata.annotations);
      expect(await api.find(dividing)).toBeNull();
    }
  });

  it('comes back after the release was promoted', async () => {
    const { workload, canary, target, next, owners, stored, zero } = await world(way, way.namespaces.back);
    const before = await owners();
    await target.deploy(next());
    await shift(target, next, 10_000);
    expect(way.weight(await stored())).toBe(100);
    await target.promote(next());
    expect(way.weight(await stored())).toBe(0);
    expect(await imageAt(plane, workload.namespace, 'web')).toBe(referenceTo(canary));
    expect(await zero()).toMatchObject({ kind: 'zero', fromBp: 10_000 });
    expect(way.weight(await stored())).toBe(100);
    await target.restore(next());
    await target.retire(next(), releaseOf(canary));
    expect(await imageAt(plane, workload.namespace, 'web')).toBe(referenceTo(workload.stable));
    expect(JSON.stringify((await owners()).spec)).toBe(JSON.stringify(before.spec));
  });
});

describe.concurrent('an Ingress of ours that somebody deleted', () => {
  it('is no share and no way up', async () => {
    const { target, next, same, dividing, share, zero } = await world(nginx, lost.midway);
    await target.deploy(next());
    await shift(target, next, 2_500);
    await api.remove(dividing);
    expect(await share()).toBe(0);
    expect(await target.confirm(same(), 2_500)).toMatchObject({ kind: 'unknown' });
    const order = next();
    expect(await codeOf(target.setWeights(order, sharesOf(order, 2_500), { kind: 'step', index: 0 }))).toBe('fenced');
    expect(await api.find(dividing)).toBeNull();
    expect(await zero()).toMatchObject({ kind: 'zero' });
  });

  it('is made again to go back, where everybody meets the promoted release without it', async () => {
    const { canary, target, next, dividing, stored, share, zero } = await world(nginx, lost.promoted);
    await target.deploy(next());
    await shift(target, next, 10_000);
    await target.promote(next());
    await api.remove(dividing);
    expect(await share()).toBe(10_000);
    expect(await zero()).toMatchObject({ kind: 'zero', fromBp: 10_000 });
    expect([nginx.weight(await stored()), await share()]).toEqual([100, 0]);
    await target.restore(next());
    await target.retire(next(), releaseOf(canary));
    expect(await api.find(dividing)).toBeNull();
  });
});
