/** Options of the proxy under which a weight would not mean what it says. */

import type { PreflightFinding } from '../../ports.ts';
import { formatDuration } from '../../../plan/units.ts';
import { slotNames } from './connection.ts';
import { goDurationMs } from './duration.ts';
import { problem } from './findings.ts';
import { isObject, type JsonObject } from './json.ts';
import type { Scene, Site } from './site.ts';
import { canSplit, dialOf, policyOf, upstreamsOf } from './split.ts';

export function proxyFindings(site: Site, scene: Scene): readonly PreflightFinding[] {
  const { proxy } = scene.seat;
  const checks = [healthChecks, retries, limits, policy, streams, upstreams];
  return checks.flatMap((check) => check(proxy, site) ?? []);
}

type Check = (proxy: JsonObject, site: Site) => PreflightFinding | null;

/** Measured: with stable failing, passive and active checks send its whole share to the canary. */
const healthChecks: Check = (proxy) => {
  const checks = isObject(proxy['health_checks']) ? proxy['health_checks'] : {};
  const found = ['passive', 'active'].filter((kind) => checks[kind] !== undefined);
  if (found.length === 0) return null;
  const text = `The proxy has ${found.join(' and ')} health checks: when stable fails they send its share to the canary, whatever the weight says. Remove health_checks from this route.`;
  return problem('health-checks', text);
};

const retries: Check = (proxy) => {
  const balancing = isObject(proxy['load_balancing']) ? proxy['load_balancing'] : {};
  const isSet = (key: string): boolean =>
    balancing[key] !== undefined && balancing[key] !== 0 && balancing[key] !== '0s';
  const found = ['retries', 'try_duration'].filter(isSet);
  if (found.length === 0) return null;
  const text = `The proxy tries failed requests again (${found.join(', ')}): they land on the other release, whatever the weight says. Remove it from this route.`;
  return problem('retries', text);
};

const limits: Check = (proxy) => {
  if (!upstreamsOf(proxy).some((upstream) => (upstream['max_requests'] ?? 0) !== 0)) return null;
  const text =
    'An upstream has max_requests: when it is full its share goes to the other release. Remove it from this route.';
  return problem('upstream-limit', text);
};

/** Affinity by Caddy's own cookie ignores the weights, zero included. */
const policy: Check = (proxy) => {
  const name = policyOf(proxy)?.['policy'];
  if (name === undefined || name === 'weighted_round_robin') return null;
  const text = `The proxy chooses upstreams by ${JSON.stringify(name).slice(0, 60)}, which ignores weights (a cookie keeps clients on the canary even at 0 %). Remove the selection policy from this route.`;
  return problem('selection-policy', text);
};

/** Measured: any change of configuration closes all upgraded connections within milliseconds unless they are given time. */
const streams: Check = (proxy, { connection, plan }) => {
  if (!connection.route.longLived) return null;
  const delay = goDurationMs(proxy['stream_close_delay']);
  if (delay !== null && delay >= plan.drainMs) return null;
  const text = `The service has long-lived connections, and every change of weight would close them: set stream_close_delay on the proxy to at least ${formatDuration(plan.drainMs)}.`;
  return problem('stream-close-delay', text);
};

const upstreams: Check = (proxy, { slots }) => {
  if (canSplit(proxy, slots)) return null;
  const dials = upstreamsOf(proxy).map(dialOf);
  const has = proxy['dynamic_upstreams'] === undefined ? dials.slice(0, 10).join(', ') || 'none' : 'dynamic ones';
  const wanted = slotNames.map((slot) => slots[slot]).join(', ');
  return problem(
    'upstreams',
    `The proxy's upstreams (${has}) must be one or both of the slots (${wanted}) and nothing else.`,
  );
};
