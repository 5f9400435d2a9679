/** The operator's part of a simulated world: where everything of one plan is, taken from a worker's configuration or made up. */

import type { Plan } from '../../../plan/plan.ts';
import type { TargetPlan } from '../../../plan/target.ts';
import type { CaddyConnection, CaddyRoute, Connection, WorkerConfig } from '../../../spec/worker-config.ts';
import { controlConnection, controlOrigin } from './control-api.ts';
import type { Places } from './places.ts';

/** A plan whose target has no simulated world; the message is for the person who asked. */
export class NotSimulated extends Error {
  override readonly name = 'NotSimulated';
}

export interface OperatorFacts {
  readonly config: Pick<WorkerConfig, 'connections' | 'notify'>;
  /** When the world begins, epoch ms. */
  readonly began: number;
}

/** Throws when the configuration does not declare what the plan names. */
export function placesOf(plan: Plan, { config }: OperatorFacts): Places {
  const named = config.connections[plan.target.connection];
  const isDeclared = named?.kind === 'http' && named.routes[plan.target.route] !== undefined;
  const edge = isDeclared ? proxyFor(plan.target.route) : named;
  const route = edge?.kind === 'caddy' ? edge.routes[plan.target.route] : undefined;
  if (edge?.kind !== 'caddy' || route === undefined) {
    throw new Error(`the configuration has no route ${plan.target.route} at connection ${plan.target.connection}`);
  }
  return {
    admin: edge.admin,
    public: edge.public,
    publicToo: publicOrigins(plan).filter((origin) => origin !== edge.public),
    persistHook: edge.persistence.kind === 'hook' ? edge.persistence.url : null,
    server: route.server ?? 'srv0',
    host: route.match.host,
    path: route.match.path,
    slots: route.slots,
    hook: hookOf(route),
    prometheus: plan.metrics === null ? null : prometheusOf(plan.metrics.connection, config),
    webhooks: config.notify.map(({ url }) => url),
    controlApi: isDeclared ? controlOrigin : null,
    gateway: isDeclared ? named.preview : null,
  };
}

function hookOf({ deploy }: CaddyRoute): string {
  if (deploy.kind === 'hook') return deploy.url;
  throw new Error('a simulated host is reached through a deploy hook; it has no container engine');
}

/** What the spec calls the public address of its service, suite by suite. */
function publicOrigins({ suites }: Plan): string[] {
  const urls = Object.values(suites).flatMap(({ publicUrl }) => publicUrl ?? []);
  return [...new Set(urls.map((url) => new URL(url).origin))];
}

function prometheusOf(name: string, { connections }: OperatorFacts['config']): string {
  const found = connections[name];
  if (found?.kind === 'prometheus') return found.url;
  throw new Error(`the configuration has no metrics connection ${name}`);
}

/** A configuration under which a plan can run in a simulation, for those who have none. Throws `NotSimulated`. */
export function operatorFor(plan: Plan): WorkerConfig {
  const metrics = plan.metrics === null ? {} : { [plan.metrics.connection]: prometheus };
  return {
    taskQueue: 'sluice',
    temporal: null,
    directory: './directory.yaml',
    listen: '127.0.0.1:9464',
    logs: { level: 'info' },
    heartbeatMs: 5_000,
    secrets: { from: 'env', prefix: 'SLUICE_SECRET_' },
    connections: {
      ...metrics,
      [plan.target.connection]: connectionFor(plan.target),
    },
    smoke: { allow: publicOrigins(plan), files: null },
    archive: null,
    notify: [],
    guardian: { everyMs: 5_000, pageAfterMs: 120_000, revertAfterMs: 600_000 },
    versioning: null,
  };
}

function connectionFor(target: TargetPlan): Connection {
  switch (target.kind) {
    case 'caddy':
      return proxyFor(target.route);
    case 'http':
      return controlConnection(target);
    case 'kubernetes':
      throw new NotSimulated('no cluster is simulated: a rollout on Kubernetes is tried on a real one');
  }
}

function proxyFor(route: string): CaddyConnection {
  return {
    kind: 'caddy',
    admin: 'http://127.0.0.1:2019',
    public: 'http://127.0.0.1:8080',
    persistence: { kind: 'resume' },
    routes: {
      [route]: {
        server: null,
        match: { host: null, path: '/*' },
        slots: { a: '127.0.0.1:8001', b: '127.0.0.1:8002' },
        longLived: false,
        deploy: { kind: 'hook', url: 'http://127.0.0.1:9000', auth: null },
      },
    },
  };
}

const prometheus = { kind: 'prometheus', url: 'http://127.0.0.1:9090', auth: null, headers: {} } as const;
