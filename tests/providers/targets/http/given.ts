/** A scripted API that moves traffic, behind the `Http` port, and the target that an operator declared for it. */

import type { HttpTargetPlan, Order } from '../../../../plan/target.ts';
import type { Release } from '../../../../plan/release.ts';
import type { Clock, Http, HttpRequest, HttpResponse, Target } from '../../../../providers/ports.ts';
import { ProviderError } from '../../../../providers/errors.ts';
import { createHttpTarget } from '../../../../providers/targets/http/target.ts';
import { parseWorkerConfig } from '../../../../spec/worker-config.ts';
import { httpSiteOf } from '../../../../worker/http-sites.ts';

export const stable: Release = { digest: `sha256:${'a'.repeat(64)}`, label: 'v1', image: 'registry.example/web' };
export const canary: Release = { digest: `sha256:${'b'.repeat(64)}`, label: 'v2', image: 'registry.example/web' };

export function orderOf(fence: number, change: Partial<Order> = {}): Order {
  return { rollout: 'rollout/production/web', run: 'run-1', fence, stable, canary, ...change };
}

export function sharesOf(canaryBp: number, { stable: a, canary: b } = orderOf(1)) {
  return [
    { digest: a.digest, bp: 10_000 - canaryBp },
    { digest: b.digest, bp: canaryBp },
  ];
}

export interface Member {
  digest: string;
  label: string;
  percent: number;
  healthy: boolean;
}

/** What the API is and does; the next answers may be scripted. */
export interface Api {
  readonly members: Member[];
  note: string;
  version: number;
  readonly calls: {
    readonly method: string;
    readonly url: string;
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
  }[];
  /** Meets the next calls of a method, in order; `act` does what the API would have done. */
  readonly next: Record<string, ((act: () => HttpResponse) => HttpResponse | Promise<HttpResponse>)[]>;
  readonly http: Http;
}

export function createApi(): Api {
  const api: Api = {
    members: [
      { digest: stable.digest, label: 'v1', percent: 100, healthy: true },
      { digest: canary.digest, label: 'v2', percent: 0, healthy: true },
    ],
    note: '',
    version: 1,
    calls: [],
    next: {},
    http: { send: async (request) => serve(api, request) },
  };
  return api;
}

async function serve(api: Api, request: HttpRequest): Promise<HttpResponse> {
  request.signal?.throwIfAborted();
  const body = typeof request.body === 'string' ? request.body : '';
  api.calls.push({ method: request.method, url: request.url, body, headers: request.headers ?? {} });
  const act = (): HttpResponse => answer(api, request.method, request.headers ?? {}, body);
  return (await api.next[request.method]?.shift()?.(act)) ?? act();
}

function answer(api: Api, method: string, headers: Readonly<Record<string, string>>, body: string): HttpResponse {
  const version = { etag: `"${String(api.version)}"` };
  if (method === 'GET') return json(200, { members: api.members, note: api.note }, version);
  if (method !== 'PUT') return json(200, {});
  if (headers['if-match'] !== undefined && headers['if-match'] !== version.etag) return json(412, { error: 'changed' });
  const asked = JSON.parse(body) as { weights: Record<string, number>; note?: string };
  for (const member of api.members) member.percent = asked.weights[member.digest] ?? 0;
  api.note = asked.note ?? '';
  api.version += 1;
  return json(200, {});
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return { status, headers, body: JSON.stringify(value) };
}

export const lost = (): never => {
  throw new ProviderError({ code: 'unreachable', doing: 'PUT', detail: 'connection reset' });
};

export interface Declared {
  /** Stores a claim. @default true */
  readonly claims?: boolean;
  /** Conditional writes. @default false */
  readonly versions?: boolean;
  readonly more?: string;
  /** More calls, as YAML lines without indentation. */
  readonly calls?: readonly string[];
  readonly plan?: Partial<HttpTargetPlan>;
  readonly clock?: Clock;
}

/** Time stands still except while somebody sleeps. */
export function patientClock(): Clock & { skip(ms: number): void } {
  let now = 1_800_000_000_000;
  return {
    now: () => now,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      now += ms;
    },
    skip: (ms) => void (now += ms),
  };
}

export function targetOf(api: Api, declared: Declared = {}): Target {
  const plan: HttpTargetPlan = {
    kind: 'http',
    connection: 'api',
    route: 'web',
    preview: null,
    drainMs: 0,
    ...declared.plan,
  };
  const result = parseWorkerConfig(configText(declared), 'worker.yaml');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  const { api: connection } = result.value.connections;
  if (connection?.kind !== 'http') throw new Error('no http connection');
  return createHttpTarget({
    plan,
    connection: httpSiteOf(connection, plan, new Map()),
    http: api.http,
    clock: declared.clock ?? patientClock(),
  });
}

export function configText({ claims = true, versions = false, more = '', calls = [] }: Declared = {}): string {
  const note = claims ? ", note: '{{claim}}'" : '';
  return `apiVersion: sluice/v1
kind: Worker
directory: ./directory.yaml
connections:
  api:
    kind: http
    routes: { web: { values: { pool: web-prod } } }
    ${more}
    calls:
      read:
        url: http://127.0.0.1:9/pools/{{value.pool}}
        find:
          places: [{ each: '$.members[*]', digest: $.digest, label: $.label, weight: $.percent, ready: $.healthy }]
          ${claims ? 'claim: $.note' : ''}
          ${versions ? 'version: { header: etag }' : ''}
      setWeights:
        method: PUT
        url: http://127.0.0.1:9/pools/{{value.pool}}/weights
        ${versions ? "headers: { if-match: '{{version}}' }" : ''}
        json: { weights: { '{{stable.digest}}': '{{stablePercent}}', '{{release.digest}}': '{{canaryPercent}}' }${note} }
${calls.map((call) => `      ${call}`).join('\n')}
`;
}
