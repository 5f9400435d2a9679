/** The metrics server of a world: knows the queries of its plans, and counts what its processes served. */

import type { Plan } from '../../../plan/plan.ts';
import type { Release } from '../../../plan/release.ts';
import type { WorldScript } from '../../../spec/world.ts';
import type { Host } from './host.ts';
import { measureOf, queriesOf } from './measures.ts';
import { createPrometheusHost } from './prometheus.ts';
import type { Slots } from './slots.ts';
import type { History } from './timeline.ts';

export interface Metrics {
  readonly host: Host;
  /** Takes in the queries of one more plan about these releases. */
  know(plan: Plan, releases: readonly Release[]): void;
}

export interface MetricsOptions {
  readonly script: WorldScript;
  readonly slots: Slots;
  readonly history: History;
  readonly roleOf: (digest: string) => string | null;
}

export function createMetrics({ script, slots, history, roleOf }: MetricsOptions): Metrics {
  const queries = new Map<string, Parameters<typeof measureOf>[0]>();
  /** Selector of a request counter → the label that tells the releases apart. */
  const counters = new Map<string, string>();
  const host = createPrometheusHost({
    measure: (query, at) => {
      const asked = queries.get(query);
      return asked === undefined ? null : measureOf(asked, script, roleOf, at, history);
    },
    scraped: (selector, at, lookbackMs) => {
      const trackLabel = counters.get(selector);
      if (trackLabel === undefined) return null;
      const shared = labelsOf(selector);
      return slots.scraped(at, lookbackMs).map(({ instance, code, value, at: scrapedAt }) => ({
        labels: { ...shared, [trackLabel]: instance.release.label, code, instance: instance.dial },
        value,
        at: scrapedAt,
      }));
    },
  });
  return {
    host,
    know({ metrics, ...plan }, releases) {
      for (const [text, asked] of queriesOf({ ...plan, metrics }, releases)) queries.set(text, asked);
      if (metrics?.requests != null) counters.set(metrics.requests, metrics.trackLabel);
    },
  };
}

/** Equality matchers of a selector, and its name: what its series carry too. */
function labelsOf(selector: string): Record<string, string> {
  const name = /^[A-Za-z_:][\w:]*/.exec(selector)?.[0];
  const matchers = [...selector.matchAll(/([A-Za-z_]\w*)\s*=\s*"([^"]*)"/g)];
  const labels = Object.fromEntries(matchers.map(([, key = '', value = '']) => [key, value]));
  return { ...(name !== undefined && { __name__: name }), ...labels };
}
