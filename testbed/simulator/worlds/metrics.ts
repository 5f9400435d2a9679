/** The metrics server of a world: knows the queries of its plans, and counts what its processes served. */

import type { Plan } from '../../../plan/plan.ts';
import type { Release } from '../../../plan/release.ts';
import type { WorldScript } from '../../../spec/world.ts';
import type { Host } from './host.ts';
import type { Instance } from './instance.ts';
import { measureOf, queriesOf, ruleOf } from './measures.ts';
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
  const counters = new Map<string, Counters>();
  const saidOf = (asked: Parameters<typeof measureOf>[0], at: number) => measureOf(asked, script, roleOf, at, history);
  const host = createPrometheusHost({
    measure: (query, at) => {
      const asked = queries.get(query);
      return asked === undefined ? null : saidOf(asked, at);
    },
    rules: (at) => [...queries.values()].flatMap((asked) => ruleOf(saidOf(asked, at))),
    scraped: (selector, at, lookbackMs) => {
      const counter = counters.get(selector);
      if (counter === undefined) return null;
      return slots.scraped(at, lookbackMs).map(({ instance, code, value, at: scrapedAt }) => ({
        metric: metricOf(counter, instance, code),
        value,
        at: scrapedAt,
      }));
    },
  });
  return {
    host,
    know({ metrics, ...plan }, releases) {
      for (const [text, asked] of queriesOf({ ...plan, metrics }, releases)) queries.set(text, asked);
      if (metrics?.requests == null) return;
      counters.set(metrics.requests, {
        trackLabel: metrics.trackLabel,
        shared: labelsOf(metrics.requests),
        texts: new Map(),
      });
    },
  };
}

/** The request counters that one selector finds. */
interface Counters {
  /** Tells the releases apart. */
  readonly trackLabel: string;
  /** What all its series have. */
  readonly shared: Readonly<Record<string, string>>;
  /** Labels of series that were asked for, as JSON. */
  readonly texts: Map<string, string>;
}

function metricOf({ trackLabel, shared, texts }: Counters, { release, dial }: Instance, code: string): string {
  const key = `${release.label} ${dial} ${code}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  const text = JSON.stringify({ ...shared, [trackLabel]: release.label, code, instance: dial });
  texts.set(key, text);
  return text;
}

/** Equality matchers of a selector, and its name: what its series carry too. */
function labelsOf(selector: string): Record<string, string> {
  const name = /^[A-Za-z_:][\w:]*/.exec(selector)?.[0];
  const matchers = [...selector.matchAll(/([A-Za-z_]\w*)\s*=\s*"([^"]*)"/g)];
  const labels = Object.fromEntries(matchers.map(([, key = '', value = '']) => [key, value]));
  return { ...(name !== undefined && { __name__: name }), ...labels };
}
