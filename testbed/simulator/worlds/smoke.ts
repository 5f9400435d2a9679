/** What a release answers to a request: what the plan's suites expect of it, unless the script says otherwise. */

import type { JsonValue, Plan, SmokeExpectation, SmokeRequest } from '../../../plan/plan.ts';
import type { HttpRequest } from '../../../providers/ports.ts';
import { type Answer, json, urlOf } from './host.ts';
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
  if (says !== 'pass') return { ...json(says, { ok: false, release: release.label }), tookMs };
  const requests = suites.flatMap((byName) => Object.values(byName)).flatMap((suite) => suite.requests);
  const wanted = requests.find((candidate) => isMeant(candidate, request));
  return { ...(wanted === undefined ? json(200, { ok: true, release: release.label }) : satisfying(wanted)), tookMs };
}

const placeholder = /\{\{\s*(?:secret:)?([\w.-]+)\s*\}\}/g;

/** Same method, and a path that the request's could have been filled in to. */
function isMeant({ method, path }: SmokeRequest, request: HttpRequest): boolean {
  if (method !== request.method) return false;
  const url = urlOf(request.url);
  const wanted = path.replace(/^https?:\/\/[^/]*/i, '').replace(/^\/?/, '/');
  const pattern = wanted
    .split(placeholder)
    .map((part, index) => (index % 2 === 0 ? part.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`) : '[^/?&]*'))
    .join('');
  return new RegExp(`^${pattern}$`).test(`${url.pathname}${url.search}`);
}

/** The least that the expectation takes. What is captured has the name it is captured under. */
function satisfying({ expect, capture }: SmokeRequest): Answer {
  const missing = [
    ...Object.entries(capture).map(([name, path]) => [path, valueOf(name)] as const),
    ...expect.exists.map((path) => [path, 'there'] as const),
  ];
  const body = missing.reduce<Json>((json, [path, value]) => withValue(json, path, value), filled(expect.json) as Json);
  const headers = Object.entries(expect.headers).map(([name, value]) => [name.toLowerCase(), text(value)] as const);
  const type = expect.contentType ?? 'application/json';
  return {
    status: statusOf(expect),
    headers: { 'content-type': type, ...Object.fromEntries(headers) },
    body: body === null ? '' : JSON.stringify(body),
  };
}

/** `2xx` is a class, `204` a status. */
function statusOf({ status }: SmokeExpectation): number {
  return /^\dxx$/.test(status) ? Number(status.slice(0, 1)) * 100 : Number(status);
}

function valueOf(name: string): string {
  return `any-${name}`;
}

function text(template: string): string {
  return template.replaceAll(placeholder, (_, name: string) => valueOf(name));
}

function filled(value: JsonValue): JsonValue {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map(filled);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item)]));
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
