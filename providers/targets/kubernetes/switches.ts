/** Kill switches of a cluster: an environment variable of the Deployments' pods, or a key of a ConfigMap. */

import type { Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import type { TargetSwitches } from '../../ports.ts';
import type { Call } from './api.ts';
import { claimKey, claimOn } from './claim.ts';
import { type JsonObject, textsAt } from './json.ts';
import { onlyIfUnchanged, type PatchOp, setMembers } from './patch.ts';
import { nameOfRef, type Ref } from './refs.ts';
import type { Site } from './site.ts';
import { checkConfig, checkEnv } from './switch-checks.ts';
import {
  type ConfigPlace,
  configRef,
  containerName,
  type EnvPlace,
  type Setting,
  setVariable,
} from './switch-places.ts';
import { troublesOf } from './troubles.ts';
import { workloadOf } from './workload.ts';

/** Between two looks at a Deployment that replaces its pods. */
const betweenMs = 500;
/** Waits between tries: the object is read again after each. */
const waits = [0, 15, 40, 100, 200, 400, 800];

export function createSwitches(site: Site, call: (signal?: AbortSignal) => Call): TargetSwitches {
  return {
    check: (place, value, signal) =>
      place.kind === 'kubernetes-env'
        ? checkEnv(site, place, value, call(signal))
        : checkConfig(site, place, call(signal)),
    turn: (order, place, value, signal) =>
      place.kind === 'kubernetes-env'
        ? turnEnv(site, order, place, value, call(signal))
        : turnConfig(site, place, value, call(signal)),
  };
}

// ── Environment variables ────────────────────────────────────────────────────────────────────────────────────────────

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
        (object) => envOps(object, place, { container: containerName(site, place), env: place.env, value }, order),
        call,
      ),
    ),
  );
  await Promise.all(there.map((ref) => untilReplaced(site, ref, doing, call)));
}

/** Nothing when it has the value. */
function envOps(object: JsonObject, place: EnvPlace, setting: Setting, order: Order): readonly PatchOp[] {
  const claim = claimOn(object);
  if (claim !== null && !claim.released && claim.rollout !== order.rollout) {
    const detail = `${claim.rollout} holds the Deployment`;
    throw new ProviderError({ code: 'conflict', doing: `set ${place.env}`, detail });
  }
  return setVariable(object, setting);
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

/** Who mounts it gets it from the kubelet within its sync period; who read it into the environment must be an env switch. */
async function turnConfig(site: Site, place: ConfigPlace, value: string, call: Call): Promise<void> {
  const ops = (object: JsonObject) =>
    textsAt(object, 'data')[place.key] === value ? [] : setMembers(object, ['data'], { [place.key]: value });
  await write(site, configRef(site, place), `set ${place.key}`, ops, call);
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
