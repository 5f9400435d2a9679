/** The real ports: every connection that the operator declared, by its name. */

import type { Ports, Observer } from '../activities/ports.ts';
import type { Reading, TargetPlan } from '../plan/target.ts';
import { shortDigest } from '../plan/release.ts';
import { formatBp } from '../plan/units.ts';
import { ProviderError } from '../providers/errors.ts';
import { createPrometheus } from '../providers/metrics/prometheus.ts';
import { createNotifier } from '../providers/notify/notifier.ts';
import type { MetricsSource, Notice, Rollouts, Runs, Target } from '../providers/ports.ts';
import { createSmokeRunner } from '../providers/smoke/runner.ts';
import { createCaddyTarget } from '../providers/targets/caddy/target.ts';
import { createHttpTarget } from '../providers/targets/http/target.ts';
import { planFound } from '../providers/targets/kubernetes/found-plan.ts';
import { pingCluster } from '../providers/targets/kubernetes/ping.ts';
import { createKubernetesTarget } from '../providers/targets/kubernetes/target.ts';
import type { WorkerConfig } from '../spec/worker-config.ts';
import { siteOf } from './caddy-sites.ts';
import { credentialsFor } from './credentials.ts';
import type { House } from './house.ts';
import { httpSiteOf } from './http-sites.ts';
import { accessOf, kubernetesSiteOf } from './kubernetes-sites.ts';
import type { Log } from './logger.ts';
import { clockInWords } from './time.ts';

export interface PortsOptions extends Omit<House, 'deployment'> {
  readonly rollouts: Rollouts;
  readonly runs: Runs;
  readonly observer: Observer;
}

export function createPorts(options: PortsOptions): Ports {
  const { config, clock, http, sockets, directory, secrets, files, archive, random } = options;
  const { rollouts, runs, observer, log } = options;
  const target = (plan: TargetPlan): Target => targetOf(options, plan);
  const metrics = (connection: string): MetricsSource => metricsOf(options, connection);
  return {
    clock,
    target,
    metrics,
    smoke: createSmokeRunner({ http, sockets, clock, secrets, files, random, allow: config.smoke.allow }),
    directory,
    secrets,
    notifier: createNotifier({
      http,
      channels: config.notify,
      redact: (text) => secrets.redact(text),
      log: (notice) => tell(log, notice),
    }),
    archive,
    rollouts,
    runs,
    guardian: config.guardian,
    observer,
    connections: connectionsOf(options, target, metrics),
  };
}

// ── Connections by name ──────────────────────────────────────────────────────────────────────────────────────────────

type Kind = WorkerConfig['connections'][string]['kind'];

/** A spec names a connection; what it means stands in the operator's file alone. */
function declared<K extends Kind>(config: WorkerConfig, name: string, kind: K) {
  const found = Object.hasOwn(config.connections, name) ? config.connections[name] : undefined;
  if (found?.kind === kind) return found as Extract<typeof found, { kind: K }>;
  const detail = found === undefined ? onlyOnes(config) : `it is of kind ${found.kind}`;
  throw new ProviderError({ code: 'missing', doing: `use connection ${name} for ${kind}`, detail });
}

function onlyOnes({ connections }: Pick<WorkerConfig, 'connections'>): string {
  return `the operator declared only ${Object.keys(connections).join(', ')}`;
}

function metricsOf({ config, credentials, http, clock }: PortsOptions, name: string): MetricsSource {
  const { url, headers, auth } = declared(config, name, 'prometheus');
  return createPrometheus({ url, headers, auth: credentialsFor(auth, credentials), http, clock });
}

/** What a target is made from. */
export type TargetDoors = Pick<House, 'config' | 'credentials' | 'http' | 'clock' | 'engine' | 'cluster'>;

/** The target behind a connection's name. Throws `ProviderError` `missing` when the operator declared no such one. */
export function targetOf(house: TargetDoors, plan: TargetPlan): Target {
  const { config, credentials, http, clock } = house;
  switch (plan.kind) {
    case 'caddy': {
      const connection = siteOf(declared(config, plan.connection, plan.kind), plan, house);
      return createCaddyTarget({ plan, connection, http, clock });
    }
    case 'http': {
      const connection = httpSiteOf(declared(config, plan.connection, plan.kind), plan, credentials);
      return createHttpTarget({ plan, connection, http, clock });
    }
    case 'kubernetes': {
      const connection = kubernetesSiteOf(declared(config, plan.connection, plan.kind), plan, house.cluster);
      return createKubernetesTarget({ plan, connection, clock });
    }
  }
}

