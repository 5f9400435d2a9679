/** Which label tells the canary's pods from stable's: without one the Service, the autoscaler and the budget of stable would count them. */

import type { JsonValue } from '../../../plan/plan.ts';
import type { KubernetesTargetPlan } from '../../../plan/target.ts';
import { isObject, type JsonObject, textsAt } from './json.ts';
import { companion } from './refs.ts';

export type Labels = Readonly<Record<string, string>>;

/** Those that say least about a release to whoever reads metrics, first. */
const preferred = ['track', 'role', 'app.kubernetes.io/instance', 'instance', 'app.kubernetes.io/name', 'name', 'app'];

/** Labels that get another value on the canary: of both selectors, one each or one for both. */
export function apartBy(plan: KubernetesTargetPlan, deployment: JsonObject, service: JsonObject): readonly string[] {
  const [ofDeployment, ofService] = [selectorOf(deployment), textsAt(service, 'spec', 'selector')];
  const usable = (labels: Labels) => Object.keys(labels).filter((key) => !Object.hasOwn(plan.labels, key));
  const [first, second] = [usable(ofDeployment), usable(ofService)];
  const both = first.filter((key) => second.includes(key));
  const asked = plan.canary.label;
  if (asked !== null) return [asked];
  if (both.length > 0) return [best(both)];
  return [first, second].flatMap((keys) => (keys.length === 0 ? [] : [best(keys)]));
}

function best(keys: readonly string[]): string {
  return preferred.find((key) => keys.includes(key)) ?? keys[0] ?? '';
}

/** A value has at most 63 characters. */
export function apart(labels: Labels, keys: readonly string[]): Labels {
  const changed = keys.flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [[key, companion(value.slice(0, 56))] as const];
  });
  return { ...labels, ...Object.fromEntries(changed) };
}

export function selectorOf(deployment: JsonObject): Labels {
  return textsAt(deployment, 'spec', 'selector', 'matchLabels');
}

/** All labels of a selector are among the labels; an empty selector takes nobody. */
export function selects(selector: Labels, labels: Labels): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** Spread and affinity rules count the canary's own pods, not stable's. */
export function selectingApart(value: JsonValue, from: Labels, keys: readonly string[]): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => selectingApart(item, from, keys));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (name !== 'matchLabels' || !isObject(member)) return [name, selectingApart(member, from, keys)] as const;
      const labels = textsAt(value, 'matchLabels');
      const ours = keys.filter((key) => labels[key] !== undefined && labels[key] === from[key]);
      return [name, apart(labels, ours)] as const;
    }),
  );
}
