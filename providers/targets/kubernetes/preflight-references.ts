/** What stable's pods refer to and the canary's will too: Secrets and ConfigMaps must be there; only their names are looked at. */

import type { PreflightFinding } from '../../ports.ts';
import { ProviderError } from '../../errors.ts';
import type { Call } from './api.ts';
import { problem } from './findings.ts';
import { at, type JsonObject, objectsAt, textAt } from './json.ts';
import { nameOfRef, type Ref, refTo, resources } from './refs.ts';
import type { Site } from './site.ts';

/** Without the right to look at one nothing is said of it: a pod that lacks it does not start, and says so. */
export async function referenceFindings(
  site: Site,
  deployment: JsonObject,
  call: Call,
): Promise<readonly PreflightFinding[]> {
  const refs = referencesOf(site, deployment);
  const found = await Promise.all(refs.map((ref) => isThere(site, ref, call)));
  return refs
    .filter((_, index) => found[index] === false)
    .map((ref) => {
      const text = `${nameOfRef(ref)} does not exist, and the pods of ${site.plan.deployment} need it: a new one would not start.`;
      return problem('reference', text);
    });
}

/** `null`: we may not know. */
async function isThere({ api }: Site, ref: Ref, call: Call): Promise<boolean | null> {
  try {
    return await api.exists(ref, call);
  } catch (error) {
    if (error instanceof ProviderError && error.code === 'denied') return null;
    throw error;
  }
}

/** Each once; those that may be missing are left out. */
function referencesOf({ plan }: Site, deployment: JsonObject): readonly Ref[] {
  const pod = at(deployment, 'spec', 'template', 'spec');
  const containers = [...objectsAt(pod, 'containers'), ...objectsAt(pod, 'initContainers')];
  const volumes = objectsAt(pod, 'volumes');
  const projected = volumes.flatMap((volume) => objectsAt(volume, 'projected', 'sources'));
  const variables = containers.flatMap((one) => objectsAt(one, 'env').map((variable) => at(variable, 'valueFrom')));
  const all = containers.flatMap((one) => objectsAt(one, 'envFrom'));
  const named = (key: string, sources: readonly unknown[], name = 'name'): readonly string[] =>
    sources.flatMap((source) => {
      const said = at(source as JsonObject, key);
      const found = at(said, 'optional') === true ? null : textAt(said, name);
      return found === null ? [] : [found];
    });
  const secrets = [
    ...named('secretKeyRef', variables),
    ...named('secretRef', all),
    ...named('secret', volumes, 'secretName'),
    ...named('secret', projected),
  ];
  const configMaps = [
    ...named('configMapKeyRef', variables),
    ...named('configMapRef', all),
    ...named('configMap', [...volumes, ...projected]),
  ];
  return [
    ...[...new Set(secrets)].map((name) => refTo(resources.secrets, plan.namespace, name)),
    ...[...new Set(configMaps)].map((name) => refTo(resources.configmaps, plan.namespace, name)),
  ];
}
