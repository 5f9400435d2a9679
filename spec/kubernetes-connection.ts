/** A connection of kind `kubernetes`: one cluster, who Sluice is there, and how its users and pods are reached. */

import * as z from 'zod';
import { filePath } from './auth.ts';
import { expecting } from './expectations.ts';
import { line, origin } from './names.ts';
import { span } from './values.ts';

export interface KubernetesConnection {
  readonly kind: 'kubernetes';
  /** A kubeconfig file, path as written; `null`: the service account of the pod that the worker runs in. */
  readonly kubeconfig: string | null;
  /** Of the kubeconfig; `null`: the one that it says is current. */
  readonly context: string | null;
  /** Namespaces that specs may name; `null`: whatever the cluster allows us. */
  readonly namespaces: readonly string[] | null;
  /** Where users arrive: previews go there; `null`: they are not sent. */
  readonly public: string | null;
  /** Smoke can be sent to a pod's own address from where the worker runs. */
  readonly podsReachable: boolean;
  /** How long one call may take, ms. */
  readonly withinMs: number;
}

const namespaceName = expecting(
  z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
  'a namespace',
  'of 1 to 63 lower-case letters, digits or "-"',
);

export const kubernetes = z
  .strictObject({
    kind: z.literal('kubernetes'),
    kubeconfig: filePath
      .nullable()
      .default(null)
      .describe('@default the service account of the pod the worker runs in'),
    context: line.nullable().default(null).describe('@default the current one of the kubeconfig'),
    namespaces: z.array(namespaceName).min(1).nullable().default(null).describe('Namespaces that specs may name.'),
    public: origin
      .nullable()
      .default(null)
      .describe('Where users arrive; preview requests go there with their header.'),
    podsReachable: z
      .boolean()
      .optional()
      .describe("Smoke can be sent to pods' own addresses. @default true without a kubeconfig"),
    within: span.prefault('5s').describe('How long one call may take.'),
  })
  .transform(({ within, podsReachable, ...written }): KubernetesConnection => ({
    ...written,
    podsReachable: podsReachable ?? written.kubeconfig === null,
    withinMs: within,
  }));
