import { expect, test } from 'vitest';
import { compileTarget } from '../../plan/compile-target.ts';
import { renderProblems } from '../../spec/diagnostics.ts';
import { parseSpec } from '../../spec/rollout.ts';
import { parseWorkerConfig } from '../../spec/worker-config.ts';

const spec = (target: string) => `apiVersion: sluice/v1
kind: Rollout
metadata: { service: sti-chat, environment: production }
target:
${target}
release: { image: registry.example/sti-chat }
`;

const whole = `  kind: kubernetes
  connection: prod-cluster
  namespace: chat
  workload: { deployment: sti-chat, container: app }
  canary: { replicas: 2 }
  service: sti-chat
  router: { kind: gateway-api, httpRoute: sti-chat }
  preview: { header: "x-sluice-preview: canary" }
  promotion: gitops
  drain: 60s
  deploymentLabels: { release: "{{release.label}}" }`;

function parsed(target: string) {
  const result = parseSpec(spec(target), 'chat.yaml');
  if (!result.ok) throw new Error(renderProblems(result.problems));
  return result.value.target;
}

test('a Deployment behind a Gateway becomes its part of the plan', () => {
  expect(compileTarget(parsed(whole))).toEqual({
    kind: 'kubernetes',
    connection: 'prod-cluster',
    route: 'chat/sti-chat',
    namespace: 'chat',
    deployment: 'sti-chat',
    container: 'app',
    service: 'sti-chat',
    router: { kind: 'gateway-api', resource: 'httproutes', name: 'sti-chat', rule: null },
    canary: { replicas: 2, label: null },
    labels: { release: '{{release.label}}' },
    promotion: 'gitops',
    preview: { header: 'x-sluice-preview', value: 'canary' },
    drainMs: 60_000,
  });
});

test('what its kill switches turn is known to it', () => {
  const turned = { kind: 'kubernetes-env', env: 'SMART_MODE' } as const;
  const other = { kind: 'kubernetes-config', configMap: 'flags', key: 'smart' } as const;
  const rest = { off: 'false', verify: null, rejudgeAfter: 0, stillBad: 'rollback' } as const;
  const switches = [
    { id: 'smart', ...turned, deployment: ['stable' as const], container: null, ...rest },
    { id: 'smarter', ...other, ...rest },
  ];
  expect(compileTarget(parsed(whole), switches)).toMatchObject({ switches: ['SMART_MODE'] });
});

test.each([
  ['{ kind: gateway-api, grpcRoute: chat, rule: api }', { resource: 'grpcroutes', name: 'chat', rule: 'api' }],
  ['{ kind: nginx, ingress: chat }', { kind: 'nginx', ingress: 'chat', prefix: 'nginx.ingress.kubernetes.io' }],
  ['{ kind: istio, virtualService: chat }', { kind: 'istio', virtualService: 'chat', route: null }],
])('traffic may be divided by %s', (router, found) => {
  const target = parsed(whole.replace('{ kind: gateway-api, httpRoute: sti-chat }', router));
  expect(compileTarget(target)).toMatchObject({ router: found });
});

test.each([
  ['httpRoute: sti-chat', 'rule: api', 'no route is named'],
  ['httpRoute: sti-chat', 'httpRoute: a, grpcRoute: b', 'one route divides the traffic'],
  ['deployment: sti-chat', `deployment: ${'a'.repeat(60)}`, '-canary is put after it'],
  ['"{{release.label}}"', '"v {{release.label}}"', 'the value of a label of Kubernetes'],
])('%s written as %s is told', (good, bad, message) => {
  const result = parseSpec(spec(whole.replace(good, bad)), 'chat.yaml');
  expect(renderProblems(result.ok ? [] : result.problems)).toContain(message);
});

const worker = (connection: string) => `apiVersion: sluice/v1
kind: Worker
directory: ./directory.yaml
connections:
  prod: ${connection}
`;

test.each([
  ['{ kind: kubernetes }', { kubeconfig: null, context: null, namespaces: null, podsReachable: true, withinMs: 5_000 }],
  [
    '{ kind: kubernetes, kubeconfig: ./kube, within: 2s }',
    { kubeconfig: './kube', podsReachable: false, withinMs: 2_000 },
  ],
])('a cluster is declared by %s', (connection, found) => {
  const result = parseWorkerConfig(worker(connection), 'worker.yaml');
  expect(result.ok && result.value.connections['prod']).toMatchObject(found);
});
