/** What a release answers to a request: what the plan's suites expect of it, unless the script says otherwise. */

import type { JsonValue, Plan, SmokeExpectation, SmokeRequest } from '../../../plan/plan.ts';
import type { HttpRequest } from '../../../providers/ports.ts';
import { marker } from '../../../providers/smoke/request.ts';
import { variablesOf } from '../../../providers/smoke/variables.ts';
import { type Answer, headerOf, json, urlOf } from './host.ts';
import type { Instance } from './instance.ts';
import { type History, valueAt } from './timeline.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export function answerTo(
  request: HttpRequest,
  { script, release }: Instance,
  suites: readonly Plan['suites'][],
  now: number,
  history: History,
): Answer {
  const tookMs = valueAt(script.latencyMs, now, history);
  const says = valueAt(script.smoke, now, history);
  if (says !== 'pass') {
    // Like services that say what they were sent, secrets included.
    const got = headerOf(request, 'authorization');
    return { ...json(says, { ok: false, release: release.label, ...(got !== '' && { got }) }), tookMs };
  }
  const [word = '', name] = headerOf(request, marker).split('/');
  const requests = suites
    .flatMap((byName) => Object.values(byName))
    .flatMap((suite) => [...suite.requests, ...(suite.cleanup ?? [])])
    .filter((candidate) => isMeant(candidate, request));
  const wanted = requests.find((candidate) => candidate.name === name) ?? requests[0];
  if (wanted === undefined) return { ...json(200, { ok: true, release: release.label }), tookMs };
  return { ...satisfying(wanted, word === '' ? new Map() : variablesOf(word)), tookMs };
}

/** What the run itself filled in, which a release that echoes it would know. */
type Known = ReadonlyMap<string, string>;

const placeholder = /\{\{\s*(?:secret:)?([\w.-]+)\s*\}\}/g;

/** Same method, and a path that the request's could have been filled in to. */
function isMeant({ method, path, socket }: SmokeRequest, request: HttpRequest): boolean {
  const isHandshake = headerOf(request, 'upgrade') !== '';
  if (method !== request.method || (socket !== undefined) !== isHandshake) return false;
  const url = urlOf(request.url);
  const wanted = path.replace(/^https?:\/\/[^/]*/i, '').replace(/^\/?/, '/');
  const pattern = wanted
    .split(placeholder)
    .map((part, index) => (index % 2 === 0 ? part.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`) : '[^/?&]*'))
    .join('');
  return new RegExp(`^${pattern}$`).test(`${url.pathname}${url.search}`);
}

/** The least that the expectation takes. What is captured has the name it is captured under. */
function satisfying({ expect, capture, socket }: SmokeRequest, known: Known): Answer {
  const missing = [
    ...Object.entries(capture).map(([name, path]) => [path, valueOf(name, known)] as const),
    ...expect.exists.map((path) => [path, 'there'] as const),
  ];
  const told = missing.reduce<Json>(
    (json, [path, value]) => withValue(json, path, value),
    filled(expect.json, known) as Json,
  );
  const headers = Object.entries(expect.headers).map(
    ([name, value]) => [name.toLowerCase(), text(value, known)] as const,
  );
  const type = expect.contentType ?? 'application/json';
  const body = bodyWith(told, expect.contains === undefined ? null : text(expect.contains, known));
  const answer = {
    status: statusOf(expect),
    headers: { 'content-type': type, ...Object.fromEntries(headers) },
    body,
  };
  switch (socket?.handshake) {
    case undefined:
    case 'refused':
      return answer;
    case 'accepted':
      return { ...answer, body: socket.firstMessageMs === null ? '' : body || 'hello' };
    case 'closed':
      return { ...answer, body: '', closes: socket.code ?? policyViolation };
  }
}

const policyViolation = 1_008;

function bodyWith(told: Json, contains: string | null): string {
  const written = told === null ? '' : JSON.stringify(told);
  if (contains === null || written.includes(contains)) return written;
  return told !== null && typeof told === 'object' && !Array.isArray(told)
    ? JSON.stringify({ ...told, contains })
    : `${written}${contains}`;
}

/** `2xx` is a class, `204` a status. */
function statusOf({ status }: SmokeExpectation): number {
  return /^\dxx$/.test(status) ? Number(status.slice(0, 1)) * 100 : Number(status);
}

function valueOf(name: string, known: Known): string {
  return known.get(name) ?? `any-${name}`;
}

function text(template: string, known: Known): string {
  return template.replaceAll(placeholder, (_, name: string) => valueOf(name, known));
}

function filled(value: JsonValue, known: Known): JsonValue {
  if (typeof value === 'string') return text(value, known);
  if (Array.isArray(value)) return value.map((item: JsonValue) => filled(item, known));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, known)]));
}

/** The JSON with a value where a path leads, unless something is there. */
function withValue(root: Json, path: string, value: string): Json {
  const steps = [...path.matchAll(/\.([\w-]+)|\[(\d+)\]|\['([^']*)'\]/g)];
  return placed(
    root,
    steps.map(([, name, index, quoted]) => name ?? quoted ?? Number(index)),
    value,
  );
}

function placed(at: Json, [key, ...rest]: readonly (string | number)[], value: string): Json {
  if (key === undefined) return at === null || at === '' ? value : at;
  const isBranch = typeof at === 'object' && at !== null;
  const branch = (isBranch ? at : typeof key === 'number' ? [] : {}) as Record<string | number, Json>;
  branch[key] = placed(Object.hasOwn(branch, key) ? (branch[key] ?? null) : null, rest, value);
  return branch;
}
