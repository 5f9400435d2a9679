/** One change of one object: read, decide, write on condition that nothing changed; again while others are faster. */

import { isDeepStrictEqual } from 'node:util';
import type { Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import { admit, type Intent, isOwn } from '../effects.ts';
import type { Call } from './api.ts';
import { claimKey, claimOn, readClaim, type StoredClaim, written } from './claim.ts';
import type { JsonObject } from './json.ts';
import { onlyIfUnchanged, type PatchOp, setAnnotations } from './patch.ts';
import { nameOfRef, type Ref } from './refs.ts';
import { type Scene, sceneOf, see, type Site } from './site.ts';

/** Waits between tries. A lost answer or a lost race says nothing about the effect: it is read back before it is repeated. */
const waits = [0, 15, 40, 100, 200, 400, 800, 1_600];

/** What to write on an object; `null` when nothing is to be written. Called anew for each try, may throw to refuse. */
type Decide = (object: JsonObject) => Amendment | null | Promise<Amendment | null>;

export interface Amendment {
  readonly claim: StoredClaim;
  readonly ops: readonly PatchOp[];
  /** Annotations beside the claim. */
  readonly annotations?: Readonly<Record<string, string | null>>;
}

export interface Job {
  /** In words, for errors. */
  readonly doing: string;
  readonly decide: Decide;
}

/** The object as it is afterwards; `null` when it does not exist. */
export async function amend(site: Site, ref: Ref, job: Job, call: Call): Promise<JsonObject | null> {
  let last: ProviderError | null = null;
  for (const wait of waits) {
    if (wait > 0) await site.clock.sleep(wait, call.signal);
    const object = await site.api.get(ref, call);
    if (object === null) return null;
    const amendment = await job.decide(object);
    if (amendment === null) return object;
    const annotations = { ...amendment.annotations, [claimKey]: written(amendment.claim) };
    const ops = onlyIfUnchanged(object, claimKey, [...amendment.ops, ...setAnnotations(object, annotations)]);
    try {
      const after = await site.api.patch(ref, ops, call);
      if (isDeepStrictEqual(claimOn(after), amendment.claim)) return after;
      last = new ProviderError({ code: 'conflict', doing: job.doing, detail: 'what was written is not read back' });
    } catch (error) {
      if (!isWorthReadingAgain(error)) throw error;
      last = error;
    }
  }
  throw new ProviderError({
    code: last?.code ?? 'conflict',
    doing: job.doing,
    detail: `tried ${waits.length} times; last: ${last?.detail ?? 'nothing'}`,
  });
}

function isWorthReadingAgain(error: unknown): error is ProviderError {
  return error instanceof ProviderError && ['conflict', 'unreachable', 'throttled'].includes(error.code);
}

/** The same for the object that divides traffic. Throws `missing` when it does not exist. */
export async function change(
  site: Site,
  doing: string,
  decide: (scene: Scene) => Amendment | null | Promise<Amendment | null>,
  call: Call,
): Promise<Scene> {
  const after = await amend(site, site.router.ref, { doing, decide: (object) => decide(sceneOf(site, object)) }, call);
  if (after !== null) return sceneOf(site, after);
  const scene = await see(site, call);
  await decide(scene); // what may not be done is refused there too; what is to be taken back is not there
  return scene;
}

/** True when the effect is to be written, false when it already is. Throws `fenced`. */
export function admitted(ref: Ref, object: JsonObject, order: Order, intent: Intent, doing: string): boolean {
  const reading = readClaim(object);
  const admission = admit(reading.kind === 'claim' ? reading.claim : null, order, intent);
  if (admission.kind !== 'fenced') return admission.kind === 'admitted';
  const { fence, sentence } = admission;
  const detail = reading.kind === 'damaged' ? `the claim there cannot be read; ${sentence}` : sentence;
  const what = `${doing} at ${nameOfRef(ref)}`;
  throw new ProviderError({ code: 'fenced', doing: what, detail, ...(fence !== null && { fence }) });
}

/** The claim when it is this order's. */
export function ownClaim(claim: StoredClaim | null, order: Order): StoredClaim | null {
  return claim !== null && isOwn(claim, order) ? claim : null;
}
