/** The servers and services of a world, started in the order of who needs whom. */

import { join } from 'node:path';
import { type Recorder, startRecorder } from '../recorder.ts';
import { type Caddy, startCaddy } from '../servers/caddy.ts';
import { freePort } from '../servers/ports.ts';
import {
  type AlertRule,
  awaitSamples,
  type Prometheus,
  type ScrapeTarget,
  startPrometheus,
} from '../servers/prometheus.ts';
import { startTemporal, type Temporal, type TemporalOptions } from '../servers/temporal.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';

export interface ServerOptions {
  readonly folder: string;
  /** Names, or names with the behaviour of their releases. */
  readonly services: readonly (string | ServiceOptions)[];
  readonly temporal?: Omit<TemporalOptions, 'folder'>;
  /** Alerts that its Prometheus knows. @default none */
  readonly rules?: readonly AlertRule[];
  /** @default 1_000 */
  readonly scrapeEveryMs?: number;
  /** @default free ports */
  readonly ports?: { readonly public?: number; readonly admin?: number; readonly prometheus?: number };
}

export interface Servers {
  readonly temporal: Temporal;
  readonly prometheus: Prometheus;
  readonly caddy: Caddy;
  /** In front of Caddy's admin API. */
  readonly admin: Recorder;
  /** Where users arrive; the `Host` header chooses the service. */
  readonly publicUrl: string;
  readonly services: readonly Service[];
}

export type Stoppable = () => Promise<unknown>;

/** What has been started is in `stops`, also when it throws. */
export async function startServers(options: ServerOptions, stops: Stoppable[]): Promise<Servers> {
  const { folder, ports = {} } = options;
  const up = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const server = await starting;
    stops.push(() => server.stop());
    return server;
  };
  const wanted = options.services.map((service) => (typeof service === 'string' ? { name: service } : service));
  const [temporal, services] = await all([
    up(startTemporal({ ...options.temporal, folder: join(folder, 'temporal') })),
    all(wanted.map((one) => up(startService(one, join(folder, 'services', one.name))))),
  ]);

  const scraped = {
    targets: services.flatMap(targetsOf),
    scrapeEveryMs: options.scrapeEveryMs ?? 1_000,
    rules: options.rules ?? [],
  };
  const prometheusPort = ports.prometheus ?? (await freePort());
  const prometheus = await up(
    startPrometheus({ ...scraped, folder: join(folder, 'prometheus'), port: prometheusPort }),
  );
  const publicPort = ports.public ?? (await freePort());
  const caddy = await up(startCaddy({ folder: join(folder, 'caddy'), apps: caddyApps(publicPort, services) }));
  const adminPort = ports.admin ?? (await freePort());
  const logFile = join(folder, 'admin-calls.jsonl');
  const admin = await up(startRecorder({ upstream: caddy.adminUrl, logFile, port: adminPort }));

  const stable = services.map(({ name }) => `http_requests_total{app="${name}",release="v1"}`);
  await all(stable.map((series) => awaitSamples(prometheus.url, series)));
  return { temporal, prometheus, caddy, admin, publicUrl: `http://127.0.0.1:${publicPort}`, services };
}

function targetsOf(service: Service): ScrapeTarget[] {
  const { a, b } = service.slots;
  return [
    { job: service.name, address: a.address, labels: { slot: 'a' } },
    { job: service.name, address: b.address, labels: { slot: 'b' } },
  ];
}

/** As users have it before Sluice comes: one plain route per service, to the slot that serves, without any mark of ours. */
function caddyApps(publicPort: number, services: readonly Service[]): unknown {
  const routes = services.map((service) => ({
    match: [{ host: [service.host] }],
    handle: [{ handler: 'reverse_proxy', upstreams: [{ dial: service.slots.a.address }] }],
  }));
  const server = {
    listen: [`127.0.0.1:${publicPort}`],
    automatic_https: { disable: true }, // host names would make Caddy ask for certificates
    routes: [...routes, { handle: [{ handler: 'static_response', status_code: 404, body: 'no such service\n' }] }],
  };
  return { http: { servers: { srv0: server } } };
}

/** Like `Promise.all`, but waits for every one even when one fails, so that nothing starts after a failure was handled. */
export async function all<T extends readonly unknown[] | []>(
  promises: T,
): Promise<{ [At in keyof T]: Awaited<T[At]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
