/** The doors to the world: time, network, and the small ports that activities use without knowing a vendor. */

import type { Claim, Instance, Liveness, Order, Reading, Share, Stage, TargetCapabilities } from '../plan/target.ts';
import type { Origin, RevertInput, Standstill } from '../plan/orphan.ts';
import type { Release } from '../plan/release.ts';
import type { AlertMatcher } from '../plan/criteria.ts';
import type { JsonValue, SmokeSuite } from '../plan/plan.ts';
import type { SmokeResult } from '../plan/smoke.ts';
import type { SwitchPlace } from '../plan/switch.ts';
import type { AlertSample, NumberSample } from '../judge/verdict.ts';

// ── Time and network ─────────────────────────────────────────────────────────────────────────────────────────────────

/** The only source of time for providers and activities; the simulator replaces it. */
export interface Clock {
  /** Epoch milliseconds, integer. */
  now(): number;
  /** Resolves after `ms`, or rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is; the caller sets content-type. */
  readonly body?: string | Uint8Array;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Answers longer than this are cut; default 1 MiB. */
  readonly maxBytes?: number;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Every `set-cookie` as it came, since joined they cannot be told apart; absent when there is none. */
  readonly setCookies?: readonly string[];
  readonly body: string;
}

/** The only door to the network, beside `Sockets`. Any status is an answer; only a failed exchange throws `ProviderError`. Never follows redirects. */
export interface Http {
  send(request: HttpRequest): Promise<HttpResponse>;
}

