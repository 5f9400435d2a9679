/** The spec's `smoke`: suites of HTTP requests with what their answers must be. */

import * as z from 'zod';
import type { JsonValue, SmokeAim, SmokeRun } from '../plan/plan.ts';
import { expecting } from './expectations.ts';
import { headerName, headerValue, httpUrl, id, variableName } from './names.ts';
import { span } from './values.ts';

export const smokeAims = ['canary', 'stable', 'public'] as const satisfies readonly SmokeAim[];
export const smokeMethods = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;

const requestPath = expecting(
  z
    .string()
    .max(2000)
    .regex(/^\/[^\s#\\]*$/),
  'a path on the service',
  'such as /healthz or /api/items?limit=1',
);

/** Member and index steps only: nothing in it can be code. */
const jsonPath = expecting(
  z
    .string()
    .max(200)
    .regex(/^\$(?:\.[A-Za-z_][A-Za-z0-9_-]*|\[\d{1,6}\]|\['[^'\\]+'\])*$/),
  'a JSON path of members and indexes',
  'such as $.sessionId or $.items[0].id',
);

const statusClass = expecting(
  z.string().regex(/^[1-5](?:xx|\d\d)$/),
  'a status or a class of them',
  'such as 404 or 5xx',
);
/** YAML reads `200` as a number. */
const status = expecting(
  z.union([z.int().min(100).max(599).transform(String), statusClass]),
  'a status or a class of them',
  'such as 200 or 2xx',
);

/** Text, numbers, lists and mappings as they will be sent. */
const json: z.ZodType<JsonValue> = expecting(z.json() as z.ZodType<JsonValue>, 'a JSON value');

const expectation = z.strictObject({
  status: status.prefault('2xx'),
  json: json.nullable().default(null).describe('What the JSON answer must contain; it may contain more.'),
  exists: z.array(jsonPath).default([]).describe('JSON paths that must be there and not empty.'),
  headers: z.record(headerName, headerValue).default({}),
  contentType: z.string().min(1).max(200).nullable().default(null),
  within: span.nullable().default(null).describe('Slowest acceptable answer.'),
});

const smokeRequest = z.strictObject({
  name: id,
  get: requestPath.optional(),
  head: requestPath.optional(),
  post: requestPath.optional(),
  put: requestPath.optional(),
  patch: requestPath.optional(),
  delete: requestPath.optional(),
  headers: z.record(headerName, headerValue).default({}),
  json: json.optional().describe('Body, sent as application/json.'),
  text: z.string().max(100_000).optional().describe('Body, sent as it is.'),
  expect: expectation.prefault({}),
  capture: z.record(variableName, jsonPath).default({}).describe('Variables for later requests, from the JSON answer.'),
  timeout: span.prefault('10s'),
});

const suite = z.strictObject({
  baseUrl: z
    .strictObject({
      canary: z.literal('preview').default('preview'),
      stable: z.literal('direct').default('direct'),
      public: httpUrl.nullable().default(null).describe('Where users arrive.'),
    })
    .prefault({}),
  forbidStatus: z.array(status).default([]).describe('Statuses that fail any request of the suite.'),
  requests: z.array(smokeRequest).min(1),
});

export const smoke = z.strictObject({ suites: z.record(id, suite) });

/** `basic` or `basic@public`, as a step, `rollback.confirm` and the like name a suite. */
export const smokeRunPattern = /^(?<suite>[a-z0-9][a-z0-9._-]*)(?:@(?<aim>canary|stable|public))?$/;

/** A suite's name with an aim; without one `aim` is taken. */
export function smokeRun(aim: SmokeAim) {
  return expecting(
    z
      .string()
      .regex(smokeRunPattern)
      .transform((text): SmokeRun => {
        const [suite = text, named] = text.split('@');
        return { suite, aim: (named as SmokeAim | undefined) ?? aim };
      }),
    'a smoke suite',
    `such as basic or basic@${aim === 'public' ? 'canary' : 'public'}`,
  );
}
