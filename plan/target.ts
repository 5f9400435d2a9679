/** What rooms on both sides of the workflow say to each other about a target: its plan, its reading, claims and orders. */

import type { Release } from './release.ts';
import type { SwitchPlace } from './switch.ts';

// ── Plan part ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A host behind Caddy; the route, its slots and the deploy door are declared by the operator under these names. */
export interface CaddyTargetPlan {
  readonly kind: 'caddy';
  readonly connection: string;
  /** Name of a route that the connection declares. */
  readonly route: string;
  /** Requests with this header reach the canary at any weight. */
  readonly preview: { readonly header: string; readonly value: string } | null;
  /** How long an upgraded connection may go on after a change, and a retired release after its last request. */
  readonly drainMs: number;
}

/** Anything else, behind calls that the operator declared under these names. */
export interface HttpTargetPlan {
  readonly kind: 'http';
  readonly connection: string;
  /** Name of a route that the connection declares. */
  readonly route: string;
  /** Requests with this header reach the canary at any weight; the connection declares which one it is. */
  readonly preview: { readonly header: string; readonly value: string } | null;
  /** How long a release is left alone after its last request before it is retired. */
  readonly drainMs: number;
}

/** A Deployment behind a Service, whose traffic a route or another object of the cluster divides. */
export interface KubernetesTargetPlan {
  readonly kind: 'kubernetes';
  readonly connection: string;
  /** For people: namespace and Deployment. */
  readonly route: string;
  readonly namespace: string;
  /** Stable's Deployment, and the container in it that the release is. */
  readonly deployment: string;
  readonly container: string;
  /** The Service of stable's pods. */
  readonly service: string;
  readonly router: KubernetesRouterPlan;
  readonly canary: {
    /** So many pods it has at least. */
    readonly replicas: number;
    /** The pod label whose value tells its pods from stable's; `null`: the one that does it best. */
    readonly label: string | null;
  };
  /** Labels of pods, `{{release.label}}` in them means the release that runs there. */
  readonly labels: Readonly<Record<string, string>>;
  /** Who gives stable's Deployment the new release at the end: this rollout, or whoever owns it in Git. */
  readonly promotion: 'direct' | 'gitops';
  /** Requests with this header reach the canary at any weight. */
  readonly preview: { readonly header: string; readonly value: string } | null;
  /** How long a release is left alone after its last request before it is retired. */
  readonly drainMs: number;
  /** Environment variables of the pods that kill switches turn; absent without any. */
  readonly switches?: readonly string[];
}

/** The object that divides traffic. */
export type KubernetesRouterPlan =
  | {
      readonly kind: 'gateway-api';
      readonly resource: 'httproutes' | 'grpcroutes';
      readonly name: string;
      /** Name of the rule; `null`: every rule that leads to the Service. */
      readonly rule: string | null;
    }
  /** An Ingress, and a second one of ours with canary annotations. */
  | { readonly kind: 'nginx'; readonly ingress: string; readonly prefix: string }
  | { readonly kind: 'istio'; readonly virtualService: string; readonly route: string | null };

export type TargetPlan = CaddyTargetPlan | HttpTargetPlan | KubernetesTargetPlan;

/** What a target can do; shared code asks these, never the kind. */
export interface TargetCapabilities {
  /** Smallest share it can express, in basis points; every weight must be a multiple. */
  readonly granularityBp: number;
  /** Refuses writes with a smaller fence by itself (compare-and-set). */
  readonly fenced: boolean;
  /** A request can be sent to the canary whatever the weights are. */
  readonly preview: boolean;
  /** A client that met the canary can stay with it. */
  readonly affinity: boolean;
  /** Capacity is something to wait for before a weight rises. */
  readonly scales: boolean;
  /** The old release stays warm after promotion, so going back is one write. */
  readonly instantRevert: boolean;
  /** Not fenced: so long after it was sent a call may still take effect, ms. */
  readonly settlesMs?: number;
  /** It stores no claim: the rollout tells its watch where it stands, and nobody sees who else uses the target. */
  readonly unclaimed?: true;
  /** Promotion waits for people, who give stable's own objects the release. */
  readonly promotedByPeople?: true;
  /** Kinds of places whose kill switches it can turn off. */
  readonly switches?: readonly SwitchPlace['kind'][];
  /** No request can be sent to stable alone. */
  readonly stableAim?: false;
}

// ── Claim, order, reading ────────────────────────────────────────────────────────────────────────────────────────────

/** Where a rollout stands, as written on the target together with the weights. */
export type Stage =
  | { readonly kind: 'deployed' }
  | { readonly kind: 'step'; readonly index: number }
  | { readonly kind: 'promoted' }
  | { readonly kind: 'back' };

/** Written on every object that a rollout touches, in the same compare-and-set as the change itself. */
export interface Claim {
  /** Workflow id. */
  readonly rollout: string;
  /** First run id of the chain: the same after continue-as-new. */
  readonly run: string;
  /** Grows with every effect; a smaller one is refused. Stays when the claim is released. */
  readonly fence: number;
  readonly stage: Stage;
  /** The share this rollout asked for its release, so that a foreign change shows. */
  readonly canaryBp: number;
  /** When it was written, epoch ms of the worker that wrote it. */
  readonly since: number;
  /** True once the rollout has reached its outcome: nobody holds the object any more. */
  readonly released: boolean;
  /** The two releases, so that whoever finds the claim knows the way back. */
  readonly stable: Release;
  readonly canary: Release;
}

/** Who asks for an effect, and about which releases. */
export interface Order {
  readonly rollout: string;
  readonly run: string;
  readonly fence: number;
  readonly stable: Release;
  readonly canary: Release;
}

/** Share of traffic for a digest. */
export interface Share {
  readonly digest: string;
  readonly bp: number;
}

/** One place where a release runs (slot, Deployment, machine). */
export interface Instance {
  readonly name: string;
  readonly release: Release | null;
  readonly ready: boolean;
  /** Why it is not ready, or what it does. */
  readonly detail: string;
}

/** What the target says about itself, read in one go. */
export interface Reading {
  readonly claim: Claim | null;
  /** The largest fence on any object of the target, 0 when there is none: the proxy may have forgotten what the host remembers. */
  readonly fence: number;
  /** Accepted shares by digest; empty when the objects do not exist. Sum is 10,000 otherwise. */
  readonly shares: readonly Share[];
  readonly instances: readonly Instance[];
  /** Shares to places whose release nobody knows, in basis points. */
  readonly unknownBp: number;
  /** Somebody took the shares of both releases away: every request is answered with an error. */
  readonly outage?: true;
  /** Stable's own place is just being given the release: stable is ready nowhere for a while, and `restore` starts it again. */
  readonly restorable?: true;
  /** Somebody else gave stable's own place another release while the rollout needs it as it was; what there is, in words. */
  readonly stableChanged?: string;
  /** Somebody else edited what the pods of a release are made from, beside the release itself; which, in words. */
  readonly edited?: string;
}

/** How far an asked change has got. */
export type Liveness =
  | { readonly kind: 'live' }
  | { readonly kind: 'pending'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'drifted'; readonly acceptedBp: number; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The accepted share of a digest in a reading, in basis points. */
export function shareOf(reading: Reading, digest: string): number {
  return reading.shares.filter((share) => share.digest === digest).reduce((sum, share) => sum + share.bp, 0);
}
