/** Kill switches of a cluster: an environment variable of the Deployments' pods, or a key of a ConfigMap. */

import type { Order } from '../../../plan/target.ts';
import type { SwitchPlace } from '../../../plan/switch.ts';
import { ProviderError } from '../../errors.ts';
import type { PreflightFinding, TargetSwitches } from '../../ports.ts';
import type { Call } from './api.ts';
import { claimKey, claimOn } from './claim.ts';
import { problem, warning } from './findings.ts';
import { type JsonObject, objectsAt, textAt, textsAt } from './json.ts';
import { onlyIfUnchanged, type PatchOp, pointer, setMembers } from './patch.ts';
import { nameOfRef, type Ref, refTo, resources } from './refs.ts';
import { ruleFor } from './rights.ts';
import { type Site, writable } from './site.ts';
import { troublesOf } from './troubles.ts';
import { containersOf, workloadOf } from './workload.ts';

type EnvPlace = Extract<SwitchPlace, { readonly kind: 'kubernetes-env' }>;
type ConfigPlace = Extract<SwitchPlace, { readonly kind: 'kubernetes-config' }>;

/** Between two looks at a Deployment that replaces its pods. */
const betweenMs = 500;
/** Waits between tries: the object is read again after each. */
const waits = [0, 15, 40, 100, 200, 400, 800];

export function createSwitches(site: Site, call: (signal?: AbortSignal) => Call): TargetSwitches {
  return {
    check: (place, signal) =>
      place.kind === 'kubernetes-env' ? checkEnv(site, place, call(signal)) : checkConfig(site, place, call(signal)),
    turn: (order, place, value, signal) =>
      place.kind === 'kubernetes-env'
        ? turnEnv(site, order, place, value, call(signal))
        : turnConfig(site, place, value, call(signal)),
  };
}

// ── Environment variables ────────────────────────────────────────────────────────────────────────────────────────────

async function checkEnv(site: Site, place: EnvPlace, call: Call): Promise<readonly PreflightFinding[]> {
  const { stable } = site.deployments;
  const object = await site.api.get(stable, call);
  if (object === null) return []; // told by the checks of the target
  const name = containerName(site, place);
  const isOwned = place.deployments.includes('stable') && !writable(site).includes(stable);
  const container = containersOf(object).find((one) => one['name'] === name);
  if (container === undefined) return [problem('switch', `${nameOfRef(stable)} has no container ${name}.`)];
  const isKnown = objectsAt(container, 'env').some((one) => one['name'] === place.env);
  return [
    ...(isOwned
      ? [
          problem(
            'switch',
            `${nameOfRef(stable)} is given its release in Git, which would turn ${place.env} on again: use a ConfigMap, or the canary alone.`,
          ),
        ]
      : []),
    ...(isKnown
      ? []
      : [
          warning(
            'switch',
            `container ${name} of ${nameOfRef(stable)} has no ${place.env} yet: does the release read it?`,
          ),
        ]),
  ];
}

function containerName({ plan }: Site, { container }: EnvPlace): string {
  return container ?? plan.container;
}

/** All of them, then their pods: both releases lose the feature at about the same time. */
async function turnEnv(site: Site, order: Order, place: EnvPlace, value: string, call: Call): Promise<void> {
  const doing = `set ${place.env}`;
  const refs = place.deployments.map((name) => site.deployments[name]);
  const found = await Promise.all(refs.map((ref) => site.api.get(ref, call)));
  // Before the release is deployed and after it has gone there is no canary to turn it off at.
  const there = refs.filter((ref, index) => found[index] != null || ref === site.deployments.stable);
  if (there.length === 0)
    throw new ProviderError({ code: 'missing', doing, detail: `there is no ${refs.map(nameOfRef).join(' and no ')}` });
  await Promise.all(
    there.map((ref) =>
      write(
        site,
        ref,
        doing,
        (object) => envOps(object, containerName(site, place), place.env, value, order, doing),
        call,
      ),
    ),
  );
  await Promise.all(there.map((ref) => untilReplaced(site, ref, doing, call)));
}

/** Nothing when it has the value. */
function envOps(
  object: JsonObject,
  name: string,
  env: string,
  value: string,
  order: Order,
  doing: string,
): readonly PatchOp[] {
  const claim = claimOn(object);
  if (claim !== null && !claim.released && claim.rollout !== order.rollout) {
    throw new ProviderError({ code: 'conflict', doing, detail: `${claim.rollout} holds the Deployment` });
  }
  const containers = containersOf(object);
  const index = containers.findIndex((one) => one['name'] === name);
  const container = containers[index];
  if (container === undefined)
    throw new ProviderError({ code: 'missing', doing, detail: `there is no container ${name}` });
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

/** Pods of the old template are gone: nobody serves with the old value any more. */
async function untilReplaced(site: Site, ref: Ref, doing: string, call: Call): Promise<void> {
  for (;;) {
    const object = await site.api.get(ref, call);
    if (object === null) return; // no pods, no old value
    const { progress } = workloadOf(site.plan, object);
    if (progress.kind === 'done') return;
    if (progress.kind === 'failed') {
      const detail = [`${nameOfRef(ref)}: ${progress.detail}`, ...(await troublesOf(site, object, call))].join('; ');
      throw new ProviderError({ code: 'invalid', doing, detail });
    }
    await site.clock.sleep(betweenMs, call.signal);
  }
}

// ── ConfigMaps ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function checkConfig(site: Site, place: ConfigPlace, call: Call): Promise<readonly PreflightFinding[]> {
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

/** Who mounts it gets it from the kubelet within its sync period; who read it into the environment must be an env switch. */
async function turnConfig(site: Site, place: ConfigPlace, value: string, call: Call): Promise<void> {
  const ops = (object: JsonObject) =>
    textsAt(object, 'data')[place.key] === value ? [] : setMembers(object, ['data'], { [place.key]: value });
  await write(site, configRef(site, place), `set ${place.key}`, ops, call);
}

function configRef({ plan }: Site, { configMap }: ConfigPlace): Ref {
  return refTo(resources.configmaps, plan.namespace, configMap);
}

// ── Both ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Until what was wanted is read back; others may write the same object meanwhile. */
async function write(
  site: Site,
  ref: Ref,
  doing: string,
  opsFor: (object: JsonObject) => readonly PatchOp[],
  call: Call,
): Promise<void> {
  let last = 'nothing';
  for (const wait of waits) {
    if (wait > 0) await site.clock.sleep(wait, call.signal);
    const object = await site.api.get(ref, call);
    if (object === null)
      throw new ProviderError({ code: 'missing', doing, detail: `${nameOfRef(ref)} does not exist` });
    const ops = opsFor(object);
    if (ops.length === 0) return;
    try {
      await site.api.patch(ref, onlyIfUnchanged(object, claimKey, ops), call);
    } catch (error) {
      if (!(error instanceof ProviderError) || !['conflict', 'unreachable', 'throttled'].includes(error.code))
        throw error;
      last = error.detail;
    }
  }
  throw new ProviderError({ code: 'conflict', doing, detail: `tried ${waits.length} times; last: ${last}` });
}
