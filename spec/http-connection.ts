/** A connection of kind `http`: the calls that an operator declares for an API that moves traffic, and how its answers are read. */

import * as z from 'zod';
import type { JsonValue } from '../plan/plan.ts';
import type { Cursor } from './cursor.ts';
import { expecting, wordsFor } from './expectations.ts';
import type { Finding } from './issues.ts';
import { header, headerName, headerValue, httpUrl, id, line, origin, variableName } from './names.ts';
import { didYouMean } from './nearest.ts';
import { slotsOf } from './template.ts';
import { span, weight } from './values.ts';

// ── Calls ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const httpVerbs = [
  'read',
  'setWeights',
  'deploy',
  'ensureCapacity',
  'confirm',
  'promote',
  'restore',
  'retire',
] as const;
type HttpVerb = (typeof httpVerbs)[number];

const method = z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const status = expecting(z.int().min(200).max(499), 'a status', 'from 200 to 499');
const jsonBody: z.ZodType<JsonValue> = expecting(z.json() as z.ZodType<JsonValue>, 'a JSON value');

/** Members, indexes and `*`: nothing in it can be code. */
const path = expecting(
  z
    .string()
    .max(200)
    .regex(/^\$(?:\.[A-Za-z_][A-Za-z0-9_-]*|\.\*|\[\d{1,6}\]|\[\*\]|\['[^'\\]+'\])*$/),
  'a JSON path of members and indexes',
  'such as $.pool.percent or $.members[*]',
);

const scalar = expecting(z.union([z.string(), z.number(), z.boolean()]), 'a text, a number, true or false');

/** `$.healthy` alone means true there. */
const test = z
  .union([path.transform((text) => ({ path: text, is: true as const })), z.strictObject({ path, is: scalar })])
  .describe('A path that finds true, or { path, is } for another value.');

const call = z.strictObject({
  method: method.optional().describe('@default GET for read and confirm, else POST'),
  url: httpUrl.describe('Address; {{name}} may stand in path and query and is encoded there.'),
  headers: z.record(headerName, headerValue).default({}),
  json: jsonBody.optional().describe('Body; {{name}} in its texts is filled in as JSON, a lone one keeps its type.'),
  text: z.string().min(1).max(10_000).optional().describe('Body; {{name}} may hold only letters, digits and .:@/+-_'),
  contentType: line.default('text/plain').describe('Of a text.'),
  expect: z.array(status).default([]).describe('Statuses that mean yes. @default any 2xx'),
});

const place = z.strictObject({
  each: path.default('$').describe('Where places are: each match is one, and the other paths begin there.'),
  digest: path.describe('Digest of the release that runs there.'),
  label: path.nullable().default(null).describe("The release's label, as its metrics carry it."),
  image: path.nullable().default(null),
  weight: z.union([z.literal('rest'), path]).describe('Its share, or rest: what the other places leave of 100 %.'),
  ready: test.nullable().default(null).describe('Whether it can take traffic.'),
});

const find = z.strictObject({
  unit: z.enum(['percent', 'basis-points', 'fraction']).default('percent').describe('In which weights are read.'),
  places: z.array(place).min(1),
  claim: path.nullable().default(null).describe('Where setWeights stores {{claim}}, up to 3 KB of text.'),
  version: z
    .union([z.strictObject({ header: headerName }), z.strictObject({ path })])
    .nullable()
    .default(null)
    .describe('What setWeights sends back as {{version}} (If-Match): the API must refuse a write on anything else.'),
});

const calls = z.strictObject({
  read: call.extend({ find }),
  setWeights: call,
  deploy: call.nullable().default(null),
  ensureCapacity: call.nullable().default(null),
  confirm: call
    .extend({ live: test.describe('What the data plane says when it serves the asked share.') })
    .nullable()
    .default(null),
  promote: call.nullable().default(null),
  restore: call.nullable().default(null),
  retire: call.nullable().default(null),
});

const granularity = expecting(
  weight.refine((bp) => bp > 0 && 10_000 % bp === 0),
  'a share that divides 100%',
  'such as 1%, 0.1% or 5%',
);

/** The form without credentials, which all connections write in the same way. */
export const httpConnectionForm = z.strictObject({
  kind: z.literal('http'),
  public: origin.nullable().default(null).describe('Where users arrive; preview requests go there with their header.'),
  granularity: granularity.prefault('1%').describe('Smallest share that the API can express.'),
  within: span.prefault('10s').describe('How long one call may take.'),
  settles: span
    .prefault('30s')
    .describe('After so long a call has had its effect or never will, answered or not. Going back waits it out.'),
  preview: z
    .strictObject({ header: header.describe('Requests with this header reach the release at any weight.') })
    .nullable()
    .default(null),
  affinity: z.boolean().default(false).describe('A client that met the release stays with it.'),
  routes: z.record(id, z.strictObject({ values: z.record(variableName, line).default({}) })),
  calls,
});

type Written = z.output<typeof httpConnectionForm>;

// ── What is read into ────────────────────────────────────────────────────────────────────────────────────────────────

export type HttpConnection = ReturnType<typeof httpConnectionOf>;

/** Calls with their method and body said outright. */
export function httpConnectionOf(written: Written) {
  const { kind, granularity, within, settles, preview, affinity, routes, calls: all } = written;
  const { read, setWeights, confirm, ...others } = all;
  const optional = (one: z.output<typeof call> | null) => (one === null ? null : callOf(one, 'POST'));
  return {
    kind,
    public: written.public,
    granularityBp: granularity,
    withinMs: within,
    settlesMs: settles,
    preview: preview === null ? null : preview.header,
    affinity,
    routes,
    calls: {
      read: { ...callOf(read, 'GET'), find: read.find },
      setWeights: callOf(setWeights, 'POST'),
      confirm: confirm === null ? null : { ...callOf(confirm, 'GET'), live: confirm.live },
      deploy: optional(others.deploy),
      ensureCapacity: optional(others.ensureCapacity),
      promote: optional(others.promote),
      restore: optional(others.restore),
      retire: optional(others.retire),
    },
  };
}

function callOf(
  { method: asked, url, headers, json, text, contentType, expect }: z.output<typeof call>,
  usual: string,
) {
  const body =
    json !== undefined
      ? { kind: 'json' as const, value: json }
      : text === undefined
        ? null
        : { kind: 'text' as const, value: text, contentType };
  return { method: asked ?? usual, url, headers, body, expect };
}

// ── Cross-checks ─────────────────────────────────────────────────────────────────────────────────────────────────────

const always = ['route'] as const;
const ofOrder = [
  ...['release', 'stable'].flatMap((name) => [`${name}.digest`, `${name}.label`, `${name}.image`]),
  ...['canary', 'stable'].flatMap((name) => [`${name}Bp`, `${name}Percent`, `${name}Fraction`]),
  'rollout',
  'run',
  'fence',
];

/** What only the whole connection can tell. */
export function checkHttpConnection(connection: Cursor): readonly Finding[] {
  if (connection.at('kind').raw !== 'http') return [];
  return [
    ...httpVerbs.flatMap((verb) => checkCall(connection, verb)),
    ...checkStored(connection, 'claim', 'where the claim is found again'),
    ...checkStored(connection, 'version', 'where the version is read'),
    ...checkValues(connection),
    ...checkTimes(connection),
    ...checkPreview(connection),
  ];
}

function checkCall(connection: Cursor, verb: HttpVerb): readonly Finding[] {
  const declared = connection.at('calls', verb);
  if (!declared.exists) return [];
  const known = namesFor(connection, verb);
  const texts = [
    declared.at('url'),
    declared.at('text'),
    ...declared
      .at('headers')
      .entries()
      .map(([, at]) => at),
  ];
  return [
    ...[...texts, ...textsIn(declared.at('json'))].flatMap((text) => checkNames(text, verb, known)),
    ...checkOrigin(declared.at('url')),
    ...checkBody(declared),
  ];
}

function namesFor(connection: Cursor, verb: HttpVerb): readonly string[] {
  const values = connection
    .at('routes')
    .entries()
    .flatMap(([, route]) => route.at('values').entries());
  const own = [...new Set(values.map(([name]) => `value.${name}`))];
  if (verb === 'read') return [...always, ...own];
  const loser = verb === 'retire' ? ['loser.digest', 'loser.label', 'loser.image'] : [];
  const find = connection.at('calls', 'read', 'find');
  const stored =
    verb === 'setWeights'
      ? ['stage', ...(find.at('claim').exists ? ['claim'] : []), ...(find.at('version').exists ? ['version'] : [])]
      : [];
  return [...always, ...own, ...ofOrder, ...loser, ...stored];
}

function textsIn(json: Cursor): readonly Cursor[] {
  if (json.text() !== undefined) return [json];
  return [...json.list().flatMap(textsIn), ...json.entries().flatMap(([, value]) => textsIn(value))];
}

function checkNames(text: Cursor, verb: HttpVerb, known: readonly string[]): readonly Finding[] {
  return slotsOf(text.text() ?? '')
    .filter(({ name }) => !known.includes(name))
    .map(({ name, offset }) => {
      const hint = didYouMean(name, known);
      return {
        path: text.path,
        at: offset,
        message: `${JSON.stringify(name.slice(0, 60))} is not known in ${verb}`,
        expected: wordsFor(known),
        ...(hint === undefined ? {} : { hint }),
      };
    });
}

/** Who is called stands in this file and in no value. */
function checkOrigin(url: Cursor): readonly Finding[] {
  const text = url.text() ?? '';
  const [first] = slotsOf(text);
  const end = /^https?:\/\/[^/?#]*/.exec(text)?.[0].length ?? 0;
  if (first === undefined || first.offset >= end) return [];
  return [
    {
      path: url.path,
      at: first.offset,
      message: 'a value may not choose the host',
      expected: 'host and port as they are',
    },
  ];
}

function checkBody(declared: Cursor): readonly Finding[] {
  if (!declared.at('json').exists || !declared.at('text').exists) return [];
  return [{ path: declared.at('text').path, at: 'key', message: 'a call has one body', expected: 'json or text' }];
}

/** What is written must be what is read, and the other way round. */
function checkStored(connection: Cursor, what: 'claim' | 'version', meaning: string): readonly Finding[] {
  const place = connection.at('calls', 'read', 'find', what);
  const written = connection.at('calls', 'setWeights');
  if (!place.exists || !written.exists) return [];
  const texts = [
    written.at('url'),
    written.at('text'),
    ...written
      .at('headers')
      .entries()
      .map(([, at]) => at),
  ];
  const named = [...texts, ...textsIn(written.at('json'))].flatMap((text) => slotsOf(text.text() ?? ''));
  if (named.some(({ name }) => name === what)) return [];
  const message = `setWeights never sends {{${what}}}, and here is said ${meaning}`;
  return [{ path: place.path, at: 'key', message, expected: `{{${what}}} in setWeights, or nothing here` }];
}

/** What a call names must mean something on every route. */
function checkValues(connection: Cursor): readonly Finding[] {
  const routes = connection.at('routes').entries();
  const all = routes.flatMap(([, route]) => route.at('values').entries());
  const used = new Set(
    httpVerbs.flatMap((verb) =>
      slotsOf(JSON.stringify(connection.at('calls', verb).raw ?? null)).map(({ name }) => name),
    ),
  );
  const wanted = [...new Set(all.map(([name]) => name))].filter((name) => used.has(`value.${name}`));
  return routes.flatMap(([, route]) =>
    wanted
      .filter((name) => !route.at('values', name).exists)
      .map((name) => ({
        path: route.path,
        at: 'key' as const,
        message: `the calls need {{value.${name}}}, which this route has not`,
        expected: `values: { ${name}: … }`,
      })),
  );
}

function checkTimes(connection: Cursor): readonly Finding[] {
  const [within, settles] = ['within', 'settles'].map((key) => connection.at(key).as(span));
  if (settles === undefined || settles >= (within ?? 10_000)) return [];
  const message = 'a call that is still waited for may yet take effect';
  return [{ path: connection.at('settles').path, message, expected: 'at least as long as within' }];
}

function checkPreview(connection: Cursor): readonly Finding[] {
  if (!connection.at('preview').exists || connection.at('public').exists) return [];
  const path = connection.at('preview').path;
  return [{ path, at: 'key', message: 'preview requests have no address', expected: 'public beside it' }];
}
