/** What the operator declared about an API that moves traffic: its calls, and how its answers are read. */

import type { JsonValue } from '../../../plan/plan.ts';
import type { Credentials } from '../../credentials.ts';

export interface HttpConnection {
  /** Origin at which users arrive; `null` when nothing is to be sent there. */
  readonly public: string | null;
  readonly auth: Credentials | null;
  /** Smallest share that the API can express, basis points. */
  readonly granularityBp: number;
  /** How long one call may take, ms. */
  readonly withinMs: number;
  /** After so long a call has had its effect or never will, answered or not, ms. */
  readonly settlesMs: number;
  /** Requests with this header reach the canary at any weight; `null`: no request can be told so. */
  readonly preview: { readonly header: string; readonly value: string } | null;
  readonly affinity: boolean;
  /** What the calls' `{{value.NAME}}` mean on the plan's route. */
  readonly values: Readonly<Record<string, string>>;
  readonly calls: HttpCalls;
}

export interface HttpCalls {
  readonly read: HttpCall & { readonly find: Find };
  /** Sets absolute shares; stores the claim where `read` finds one. */
  readonly setWeights: HttpCall;
  /** `null`: somebody else starts releases, before the rollout. */
  readonly deploy: HttpCall | null;
  /** `null`: there is no capacity to wait for. */
  readonly ensureCapacity: HttpCall | null;
  /** Asked beside `read` whether the data plane follows; `null`: what `read` says is what is served. */
  readonly confirm: (HttpCall & { readonly live: Test }) | null;
  /** `null`: all traffic is all there is to being stable. */
  readonly promote: HttpCall | null;
  /** `null`: nobody starts stable again when it is gone. */
  readonly restore: HttpCall | null;
  /** `null`: what lost stays where it is. */
  readonly retire: HttpCall | null;
}

export type Verb = keyof HttpCalls;

/** One request, with `{{name}}` for what is known only then. */
export interface HttpCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: HttpBody | null;
  /** Statuses that mean yes; empty: any 2xx. */
  readonly expect: readonly number[];
}

export type HttpBody =
  | { readonly kind: 'json'; readonly value: JsonValue }
  | { readonly kind: 'text'; readonly value: string; readonly contentType: string };

/** Passes when the path finds exactly this. */
export interface Test {
  readonly path: string;
  readonly is: string | number | boolean;
}

/** Where things stand in the answer to `read`. */
export interface Find {
  readonly unit: WeightUnit;
  readonly places: readonly PlaceFinder[];
  /** Where `setWeights` stores `{{claim}}`; `null`: nowhere. */
  readonly claim: string | null;
  /** What `setWeights` sends back as `{{version}}`, so that the API refuses a write on anything else; `null`: nothing. */
  readonly version: { readonly header: string } | { readonly path: string } | null;
}

export type WeightUnit = 'percent' | 'basis-points' | 'fraction';

/** Places where releases run: one, or each that a path finds. The other paths begin there. */
export interface PlaceFinder {
  readonly each: string;
  readonly digest: string;
  readonly label: string | null;
  readonly image: string | null;
  /** `rest`: what the other places leave of 100 %. */
  readonly weight: string;
  readonly ready: Test | null;
}

/** A claim is stored: the target itself says who holds it, and where that rollout stands. */
export function storesClaims({ calls }: HttpConnection): boolean {
  return calls.read.find.claim !== null;
}

/** Late writes are refused by the API: claim and weights change in one write, on condition that nothing else has changed. */
export function isFenced(connection: HttpConnection): boolean {
  return storesClaims(connection) && connection.calls.read.find.version !== null;
}
