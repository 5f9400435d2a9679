import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { KubernetesRouterPlan } from '../../plan/target.ts';
import { createClock } from '../../providers/clock.ts';
import { createCluster } from '../../providers/cluster.ts';
import { manifest } from '../../testbed/kubernetes/identity.ts';
import { collectionPath, type KubeObject } from '../../testbed/kubernetes/objects.ts';
import { startWorkload, type Workload } from '../../testbed/kubernetes/workload.ts';
import { ownNamespace, sharedPlane } from './cluster.ts';
import { kubeconfigOf } from './kubeconfig.ts';
import { canaryOf, planFor, releaseOf, targetFor } from './on-cluster.ts';

const plane = sharedPlane();
const { api } = plane;
const namespace = ownNamespace(plane, 'rights');
let workload: Workload;

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** One verb on one object. */
interface Atom {
  readonly group: string;
  readonly resource: string;
  readonly name?: string;
  readonly verb: string;
}

/** What a manifest allows, one by one. */
function atomsOf(file: string): readonly Atom[] {
  const names = { namespace, deployment: 'web' };
  const roles = manifest(file, names).filter(({ kind }) => kind === 'Role') as unknown as { rules: readonly Rule[] }[];
  return roles.flatMap(({ rules }) =>
    rules.flatMap(({ apiGroups: [group = ''], resources, resourceNames = [undefined], verbs }) =>
      resources.flatMap((resource) =>
        resourceNames.flatMap((name) =>
          verbs.map((verb) => ({ group, resource, verb, ...(name !== undefined && { name }) })),
        ),
      ),
    ),
  );
}

const ruleOf = ({ group, resource, name, verb }: Atom): Rule => ({
  apiGroups: [group],
  resources: [resource],
  ...(name !== undefined && { resourceNames: [name] }),
  verbs: [verb],
});

/** Rights that routers of every kind need, and more for each; kill switches have a test of their own. */
const common = atomsOf('service').filter(({ resource }) => resource !== 'configmaps');
const routers = {
  'gateway-api': { kind: 'gateway-api', resource: 'httproutes', name: 'web', rule: null },
  nginx: { kind: 'nginx', ingress: 'web', prefix: 'nginx.ingress.kubernetes.io' },
  istio: { kind: 'istio', virtualService: 'web', route: null },
} as const satisfies Readonly<Record<string, KubernetesRouterPlan>>;
type RouterKind = keyof typeof routers;

const ofRouter = (kind: RouterKind) => atomsOf(`route-${kind}`).filter(({ resource }) => resource !== 'grpcroutes');
const titleOf = ({ verb, resource, name }: Atom) => `${verb} ${resource}${name === undefined ? '' : ` ${name}`}`;

let identities = 0;

/** What preflight says to somebody with just these rules. */
async function told(kind: RouterKind, rules: readonly Rule[]): Promise<readonly string[]> {
  const name = `somebody-${++identities}`;
  const rbac = 'rbac.authorization.k8s.io/v1';
  const objects = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } },
    { apiVersion: rbac, kind: 'Role', metadata: { namespace, name }, rules },
    {
      apiVersion: rbac,
      kind: 'RoleBinding',
      metadata: { namespace, name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', namespace, name }],
    },
  ];
  for (const object of objects) await api.apply(object);
  const path = `${collectionPath('v1', 'ServiceAccount', namespace)}/${name}/token`;
  const { status } = await api.create<{ status: { token: string } }>(path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {},
  });
  const file = kubeconfigOf(plane, { ...plane.access, token: status.token });
  const cluster = createCluster({ kind: 'kubeconfig', path: file, context: null }, createClock());
  const target = targetFor(plane, planFor(workload, { router: routers[kind] }), cluster);
  const findings = await target.preflight([100, 10_000], releaseOf(canaryOf(plane, workload)));
  return findings.filter(({ code }) => code === 'kubernetes.rights').map(({ message }) => message);
}

beforeAll(async () => {
  workload = await startWorkload(plane, namespace, 'web', { labels: { release: 'v1' } });
  await api.apply({
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { namespace, name: 'web' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 2,
      maxReplicas: 4,
    },
  } as KubeObject);
});

const lacking = (kind: RouterKind, atoms: readonly Atom[]) => atoms.map((atom) => [titleOf(atom), kind, atom] as const);

describe.concurrent('who may not', () => {
  it.each([
    ...lacking('gateway-api', [...common, ...ofRouter('gateway-api')]),
    ...lacking('nginx', ofRouter('nginx')),
    ...lacking('istio', ofRouter('istio')),
  ])('%s (%s) is told the rule that allows it, and needs no other', async (title, kind, atom) => {
    const rest = [...common, ...ofRouter(kind)].filter((one) => titleOf(one) !== title).map(ruleOf);
    const [message = '', ...others] = await told(kind, rest);
    expect(others).toEqual([]);
    expect(message).toContain(`We may not ${title} in namespace ${namespace}; its Role needs - {`);
    const rule = parse(/- (?<rule>\{[^}]*\})/.exec(message)?.groups?.['rule'] ?? '') as Rule;
    expect(rule).toEqual(ruleOf(atom));
    expect(await told(kind, [...rest, rule])).toEqual([]);
  });
});
