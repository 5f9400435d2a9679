/** The demo service's routes: a few that users call, and those for health, metrics and the fault switch. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { faultsSchema, type FaultSwitch } from './faults.ts';
import type { ServiceMetrics } from './metrics.ts';
import type { Desk } from './desk.ts';
import { sawKey, type ServedRequest, servedRequest } from './request-log.ts';

export interface ServiceParts {
  readonly app: string;
  /** Label of the release. */
  readonly release: string;
  readonly digest: string;
  readonly faults: FaultSwitch;
  readonly metrics: ServiceMetrics;
  readonly log: (request: ServedRequest) => void;
  readonly desk: Desk;
}

const userPaths = ['/', '/api/whoami', '/api/echo'];

export function serviceApp(parts: ServiceParts): Hono {
  const { app, release, digest, faults, metrics, desk } = parts;
  const service = new Hono();

  service.get('/healthz', (c) => c.json({ ok: faults.ready(), release }, faults.ready() ? 200 : 503));
  service.get('/metrics', async (c) => c.text(await metrics.text(), 200, { 'content-type': metrics.contentType }));
  service.get('/_control/identity', (c) => c.json({ digest, pid: process.pid }));
  service.put('/_control/faults', async (c) => {
    const wanted = faultsSchema.safeParse(await c.req.json().catch(() => null));
    if (!wanted.success) return c.json({ code: 'invalid', message: wanted.error.message }, 422);
    faults.set(wanted.data);
    return c.json(wanted.data);
  });

  service.use('*', counted(parts), faulty(faults));
  service.get('/', (c) => c.text(`Hello from ${app} ${release}\n`));
  service.get('/api/whoami', (c) => c.json({ app, release, digest }));
  service.post('/api/echo', async (c) => c.json({ release, youSent: await c.req.text() }));
  service.route('/', desk.routes);
  return service;
}

/** Counts and logs what users get; health, metrics and switches were answered before. */
function counted({ release, metrics, log }: ServiceParts) {
  return createMiddleware(async (c, next) => {
    const [at, began] = [Date.now(), performance.now()];
    await next();
    c.header('x-release', release);
    const { method, path } = c.req;
    const code = c.res.status;
    const known = userPaths.includes(path) ? path : 'other'; // strangers must not invent series
    metrics.served({ method, path: known, code, seconds: (performance.now() - began) / 1000 });
    const saw = c.get(sawKey) as ServedRequest['saw'] | undefined;
    const header = (name: string) => c.req.header(name);
    log(servedRequest({ at, release, method, path, status: code, header, ...(saw !== undefined && { saw }) }));
  });
}

function faulty(faults: FaultSwitch) {
  return createMiddleware(async (c, next) => {
    const { fails, delayMs } = faults.next(c.req.path, Date.now());
    if (delayMs > 0) await sleep(delayMs);
    if (fails) return c.json({ error: 'this release is broken' }, 500);
    return next();
  });
}
