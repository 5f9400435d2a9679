/** What stands in the way of turning a kill switch off, found before it is needed. */

import { ProviderError } from '../../errors.ts';
import type { PreflightFinding } from '../../ports.ts';
import type { Call } from './api.ts';
import { claimKey } from './claim.ts';
import { clonesFor } from './clone.ts';
import { problem, warning } from './findings.ts';
import { at, type JsonObject, objectsAt, textsAt } from './json.ts';
import { onlyIfUnchanged, pointer } from './patch.ts';
import { nameOfRef, type Ref, resources } from './refs.ts';
import { ruleFor } from './rights.ts';
import { type Site, writable } from './site.ts';
import {
  type ConfigPlace,
  configRef,
  containerName,
  type EnvPlace,
  type Setting,
  setVariable,
} from './switch-places.ts';
import { containersOf, workloadOf } from './workload.ts';

export async function checkEnv(
  site: Site,
  place: EnvPlace,
  value: string,
  call: Call,
): Promise<readonly PreflightFinding[]> {
  const { stable } = site.deployments;
  const object = await site.api.get(stable, call);
  if (object === null) return []; // told by the checks of the target
  const setting = { container: containerName(site, place), env: place.env, value };
  const container = containersOf(object).find((one) => one['name'] === setting.container);
  if (container === undefined)
    return [problem('switch', `${nameOfRef(stable)} has no container ${setting.container}.`)];
  const findings: PreflightFinding[] = [];
  if (!objectsAt(container, 'env').some((one) => one['name'] === place.env)) {
    const text = `container ${setting.container} of ${nameOfRef(stable)} has no ${place.env} yet: does the release read it?`;
    findings.push(warning('switch', text));
  }
  if (place.deployments.includes('stable') && !writable(site).includes(stable)) {
    const text = `${nameOfRef(stable)} is given its release in Git, which would turn ${place.env} on again: use a ConfigMap, or the canary alone.`;
    return [...findings, problem('switch', text)];
  }
  const tried = await Promise.all(
    place.deployments.map((name) =>
      wouldBeKept(site.deployments[name], place, () =>
        name === 'stable' ? trySet(site, object, setting, call) : tryCanary(site, object, setting, call),
      ),
    ),
  );
  return [...findings, ...tried.flat()];
}

/** The very change, which the API server judges with all that it has and does not keep. */
async function wouldBeKept(ref: Ref, { env }: EnvPlace, attempt: () => Promise<void>): Promise<PreflightFinding[]> {
  try {
    await attempt();
    return [];
  } catch (error) {
    if (!(error instanceof ProviderError) || !['denied', 'invalid'].includes(error.code)) throw error;
    const text = `${env} of ${nameOfRef(ref)} could not be set: ${error.detail}. Where a policy of k8s/rbac/admission.yaml refuses it, add '${env}' to its switches, in sluice-stable and in sluice-canary.`;
    return [problem('switch', text)];
  }
}

/** Not in a hurry: a server that has just begun is asked again before it is believed. */
const rehearsal = (call: Call): Call => ({ ...call, urgent: false, dryRun: true });

async function trySet(site: Site, object: JsonObject, setting: Setting, call: Call): Promise<void> {
  const ops = setVariable(object, setting);
  if (ops.length === 0) return;
  await site.api.patch(site.deployments.stable, onlyIfUnchanged(object, claimKey, ops), rehearsal(call));
}

/** As it would be made now, with stable's own image: what is asked is only whether it may have another value than stable has. */
async function tryCanary(site: Site, stable: JsonObject, setting: Setting, call: Call): Promise<void> {
  const { api, plan, deployments, services } = site;
  const { release } = workloadOf(plan, stable);
  const [service, there] = await Promise.all([api.get(services.stable, call), api.get(deployments.canary, call)]);
  if (release === null || service === null) return; // told by the checks of the target
  const { deployment } = clonesFor(plan, { deployment: stable, service }, release, 0);
  const turned = withVariable(deployment, setting);
  if (there === null) {
    await api.create(deployments.canary, turned, 'sluice/preflight', rehearsal(call));
    return;
  }
  const template = at(turned, 'spec', 'template') ?? {};
  await api.patch(
    deployments.canary,
    [{ op: 'replace', path: pointer('spec', 'template'), value: template }],
    rehearsal(call),
  );
}

function withVariable(deployment: JsonObject, { container, env, value }: Setting): JsonObject {
  const set = (one: JsonObject): JsonObject => {
    const others = objectsAt(one, 'env').filter((entry) => entry['name'] !== env);
    return one['name'] === container ? { ...one, env: [...others, { name: env, value }] } : one;
  };
  const spec = at(deployment, 'spec') as JsonObject;
  const template = at(spec, 'template') as JsonObject;
  const pod = at(template, 'spec') as JsonObject;
  const turned = { ...template, spec: { ...pod, containers: containersOf(deployment).map(set) } };
  return { ...deployment, spec: { ...spec, template: turned } };
}

export async function checkConfig(site: Site, place: ConfigPlace, call: Call): Promise<readonly PreflightFinding[]> {
  const ref = configRef(site, place);
  const rights = await Promise.all(
    ['get', 'patch'].map(async (verb) => {
      const right = { verb, resource: resources.configmaps, name: ref.name };
      return (await site.api.may(ref.namespace, right, call)) ? [] : [right];
    }),
  );
  const missing = rights.flat();
  if (missing.length > 0) {
    return missing.map((right) =>
      problem('rights', `We may not ${right.verb} ${nameOfRef(ref)}; our Role needs ${ruleFor(right)}.`),
    );
  }
  const object = await site.api.get(ref, call);
  if (object === null) return [problem('switch', `${nameOfRef(ref)} does not exist.`)];
  if (textsAt(object, 'data')[place.key] !== undefined) return [];
  return [warning('switch', `${nameOfRef(ref)} has no key ${place.key} yet: does the release read it?`)];
}
