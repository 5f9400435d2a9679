/** From what a spec says of its target to that part of the plan; each kind has its own form. */

import type { Spec } from '../spec/rollout.ts';
import type { TargetForm } from '../spec/target.ts';
import type { KubernetesRouterPlan, TargetPlan } from './target.ts';

export function compileTarget(target: TargetForm, switches: Spec['switches'] = []): TargetPlan {
  const preview = target.preview === null ? null : target.preview.header;
  const { connection, drain: drainMs } = target;
  if (target.kind !== 'kubernetes') return { kind: target.kind, connection, route: target.route, preview, drainMs };
  const { namespace, workload, service, canary, promotion, deploymentLabels } = target;
  const turned = switches.flatMap((one) => (one.kind === 'kubernetes-env' ? [one.env] : []));
  return {
    kind: 'kubernetes',
    connection,
    route: `${namespace}/${workload.deployment}`,
    namespace,
    deployment: workload.deployment,
    container: workload.container,
    service,
    router: routerOf(target.router),
    canary: { replicas: canary.replicas, label: canary.label },
    labels: deploymentLabels,
    promotion,
    preview,
    drainMs,
    ...(turned.length > 0 && { switches: turned }),
  };
}

function routerOf(router: Extract<TargetForm, { kind: 'kubernetes' }>['router']): KubernetesRouterPlan {
  switch (router.kind) {
    case 'gateway-api': {
      const { httpRoute, grpcRoute, rule } = router;
      if (httpRoute !== undefined) return { kind: 'gateway-api', resource: 'httproutes', name: httpRoute, rule };
      return { kind: 'gateway-api', resource: 'grpcroutes', name: grpcRoute ?? '', rule };
    }
    case 'nginx':
      return { kind: 'nginx', ingress: router.ingress, prefix: router.prefix };
    case 'istio':
      return { kind: 'istio', virtualService: router.virtualService, route: router.route };
  }
}
