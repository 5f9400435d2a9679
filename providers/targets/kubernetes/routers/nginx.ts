/** Traffic divided by the canary annotations of a second Ingress, which is ours (ingress-nginx, and Traefik in its place). */

import type { JsonValue } from '../../../../plan/plan.ts';
import { at, isObject, type JsonObject, objectsAt, textAt, textsAt } from '../json.ts';
import { setAnnotations } from '../patch.ts';
import { companion, nameOfRef, refTo, resources } from '../refs.ts';
import { problem } from '../findings.ts';
import type { Router, Split } from './router.ts';

export interface NginxOptions {
  readonly namespace: string;
  readonly ingress: string;
  /** Of the annotations. */
  readonly prefix: string;
  readonly stable: string;
  readonly canary: string;
}

const whole = 10_000;

export function createNginxRouter({ namespace, ingress, prefix, stable, canary }: NginxOptions): Router {
  const ref = refTo(resources.ingresses, namespace, companion(ingress));
  const key = (name: string) => `${prefix}/${name}`;
  const pathsTo = (object: JsonObject, service: string) => backends(object).filter((name) => name === service).length;

  return {
    ref,
    origin: refTo(resources.ingresses, namespace, ingress),
    granularityBp: 1,
    preview: true,
    field: '.metadata.annotations',
    made: (origin) => ({
      metadata: { name: ref.name, annotations: { [key('canary')]: 'true', ...weightOf(key, 0) } },
      spec: {
        ...sameClass(origin),
        rules: rulesTo(origin, stable, canary),
      },
    }),
    split(object): Split {
      const annotations = textsAt(object, 'metadata', 'annotations');
      const isOn = annotations[key('canary')] === 'true';
      const total = Math.max(Number(annotations[key('canary-weight-total')] ?? 100), 1);
      const weight = Math.min(Math.max(Number(annotations[key('canary-weight')] ?? 0), 0), total);
      const canaryBp = isOn ? Math.round((weight * whole) / total) : 0;
      const preview = annotations[key('canary-by-header')] !== undefined;
      const fault =
        pathsTo(object, canary) > 0 ? null : `no path of ${nameOfRef(ref)} leads to Service ${canary} or ${stable}`;
      const present = pathsTo(object, canary) > 0;
      return { stableBp: whole - canaryBp, canaryBp, present, preview, uneven: false, fault };
    },
    write: (object, { canaryBp, preview }) =>
      setAnnotations(object, {
        [key('canary')]: 'true',
        ...weightOf(key, canaryBp),
        [key('canary-by-header')]: preview?.header ?? null,
        [key('canary-by-header-value')]: preview?.value ?? null,
      }),
    // The controller says nothing about what it has taken up: what the API server keeps is all there is to see.
    acceptance: () => ({ kind: 'accepted' }),
    record: () => ({}),
    findings: (object) =>
      pathsTo(object, canary) > 0
        ? []
        : [problem('route', `No path of Ingress ${namespace}/${ingress} leads to Service ${stable}.`)],
  };
}

function weightOf(key: (name: string) => string, bp: number): Readonly<Record<string, string>> {
  return { [key('canary-weight')]: String(bp), [key('canary-weight-total')]: String(whole) };
}

function sameClass(origin: JsonObject): JsonObject {
  const name = textAt(origin, 'spec', 'ingressClassName');
  return name === null ? {} : { ingressClassName: name };
}

function backends(object: JsonObject): readonly (string | null)[] {
  return objectsAt(object, 'spec', 'rules').flatMap((rule) =>
    objectsAt(rule, 'http', 'paths').map((path) => textAt(path, 'backend', 'service', 'name')),
  );
}

/** The same hosts and paths, of those that lead to stable. */
function rulesTo(origin: JsonObject, stable: string, canary: string): readonly JsonValue[] {
  return objectsAt(origin, 'spec', 'rules').flatMap((rule) => {
    const paths = objectsAt(rule, 'http', 'paths').filter(
      (path) => textAt(path, 'backend', 'service', 'name') === stable,
    );
    if (paths.length === 0) return [];
    return [{ ...rule, http: { paths: paths.map((path) => leading(path, canary)) } }];
  });
}

function leading(path: JsonObject, service: string): JsonValue {
  const found = at(path, 'backend', 'service');
  return { ...path, backend: { service: { ...(isObject(found) ? found : {}), name: service } } };
}
