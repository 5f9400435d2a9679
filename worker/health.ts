/** What a scraper and an orchestrator ask the worker: /metrics, /healthz, /readyz. */

import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { WorkerProblem } from './problem.ts';

/** Each check is `null` when it is well, else one sentence. */
export type Readiness = Readonly<Record<string, string | null>>;

export interface HealthOptions {
  readonly metrics: () => Promise<string>;
  readonly readiness: () => Promise<Readiness>;
  /** What keeps no worker from being ready, but should be looked at. @default nothing */
  readonly warnings?: () => readonly string[];
}

export interface HealthServer {
  /** The port it listens on; matters when 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

const prometheusText = 'text/plain; version=0.0.4; charset=utf-8';

export function createHealth({ metrics, readiness, warnings = () => [] }: HealthOptions): Hono {
  const app = new Hono();
  app.get('/metrics', async (context) => context.body(await metrics(), 200, { 'content-type': prometheusText }));
  app.get('/healthz', (context) => context.json({ status: 'alive' }));
  app.get('/readyz', async (context) => {
    const checks = await readiness();
    const ready = Object.values(checks).every((problem) => problem === null);
    const words = Object.entries(checks).map(([name, problem]) => [name, problem ?? 'ok'] as const);
    const warned = warnings();
    const more = warned.length === 0 ? {} : { warnings: warned };
    return context.json({ ready, checks: Object.fromEntries(words), ...more }, ready ? 200 : 503);
  });
  return app;
}

/** Listens on `host:port`. Throws `WorkerProblem` when the address cannot be had. */
export function serveHealth(app: Hono, listen: string): Promise<HealthServer> {
  const colon = listen.lastIndexOf(':');
  const hostname = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname, port: Number(listen.slice(colon + 1)) });
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'the address is in use' : (error.code ?? 'unknown');
      reject(new WorkerProblem(`cannot listen on ${listen}: ${why}`, { cause: error }));
    });
    server.once('listening', () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            // A scraper's idle connection must not hold the process.
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      }),
    );
  });
}