export interface SocketRequest {
  /** `http` or `https`, as for `Http`. */
  readonly url: string;
  /** `sec-websocket-protocol` lists the subprotocols that are offered. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For the handshake. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Any answer to a handshake is one; a refusal is told as the answer that it came with. */
export type Handshake =
  | { readonly kind: 'refused'; readonly response: HttpResponse }
  | { readonly kind: 'accepted'; readonly response: HttpResponse; readonly socket: Socket };

/** An open WebSocket; whoever opened it closes it. */
export interface Socket {
  say(text: string): void;
  /** The next thing that happens. Throws `ProviderError` `unreachable` when nothing does in time. */
  next(timeoutMs: number, signal?: AbortSignal): Promise<SocketEvent>;
  close(): void;
}

export type SocketEvent =
  { readonly kind: 'message'; readonly text: string } | { readonly kind: 'closed'; readonly code: number };

/** The door for WebSockets. Only a failed exchange throws `ProviderError`. Never follows redirects. */
export interface Sockets {
  open(request: SocketRequest): Promise<Handshake>;
}

// ── Container engines ────────────────────────────────────────────────────────────────────────────────────────────────

/** Where an engine listens. `certificates`: folder with `ca.pem`, `cert.pem` and `key.pem`, as Docker's own command has it. */
export type EngineAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tls'; readonly host: string; readonly port: number; readonly certificates: string };

export interface EngineCall {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** User and password for a registry. */
export interface RegistryLogin {
  readonly user: string;
  readonly password: string;
}

/**
 * A container engine, as far as a deploy door needs Docker's API. Containers are addressed by name. Answers are as the engine
 * gave them; `null` is a thing that does not exist. All throw `ProviderError`: `missing` for a container that is not there
 * (any more), `conflict` for a name that is taken, `unreachable` for no answer and for what the engine could not do.
 * Errors may repeat what was sent: whoever sends something secret takes it out.
 */
export interface Engine {
  /** Version of the API it speaks, such as `1.41`. */
  version(call: EngineCall): Promise<string>;
  /** All containers, stopped ones too. */
  list(call: EngineCall): Promise<JsonValue>;
  inspect(container: string, call: EngineCall): Promise<JsonValue | null>;
  /** By `repository@digest` or by id. */
  image(reference: string, call: EngineCall): Promise<JsonValue | null>;
  pull(reference: string, login: RegistryLogin | null, call: EngineCall): Promise<void>;
  /** Creates a container of this name, not started. */
  create(name: string, body: JsonValue, call: EngineCall): Promise<void>;
  /** Joins one more network. */
  connect(container: string, network: string, aliases: readonly string[], call: EngineCall): Promise<void>;
  rename(container: string, name: string, call: EngineCall): Promise<void>;
  /** Nothing when it runs. */
  start(container: string, call: EngineCall): Promise<void>;
  /** Asks it to end and kills it after the grace time; nothing when it does not run. */
  stop(container: string, graceSeconds: number, call: EngineCall): Promise<void>;
  /** Removes it, also when it runs. */
  remove(container: string, call: EngineCall): Promise<void>;
}

// ── Clusters ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Who a worker is at a cluster; `path` is a kubeconfig, `context` its current one when `null`. */
export type ClusterAccess =
  | { readonly kind: 'kubeconfig'; readonly path: string; readonly context: string | null }
  | { readonly kind: 'in-cluster' };

/** A request to an API server: where that is and who asks, the cluster knows. */
export interface ClusterRequest extends Omit<HttpRequest, 'url'> {
  /** With its query. */
  readonly path: string;
  /** It lowers exposure: it goes by connections of its own. */
  readonly urgent?: boolean;
}

/** An API server of Kubernetes. Any status is an answer; a failed exchange and credentials that cannot be had throw `ProviderError`. */
export interface Cluster {
  send(request: ClusterRequest): Promise<HttpResponse>;
}

// ── Targets ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One thing preflight found; any `problem` refuses the rollout, a `warning` is shown. */
export interface PreflightFinding {
  readonly level: 'problem' | 'warning';
  /** Stable code, e.g. `caddy.passive-health-checks`. */
  readonly code: string;
  /** What is wrong and what to do about it, one or two sentences. */
  readonly message: string;
}

/** A place that requests can be sent to directly. */
export interface Aim {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Where releases run and how traffic is split. Bound to one target plan; every mutation is a compare-and-set on what
 * was read, carries claim and fence, and is safe to repeat. All throw `ProviderError`.
 */
export interface Target {
  capabilities(signal?: AbortSignal): Promise<TargetCapabilities>;
  /** All problems at once, nothing touched. `weights` are the plan's steps in basis points. */
  preflight(weights: readonly number[], release: Release, signal?: AbortSignal): Promise<readonly PreflightFinding[]>;
  /** The release that serves now, or an error `missing` that says why nobody knows. */
  stable(signal?: AbortSignal): Promise<Release>;
  read(signal?: AbortSignal): Promise<Reading>;
  /** Claims the objects, then starts `order.canary` where it gets no user traffic, and returns when it is ready. */
  deploy(order: Order, signal?: AbortSignal): Promise<Instance>;
  /** Waits until the canary has ready capacity for `canaryBp`. */
  ensureCapacity(order: Order, canaryBp: number, signal?: AbortSignal): Promise<void>;
  /** Writes absolute shares, claim and stage in one compare-and-set. Lowering the canary is admitted without a claim. */
  setWeights(order: Order, shares: readonly Share[], stage: Stage, signal?: AbortSignal): Promise<Reading>;
  /** Raises the fence on all objects without changing a weight; the first act of going back. */
  raiseFence(order: Order, signal?: AbortSignal): Promise<Reading>;
  /** Is the asked share what the data plane serves? */
  confirm(order: Order, canaryBp: number, signal?: AbortSignal): Promise<Liveness>;
  /** Makes the canary stable by the target's own means, so that a restart of the platform keeps it. */
  promote(order: Order, signal?: AbortSignal): Promise<void>;
  /** Starts the recorded stable beside what serves when it is not ready, and puts it back in its own objects. */
  restore(order: Order, signal?: AbortSignal): Promise<Instance>;
  /** Removes the release that no longer serves and releases the claim; the fence stays. */
  retire(order: Order, loser: Release, signal?: AbortSignal): Promise<void>;
  /** Gives back what was held of stable for the way back, and touches nothing else: weights, claim and fence stay. Where something is held. */
  letGo?(order: Order, signal?: AbortSignal): Promise<void>;
  /** How smoke requests reach a release; `null` when the target cannot tell. */
  aim(at: 'canary' | 'stable', order: Order, signal?: AbortSignal): Promise<Aim | null>;
  /** Where the capabilities name kinds of switches. */
  readonly switches?: TargetSwitches;
}

/** Kill switches at the target. All throw `ProviderError`. */
export interface TargetSwitches {
  /** What would stand in the way of giving it the value; nothing touched. */
  check(place: SwitchPlace, value: string, signal?: AbortSignal): Promise<readonly PreflightFinding[]>;
  /** Gives it the value; absolute and repeatable, and never a change of traffic. Returns when it was read back as in force. */
  turn(order: Order, place: SwitchPlace, value: string, signal?: AbortSignal): Promise<void>;
}

// ── Metrics ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface MetricsSource {
  /** Is the source there at all? Throws `ProviderError`. */
  ping(signal?: AbortSignal): Promise<void>;
  /** One number from an instant query, or why there is none. Never throws for bad data; unreachable is `no-data` too. */
  instant(promql: string, at: number, signal?: AbortSignal): Promise<NumberSample>;
  /**
   * The alerts with these labels that fire at a moment, or why nobody can tell; none only where a rule that could raise
   * one is evaluated. Never throws for bad data; unreachable is `no-data` too.
   */
  alerts(matchers: readonly AlertMatcher[], at: number, signal?: AbortSignal): Promise<AlertSample>;
  /** Sums of raw counters by the value of `label`, at a moment; empty when nothing matches. Throws `ProviderError`. */
  counters(selector: string, label: string, at: number, signal?: AbortSignal): Promise<readonly CounterSeries[]>;
}

/** One raw counter series. */
export interface CounterSeries {
  /** Identity of the series: its labels in canonical form. */
  readonly series: string;
  /** Value of the label asked for; empty when absent. */
  readonly track: string;
  readonly value: number;
  /** Timestamp of the sample, epoch ms. */
  readonly at: number;
}

// ── Smoke ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface SmokeRunner {
  /** Runs a suite in order and stops at the first failure. A failing request is an answer, not an error. */
  run(
    suite: SmokeSuite,
    aim: Aim,
    signal?: AbortSignal,
  ): Promise<{ readonly passed: boolean; readonly sentence: string; readonly requests: readonly SmokeResult[] }>;
  /** Names of the secrets that a suite refers to. */
  secretsOf(suite: SmokeSuite): readonly string[];
  /** Files that a suite uploads and this worker has not. */
  missingFiles(suite: SmokeSuite): Promise<readonly string[]>;
}

/** Files that smoke may upload: the operator's folder of them. */
export interface SmokeFiles {
  missing(names: readonly string[]): Promise<readonly string[]>;
  /** Throws `ProviderError` `missing`. */
  read(name: string): Promise<Uint8Array>;
}

// ── People, secrets, notifications, other rollouts ───────────────────────────────────────────────────────────────────

/** The operator's directory, read anew whenever it has changed. */
export interface Directory {
  identity(): Promise<'trust'>;
  /** Roles of a person, or `null` when the directory does not know them. */
  rolesOf(person: string): Promise<readonly string[] | null>;
  membersOf(role: string): Promise<readonly string[]>;
}

export interface Secrets {
  /** Which of these names have no value. */
  missing(names: readonly string[]): Promise<readonly string[]>;
  /** The value, for use inside a provider only; throws `missing`. */
  value(name: string): Promise<string>;
  /** Replaces every known secret value in a text by `***`. */
  redact(text: string): string;
}

/** What a rollout tells people; kinds of channels come and go behind it. */
export interface Notice {
  readonly rollout: string;
  readonly severity: 'P0' | 'P1' | 'P2';
  /** Same key, same matter: channels show it once. */
  readonly key: string;
  readonly title: string;
  readonly text: string;
}

export interface Notifier {
  /** Names of the channels beside the worker's log. */
  readonly channels: readonly string[];
  /** Never throws for a failing channel: returns what failed. */
  send(notice: Notice, signal?: AbortSignal): Promise<readonly { readonly channel: string; readonly error: string }[]>;
}

/** Where records of rollouts are kept for good: texts by key, each written once. All throw `ProviderError`. */
export interface Archive {
  /** What it is, in words without secrets: `folder /srv/sluice`. */
  readonly name: string;
  /** Throws when nothing can be kept there now; else says so in words. */
  ping(signal?: AbortSignal): Promise<string>;
  /** Keeps a text; it is there whole or not at all, and the same again changes nothing. */
  put(key: string, text: string, signal?: AbortSignal): Promise<void>;
  /** `null` where things can only be put. */
  readonly shelf: Shelf | null;
}

export interface Shelf {
  /** Keys that begin so, sorted; `complete` is false when there are more than can be looked through. */
  keys(
    beginning: string,
    signal?: AbortSignal,
  ): Promise<{ readonly keys: readonly string[]; readonly complete: boolean }>;
  get(key: string, signal?: AbortSignal): Promise<string>;
}

/** Tells whether the rollout behind a claim still runs. */
export interface Rollouts {
  /** The claim's run chain is open on the Temporal server. Throws `ProviderError` when it cannot be told. */
  isRunning(claim: Claim): Promise<boolean>;
}

/** A run of a rollout, or of the revert that took its place. */
export interface RunRef {
  /** Workflow id. */
  readonly rollout: string;
  readonly run: string;
}

export interface RunFacts extends RunRef {
  readonly ended: boolean;
  /** Phase or outcome as the workflow wrote it last; `null` when it never did. */
  readonly state: string | null;
  /** Why it does not go on; `null` when it does, or has ended. */
  readonly standstill: Standstill | null;
}

/** What the guardian asks of the Temporal server, and the two things that it does there. All throw `ProviderError`. */
export interface Runs {
  /** Runs on this worker's task queue that closed without an outcome, newest first. */
  orphaned(): Promise<readonly RunRef[]>;
  /** Open ones that the server itself reports problems of. */
  troubled(): Promise<readonly RunRef[]>;
  open(): Promise<readonly RunRef[]>;
  /** The newest run of that id: after a reset that is not the one which was terminated. `null` when there is none. */
  latest(rollout: string): Promise<RunFacts | null>;
  /** What its history tells of it; `null` when it was not started by Sluice, so that it cannot have touched anything. */
  origin(run: RunRef): Promise<Origin | null>;
  /** Nothing happens to a run that has ended meanwhile. */
  terminate(run: RunRef, reason: string): Promise<void>;
  /** Starts its revert under the same id; false when a run of that id is open: the id is the lock. */
  revert(rollout: string, input: RevertInput): Promise<boolean>;
}
