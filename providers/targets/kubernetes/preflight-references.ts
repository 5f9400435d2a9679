/** What stable's pods refer to and the canary's will too: Secrets and ConfigMaps must be there; only their names are looked at. */

import type { PreflightFinding } from '../../ports.ts';
import { ProviderError } from '../../errors.ts';
import type { Call } from './api.ts';
import { problem, warning } from './findings.ts';
import { at, type JsonObject, objectsAt, textAt } from './json.ts';
import { nameOfRef, type Ref, type Resource, refTo, resources } from './refs.ts';
import { ruleFor } from './rights.ts';
import type { Site } from './site.ts';

/** Who may not look at one is told by which rule he would: a pod that lacks it does not start. */
export async function referenceFindings(
  site: Site,
  deployment: JsonObject,
  call: Call,
): Promise<readonly PreflightFinding[]> {
  const references = referencesOf(site, deployment);
  const looked = await Promise.all(
    references.map(async (one) => ({ ...one, isThere: await isThere(site, one.ref, call) })),
  );
  const pods = `the pods of ${site.plan.deployment}`;
  const absent = looked
    .filter((one) => one.isThere === false)
    .map(({ ref, onlyPulls }) =>
      onlyPulls
        ? warning('reference', `${nameOfRef(ref)} does not exist, and ${pods} pull their images with it.`)
        : problem('reference', `${nameOfRef(ref)} does not exist, and ${pods} need it: a new one would not start.`),
    );
  const unseen = looked.filter((one) => one.isThere === null).map(({ ref }) => ref);
  return [
    ...absent,
    ...[resources.secrets, resources.configmaps].flatMap((kind) => unseenFindings(unseen, kind, pods)),
  ];
}

/** One for each kind, with the whole rule. */
function unseenFindings(refs: readonly Ref[], resource: Resource, pods: string): readonly PreflightFinding[] {
  const names = refs.filter(({ kind }) => kind === resource.kind).map(({ name }) => name);
  if (names.length === 0) return [];
  const rule = ruleFor({ verb: 'get', resource }, names);
  const text = `Nobody sees whether the ${resource.plural} of ${pods} exist (${names.join(', ')}): a pod that lacks one does not start. To have them looked for, its Role needs ${rule}. That right would let the worker read their values too; it asks for nothing but their names.`;
  return [warning('reference-unseen', text)];
}

/** `null`: we may not know. The right is asked for first: who is denied something is made to wait. */
async function isThere({ api }: Site, ref: Ref, call: Call): Promise<boolean | null> {
  try {
    return (await api.may(ref.namespace, { verb: 'get', resource: ref, name: ref.name }, call))
      ? await api.exists(ref, call)
      : null;
  } catch (error) {
    if (error instanceof ProviderError && error.code === 'denied') return null;
    throw error;
  }
}

interface Reference {
  readonly ref: Ref;
  /** A pod starts without it where its image is there, or is anybody's. */
  readonly onlyPulls: boolean;
}

/** Each once; those that may be missing are left out. */
function referencesOf({ plan }: Site, deployment: JsonObject): readonly Reference[] {
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
  const pulls = objectsAt(pod, 'imagePullSecrets').flatMap((one) => textAt(one, 'name') ?? []);
  const needed = (resource: Resource, names: readonly string[]) =>
    [...new Set(names)].map((name) => ({ ref: refTo(resource, plan.namespace, name), onlyPulls: false }));
  return [
    ...needed(resources.secrets, secrets),
    ...[...new Set(pulls)]
      .filter((name) => !secrets.includes(name))
      .map((name) => ({ ref: refTo(resources.secrets, plan.namespace, name), onlyPulls: true })),
    ...needed(resources.configmaps, configMaps),
  ];
}
