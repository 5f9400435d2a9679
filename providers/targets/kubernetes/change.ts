/** One change of one object: read, decide, write on condition that nothing changed; again while others are faster. */

import { isDeepStrictEqual } from 'node:util';
import type { Order } from '../../../plan/target.ts';
import { ProviderError } from '../../errors.ts';
import { admit, type Intent, isOwn } from '../effects.ts';
import type { Call } from './api.ts';
import { claimKey, claimOn, readClaim, type StoredClaim, written } from './claim.ts';
import { type JsonObject, textAt } from './json.ts';
import { onlyIfUnchanged, type PatchOp, setAnnotations } from './patch.ts';
import { makeRoute } from './made.ts';
import { nameOfRef, type Ref } from './refs.ts';
import { type Scene, sceneOf, see, type Site } from './site.ts';

/** So long others may be faster, one write after the other. */
const stormMs = 15_000;
/** So often an answer may get lost, or the server ask us to leave it alone. */
const mostLosses = 8;

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

/**
 * The object as it is afterwards; `null` when it does not exist. A lost race or a lost answer says nothing about the effect:
 * the object is read again before the write is repeated.
 */
export async function amend(site: Site, ref: Ref, job: Job, call: Call): Promise<JsonObject | null> {
  const until = site.clock.now() + stormMs;
  let losses = 0;
  for (let tries = 1; ; tries += 1) {
    const object = await site.api.get(ref, call);
    if (object === null) return null;
    const amendment = await job.decide(object);
    if (amendment === null) return object;
    const outcome = await attempt(site, ref, object, amendment, job.doing, call);
    if (!(outcome instanceof ProviderError)) return outcome;
    if (outcome.code !== 'conflict') losses += 1;
    if (losses === mostLosses || site.clock.now() >= until) {
      const detail = `tried ${tries} times; last: ${outcome.detail}`;
      throw new ProviderError({ code: outcome.code, doing: job.doing, detail });
    }
    const wait = outcome.code === 'conflict' ? waitInStorm(tries, object) : Math.min(25 * 2 ** losses, 1_600);
    if (wait > 0) await site.clock.sleep(wait, call.signal);
  }
}

/** The object after one write, or why it is worth reading it again. */
async function attempt(
  site: Site,
  ref: Ref,
  object: JsonObject,
  { claim, ops, annotations }: Amendment,
  doing: string,
  call: Call,
): Promise<JsonObject | ProviderError> {
  const all = setAnnotations(object, { ...annotations, [claimKey]: written(claim) });
  try {
    const after = await site.api.patch(ref, onlyIfUnchanged(object, claimKey, [...ops, ...all]), call);
    if (isDeepStrictEqual(claimOn(after), claim)) return after;
    return new ProviderError({ code: 'conflict', doing, detail: 'what was written is not read back' });
  } catch (error) {
    if (isWorthReadingAgain(error)) return error;
    throw error;
  }
}

function isWorthReadingAgain(error: unknown): error is ProviderError {
  return error instanceof ProviderError && ['conflict', 'unreachable', 'throttled'].includes(error.code);
}

/** At once at first, then spread, so that two that got into step get out of it again. */
function waitInStorm(tries: number, object: JsonObject): number {
  if (tries <= 3) return 0;
  const version = Number(textAt(object, 'metadata', 'resourceVersion') ?? 0) || 0;
  return ((version * 31 + tries * 17) % 97) * Math.min(tries / 10, 2);
}

/** The same for the object that divides traffic; one of ours that somebody deleted is made again. Throws `missing`. */
export async function change(
  site: Site,
  order: Order,
  doing: string,
  decide: (scene: Scene) => Amendment | null | Promise<Amendment | null>,
  call: Call,
): Promise<Scene> {
  const job: Job = { doing, decide: (object) => decide(sceneOf(site, object)) };
  const after = await amend(site, site.router.ref, job, call);
  if (after !== null) return sceneOf(site, after);
  const scene = await see(site, call);
  const amendment = await decide(scene); // what may not be done is refused there too
  if (amendment === null) return scene;
  await makeRoute(site, order, doing, call);
  const made = await amend(site, site.router.ref, job, call);
  if (made !== null) return sceneOf(site, made);
  throw new ProviderError({
    code: 'conflict',
    doing,
    detail: `${nameOfRef(site.router.ref)} is deleted again and again`,
  });
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
