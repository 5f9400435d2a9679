/** A short rollout file, from the few facts in which tests differ. */

import { stringify } from 'yaml';

interface ShortStep {
  readonly weight: string;
  readonly bake: string;
  readonly smoke?: readonly string[];
  readonly onHold?: 'rollback' | 'hold';
  readonly holdFor?: string;
}

/** What makes one rollout file different from another. */
export interface Shape {
  readonly service: string;
  /** @default the service */
  readonly route?: string;
  readonly gates?: readonly Readonly<Record<string, unknown>>[];
  readonly steps: readonly ShortStep[];
  /** Whether more than 10 % of errors rolls back; needs load on the service. @default false */
  readonly judged?: boolean;
  /** Label matchers of its series, both releases. @default `app` is the service */
  readonly selects?: string;
  /** Name of the metrics connection. @default 'prometheus' */
  readonly metrics?: string;
  /** @default '1s' */
  readonly watch?: string;
  /** @default '0s' */
  readonly keepCanary?: string;
  /** Parts of the file that are written in place of the usual ones. */
  readonly parts?: Readonly<Record<string, unknown>>;
}

export const environment = 'demo';

export const selectorOf = ({ service, selects = `app="${service}"` }: Shape): string => selects;

/** Whether it asks the metrics about its service. */
export const isJudged = ({ judged = false, parts = {} }: Shape): boolean => judged || 'criteria' in parts;

/** The suite `basic` knows release `v2` by its own words. */
export function specText(shape: Shape): string {
  const { service, route = service, gates = [], steps, judged = false, watch = '1s', keepCanary = '0s' } = shape;
  const whoami = { name: 'whoami', get: '/api/whoami', expect: { json: { release: 'v2' } } };
  return stringify({
    apiVersion: 'sluice/v1',
    kind: 'Rollout',
    metadata: { service, environment },
    target: { kind: 'caddy', connection: 'edge', route, preview: { header: 'x-sluice-preview: canary' }, drain: '1s' },
    release: { image: `registry.example/${service}`, digest: 'required' },
    metrics: {
      connection: shape.metrics ?? 'prometheus',
      tracks: { label: 'release' },
      lag: '0s',
      every: '1s',
      requests: `http_requests_total{${selectorOf(shape)}}`,
    },
    people: { roles: ['sre', 'qa'] },
    approvals: { gates, separation: { requesterMayApprove: false, distinctPeople: true } },
    smoke: { suites: { basic: { baseUrl: { canary: 'preview' }, forbidStatus: ['5xx'], requests: [whoami] } } },
    criteria: judged ? [errorsOf(selectorOf(shape))] : [],
    steps,
    rollback: { keepCanary },
    watch: { for: watch },
    ...shape.parts,
  });
}

function errorsOf(selector: string): unknown {
  const rate = (more: string) => `sum(rate(http_requests_total{${selector},{{track}}${more}}[5s]))`;
  const query = `(${rate(',code=~"5.."')} or vector(0)) / ${rate('')}`;
  return { id: 'errors', kind: 'limit', query, breach: '> 10%', minSamples: 5, do: 'rollback', severity: 'P0' };
}