/** A target by its names alone, for whoever has no spec; a cluster is asked. Throws `ProviderError`. */
export async function targetNamed(
  house: TargetDoors,
  name: string,
  route: string,
  signal: AbortSignal,
): Promise<Target> {
  const { config, clock } = house;
  const found = Object.hasOwn(config.connections, name) ? config.connections[name] : undefined;
  if (found?.kind !== 'kubernetes') return targetOf(house, routePlan(config, name, route));
  const [namespace = '', deployment = ''] = route.split('/');
  const at = { connection: name, namespace, deployment };
  return targetOf(house, await planFound(kubernetesSiteOf(found, at, house.cluster), clock, at, signal));
}

/** A route by its names alone, for whoever has no spec. Throws `ProviderError` `missing`. */
function routePlan({ connections }: WorkerConfig, name: string, route: string): TargetPlan {
  const found = Object.hasOwn(connections, name) ? connections[name] : undefined;
  if (found !== undefined && 'routes' in found) {
    return { kind: found.kind, connection: name, route, preview: null, drainMs: 0 };
  }
  const detail = found === undefined ? onlyOnes({ connections }) : `it is of kind ${found.kind}`;
  throw new ProviderError({ code: 'missing', doing: `use connection ${name} for a target`, detail });
}

// ── For doctor ───────────────────────────────────────────────────────────────────────────────────────────────────────

type Pinged = Ports['connections'][number];

function connectionsOf(options: PortsOptions, target: Ports['target'], metrics: Ports['metrics']): readonly Pinged[] {
  const declaredOnes = Object.entries(options.config.connections).flatMap(([name, connection]): Pinged[] => {
    switch (connection.kind) {
      case 'prometheus':
        return [
          {
            name,
            ping: async (signal) =>
              metrics(name)
                .ping(signal)
                .then(() => 'Prometheus answers'),
          },
        ];
      case 'kubernetes': {
        const { withinMs } = connection;
        const ping = (signal?: AbortSignal) =>
          pingCluster({ cluster: options.cluster(accessOf(connection)), withinMs }, signal);
        return [{ name, ping }];
      }
      case 'caddy':
      case 'http':
        return Object.keys(connection.routes).map((route) => ({
          name: `${name}, route ${route}`,
          ping: async (signal) => wordsFor(await target(routePlan(options.config, name, route)).read(signal)),
        }));
    }
  });
  const { archive } = options;
  const kept = archive === null ? [] : [{ name: 'archive', ping: (signal?: AbortSignal) => archive.ping(signal) }];
  const own = [
    { name: 'directory', ping: () => pingDirectory(options) },
    { name: 'clock', ping: () => pingClock(options) },
  ];
  return [...declaredOnes, ...own, ...kept];
}

async function pingClock({ wrongByMs }: PortsOptions): Promise<string> {
  if (wrongByMs() === 0) return 'nothing speaks against the time of this machine';
  const detail = `${clockInWords(wrongByMs())}; their time is used meanwhile: set it right, e.g. by NTP`;
  throw new ProviderError({ code: 'invalid', doing: 'tell the time', detail });
}

function wordsFor({ shares, unknownBp }: Reading): string {
  const parts = shares.map(({ digest, bp }) => `${formatBp(bp)} to ${shortDigest(digest)}`);
  if (unknownBp > 0) parts.push(`${formatBp(unknownBp)} to a release that nobody knows`);
  return parts.length === 0 ? 'answers; the route does not exist yet' : `answers: ${parts.join(', ')}`;
}

async function pingDirectory({ directory, directoryProblem }: PortsOptions): Promise<string> {
  const identity = await directory.identity();
  const problem = directoryProblem();
  if (problem === null) return `read, identity ${identity}`;
  const detail = `the last good version is in use, because the file is broken: ${problem}`;
  throw new ProviderError({ code: 'invalid', doing: 'read the directory', detail });
}

function tell(log: Log, { rollout, severity, key, title, text }: Notice): void {
  log.info({ rollout, severity, key, text }, title);
}
