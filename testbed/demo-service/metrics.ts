/** Metrics of the demo service, as any service behind Sluice would have them: every series says which release it is. */

import { Counter, Histogram, Registry } from 'prom-client';

export interface ServiceMetrics {
  served(request: { method: string; path: string; code: number; seconds: number }): void;
  /** Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function serviceMetrics(app: string, release: string): ServiceMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ app, release });
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered, by code, method and path.',
    labelNames: ['code', 'method', 'path'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer a request.',
    labelNames: ['method', 'path'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
  // Both codes exist from the start: a rate over a series that does not exist yet would be "no data", not zero.
  for (const code of [200, 500]) requests.inc({ code, method: 'GET', path: '/' }, 0);
  return {
    served: ({ method, path, code, seconds: took }) => {
      requests.inc({ code, method, path });
      seconds.observe({ method, path }, took);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
