/** The router of a plan: the one place that knows all of them. */

import type { KubernetesTargetPlan } from '../../../../plan/target.ts';
import { companion } from '../refs.ts';
import { createGatewayRouter } from './gateway.ts';
import { createIstioRouter } from './istio.ts';
import { createNginxRouter } from './nginx.ts';
import type { Router } from './router.ts';

export function routerFor({ namespace, service, router }: KubernetesTargetPlan): Router {
  const pair = { stable: service, canary: companion(service) };
  switch (router.kind) {
    case 'gateway-api':
      return createGatewayRouter({
        namespace,
        resource: router.resource,
        name: router.name,
        rule: router.rule,
        ...pair,
      });
    case 'nginx':
      return createNginxRouter({ namespace, ingress: router.ingress, prefix: router.prefix, ...pair });
    case 'istio':
      return createIstioRouter({ namespace, virtualService: router.virtualService, route: router.route, ...pair });
  }
}
