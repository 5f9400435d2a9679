/** The parts of a Pod that the small kubelet understands; everything else is carried along unread. */

import type { Metadata } from '../objects.ts';

export interface Pod {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata & { readonly namespace: string; readonly uid: string };
  readonly spec: PodSpec;
  readonly status?: { readonly podIP?: string; readonly phase?: string };
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerSpec[];
  readonly terminationGracePeriodSeconds?: number;
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly env?: readonly EnvSpec[];
  readonly envFrom?: readonly { readonly configMapRef?: Reference; readonly secretRef?: Reference }[];
  readonly startupProbe?: ProbeSpec;
  readonly readinessProbe?: ProbeSpec;
  readonly livenessProbe?: ProbeSpec;
  readonly lifecycle?: {
    readonly preStop?: {
      readonly sleep?: { readonly seconds: number };
      readonly exec?: { readonly command: readonly string[] };
    };
  };
}

export interface EnvSpec {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly configMapKeyRef?: KeyReference;
    readonly secretKeyRef?: KeyReference;
    readonly fieldRef?: { readonly fieldPath: string };
  };
}

interface Reference {
  readonly name: string;
  readonly optional?: boolean;
}

interface KeyReference extends Reference {
  readonly key: string;
}

export interface ProbeSpec {
  readonly httpGet?: { readonly path?: string; readonly port: number | string };
  readonly tcpSocket?: { readonly port: number | string };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold?: number;
  readonly successThreshold?: number;
}

/** What a container does, as its status tells it. */
export type ContainerState =
  | { readonly kind: 'waiting'; readonly reason: string; readonly message: string }
  | { readonly kind: 'running'; readonly since: Date }
  | Ended;

export interface Ended {
  readonly kind: 'ended';
  readonly code: number;
  readonly signal: number;
  readonly reason: 'Completed' | 'Error';
  readonly since: Date;
  readonly at: Date;
}

export interface ContainerFacts {
  readonly spec: ContainerSpec;
  readonly state: ContainerState;
  /** How it ended before. */
  readonly last: Ended | null;
  readonly restarts: number;
  readonly started: boolean;
  readonly ready: boolean;
  /** `repository@sha256:…` once it is pulled. */
  readonly imageId: string | null;
}
