/** The spec's `target`: where the release runs, by names that the operator declared. */

import * as z from 'zod';
import { expecting } from './expectations.ts';
import { header, id } from './names.ts';
import { span } from './values.ts';

/** What every target of one route has. */
const onRoute = {
  connection: id.describe('Name of a connection of this kind in the worker configuration.'),
  route: id.describe('Name of a route that the connection declares.'),
  preview: z
    .strictObject({ header: header.describe('Requests with this header reach the canary at any weight.') })
    .nullable()
    .default(null),
  drain: span.prefault('30s').describe('How long connections may go on after they lost their release.'),
};

const caddy = z.strictObject({ kind: z.literal('caddy'), ...onRoute });
const http = z.strictObject({ kind: z.literal('http'), ...onRoute });

// ── Kubernetes ───────────────────────────────────────────────────────────────────────────────────────────────────────

export const dnsLabel = expecting(
  z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
  'a name of Kubernetes',
  'of 1 to 63 lower-case letters, digits or "-"',
);
/** Of an object that gets a companion: `-canary` must still fit. */
const companioned = expecting(
  z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,54}[a-z0-9])?$/),
  'a name of Kubernetes',
  'of 1 to 56 lower-case letters, digits or "-": -canary is put after it',
);
export const objectName = expecting(
  z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,244}[a-z0-9])?$/),
  'a name of Kubernetes',
  'of lower-case letters, digits, "." or "-"',
);
const labelKey = expecting(
  z.string().regex(/^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/),
  'a label of Kubernetes',
  'such as release or app.kubernetes.io/version',
);
const releaseLabel = '{{release.label}}';
const labelValue = expecting(
  z
    .string()
    .refine((text) =>
      /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/.test(text.replaceAll(releaseLabel, 'x')),
    ),
  'the value of a label of Kubernetes',
  `of letters, digits, ".", "_" or "-", with ${releaseLabel} for the label of the release`,
);

const router = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('gateway-api'),
      httpRoute: objectName.optional().describe('Name of the HTTPRoute.'),
      grpcRoute: objectName.optional().describe('Name of the GRPCRoute, in place of httpRoute.'),
      rule: objectName
        .nullable()
        .default(null)
        .describe('Name of its rule. @default every rule that leads to the service'),
    }),
    z.strictObject({
      kind: z.literal('nginx'),
      ingress: companioned.describe('Name of the Ingress; a second one gets the canary annotations.'),
      prefix: objectName.default('nginx.ingress.kubernetes.io').describe('Of the annotations.'),
    }),
    z.strictObject({
      kind: z.literal('istio'),
      virtualService: objectName,
      route: objectName
        .nullable()
        .default(null)
        .describe('Name of its HTTP route. @default every one that leads to the service'),
    }),
  ])
  .describe('What divides the traffic.');

const kubernetes = z.strictObject({
  kind: z.literal('kubernetes'),
  connection: onRoute.connection,
  namespace: dnsLabel,
  workload: z.strictObject({
    deployment: companioned.describe('What is stable. Untouched until the release is promoted.'),
    container: dnsLabel.describe('The container whose image the release is.'),
  }),
  canary: z
    .strictObject({
      replicas: z.int().min(1).max(1000).default(1).describe('At least so many pods; more as its share grows.'),
      label: labelKey
        .nullable()
        .default(null)
        .describe("The label of the Service's selector whose value is another one on the canary's pods."),
    })
    .prefault({}),
  service: companioned.describe("The Service of stable's pods. One for the canary is made after it."),
  router,
  preview: onRoute.preview,
  promotion: z
    .enum(['direct', 'gitops'])
    .default('direct')
    .describe('direct: the Deployment gets the release. gitops: whoever owns it in Git gives it the release.'),
  drain: onRoute.drain,
  deploymentLabels: z
    .record(labelKey, labelValue)
    .default({})
    .describe(`Labels of pods, by which metrics tell releases apart, such as { release: "${releaseLabel}" }.`),
});

export const target = z.discriminatedUnion('kind', [caddy, http, kubernetes]);

export type TargetForm = z.output<typeof target>;
