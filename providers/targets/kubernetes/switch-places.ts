/** Where a kill switch of a cluster stands, and what is written there. */

import type { SwitchPlace } from '../../../plan/switch.ts';
import { ProviderError } from '../../errors.ts';
import { type JsonObject, objectsAt, textAt } from './json.ts';
import { type PatchOp, pointer } from './patch.ts';
import { type Ref, refTo, resources } from './refs.ts';
import type { Site } from './site.ts';
import { containersOf } from './workload.ts';

export type EnvPlace = Extract<SwitchPlace, { readonly kind: 'kubernetes-env' }>;
export type ConfigPlace = Extract<SwitchPlace, { readonly kind: 'kubernetes-config' }>;

export function containerName({ plan }: Site, { container }: EnvPlace): string {
  return container ?? plan.container;
}

export function configRef({ plan }: Site, { configMap }: ConfigPlace): Ref {
  return refTo(resources.configmaps, plan.namespace, configMap);
}

/** A variable of a container. */
export interface Setting {
  readonly container: string;
  readonly env: string;
  readonly value: string;
}

/** Nothing when it has the value. */
export function setVariable(deployment: JsonObject, { container: name, env, value }: Setting): readonly PatchOp[] {
  const containers = containersOf(deployment);
  const index = containers.findIndex((one) => one['name'] === name);
  const container = containers[index];
  if (container === undefined) {
    throw new ProviderError({ code: 'missing', doing: `set ${env}`, detail: `there is no container ${name}` });
  }
  const vars = objectsAt(container, 'env');
  const at = ['spec', 'template', 'spec', 'containers', index, 'env'] as const;
  const known = vars.findIndex((one) => one['name'] === env);
  const entry = { name: env, value };
  if (known >= 0)
    return textAt(vars[known], 'value') === value ? [] : [{ op: 'replace', path: pointer(...at, known), value: entry }];
  return vars.length > 0
    ? [
        { op: 'test', path: pointer(...at), value: vars },
        { op: 'add', path: pointer(...at, '-'), value: entry },
      ]
    : [{ op: 'add', path: pointer(...at), value: [entry] }];
}
