/** What the controllers of a route's Gateways say of it: taken up in its present form, or why not. */

import { type JsonObject, numberAt, objectsAt, textAt } from '../json.ts';
import type { Acceptance } from './router.ts';

/** Every parent must have an answer of every controller that reports on it, all for the present generation. */
export function acceptanceOf(route: JsonObject, canaryBp: number): Acceptance {
  const types = canaryBp === 0 ? ['Accepted'] : ['Accepted', 'ResolvedRefs'];
  const generation = numberAt(route, 'metadata', 'generation') ?? 0;
  const parents = objectsAt(route, 'spec', 'parentRefs');
  const reports = objectsAt(route, 'status', 'parents');
  if (parents.length === 0) return { kind: 'rejected', reason: 'the route has no parent: no Gateway serves it' };
  const answers = parents.flatMap((parent): Acceptance[] => {
    const ours = reports.filter((report) => isSameParent(parent, report['parentRef']));
    const name = textAt(parent, 'name') ?? '?';
    if (ours.length === 0) return [{ kind: 'pending', reason: `no controller has reported on parent ${name} yet` }];
    return ours.map((report) => answerOf(report, generation, name, types));
  });
  const worst = (kind: Acceptance['kind']) => answers.find((answer) => answer.kind === kind);
  return worst('rejected') ?? worst('pending') ?? { kind: 'accepted' };
}

function isSameParent(parent: JsonObject, reported: JsonObject[string] | undefined): boolean {
  const keys = ['group', 'kind', 'namespace', 'name', 'sectionName'] as const;
  const usual: Readonly<Record<string, string>> = { group: 'gateway.networking.k8s.io', kind: 'Gateway' };
  const isSame = keys.every((key) => {
    const [wanted, found] = [textAt(parent, key) ?? usual[key] ?? null, textAt(reported, key) ?? usual[key] ?? null];
    return wanted === found || (key === 'namespace' && wanted === null);
  });
  return isSame && numberAt(parent, 'port') === numberAt(reported, 'port');
}

function answerOf(report: JsonObject, generation: number, parent: string, types: readonly string[]): Acceptance {
  const conditions = objectsAt(report, 'conditions');
  const by = `${textAt(report, 'controllerName') ?? 'its controller'} at ${parent}`;
  for (const type of types) {
    const condition = conditions.find((one) => one['type'] === type);
    const observed = numberAt(condition, 'observedGeneration') ?? 0;
    if (condition === undefined || observed < generation) {
      return { kind: 'pending', reason: `${by} has seen generation ${observed} of ${generation} (${type})` };
    }
    if (condition['status'] !== 'True') return { kind: 'rejected', reason: `${by}: ${saying(condition)}` };
  }
  const partial = conditions.find((one) => one['type'] === 'PartiallyInvalid');
  if (partial?.['status'] === 'True') return { kind: 'rejected', reason: `${by}: ${saying(partial)}` };
  return { kind: 'accepted' };
}

function saying(condition: JsonObject): string {
  const [type, status, reason] = ['type', 'status', 'reason'].map((key) => textAt(condition, key) ?? '?');
  const message = (textAt(condition, 'message') ?? '').replaceAll(/[^\P{C} ]+/gu, ' ').slice(0, 200);
  return `${type}=${status} (${reason}) ${message}`.trimEnd();
}
