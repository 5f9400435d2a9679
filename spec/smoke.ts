/** The spec's `smoke`: suites of HTTP requests and WebSocket handshakes with what their answers must be. */

import * as z from 'zod';
import type { JsonValue, SmokeSocket } from '../plan/plan.ts';
import type { SmokeAim, SmokeRun } from '../plan/smoke.ts';
import { expecting } from './expectations.ts';
import { headerName, headerValue, httpUrl, id, variableName } from './names.ts';
import { span } from './values.ts';

export const smokeAims = ['canary', 'stable', 'public'] as const satisfies readonly SmokeAim[];
export const smokeMethods = ['get', 'head', 'post', 'put', 'patch', 'delete', 'ws'] as const;
/** What is sent as a body. */
export const smokeBodies = ['json', 'text', 'multipart'] as const;

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

export const handshakes = ['accepted', 'refused', 'closed'] as const satisfies readonly SmokeSocket['handshake'][];

const closeCode = expecting(z.int().min(1000).max(4999), 'a WebSocket close code', 'such as 1008');

const expectation = z.strictObject({
  status: status.optional().describe('Exact, or a class of them. @default 2xx, of a refused handshake 4xx'),
  json: json.nullable().default(null).describe('What the JSON answer must contain; it may contain more.'),
  exists: z.array(jsonPath).default([]).describe('JSON paths that must be there and not empty.'),
  headers: z.record(headerName, headerValue).default({}),
  contentType: z.string().min(1).max(200).nullable().default(null),
  contains: z.string().min(1).max(1000).optional().describe('A text that the answer must contain.'),
  within: span.nullable().default(null).describe('Slowest acceptable answer.'),
  handshake: z.enum(handshakes).optional().describe('How a WebSocket handshake ends. @default accepted'),
  firstMessageWithin: span
    .optional()
    .describe('A message must come so soon after the handshake; json and the like are about it.'),
  closeCode: closeCode.optional().describe('With which code the server closes after it has accepted. @default any'),
});

/** A path in the operator's folder of smoke files; it cannot lead out of it. */
const filePath = expecting(
  z
    .string()
    .max(200)
    .regex(/^(?!.*(?:^|\/)\.)[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/),
  'a file among the worker’s smoke files',
  'such as test/fixture.jpg',
);

const mediaType = expecting(z.string().regex(/^[\w.+-]{1,60}\/[\w.+-]{1,60}$/), 'a media type', 'such as image/jpeg');

const part = expecting(
  z.union([
    z.string().max(10_000),
    z.strictObject({ file: filePath, contentType: mediaType.optional().describe('@default told from the name') }),
  ]),
  'a text or a file',
  'such as { file: test/fixture.jpg }',
);

const partName = expecting(z.string().regex(/^[\w.[\]-]{1,100}$/), 'the name of a field', 'such as image');

const sign = z.strictObject({
  secret: variableName.describe('Name of the secret; its value stays with the worker.'),
  header: headerName,
  hash: z.enum(['sha1', 'sha256', 'sha512']).default('sha256'),
  encoding: z.enum(['hex', 'base64']).default('hex'),
  over: z.string().min(1).max(1000).default('{{body}}').describe('What is signed.'),
  format: headerValue.default('{{signature}}').describe('The header’s value, such as sha256={{signature}}.'),
});

const smokeRequest = z.strictObject({
  name: id,
  get: requestPath.optional(),
  head: requestPath.optional(),
  post: requestPath.optional(),
  put: requestPath.optional(),
  patch: requestPath.optional(),
  delete: requestPath.optional(),
  ws: requestPath.optional().describe('A WebSocket handshake; a body is said after it.'),
  headers: z.record(headerName, headerValue).default({}),
  json: json.optional().describe('Body, sent as application/json.'),
  text: z.string().max(100_000).optional().describe('Body, sent as it is.'),
  multipart: z.record(partName, part).optional().describe('Body, sent as multipart/form-data.'),
  sign: sign.optional().describe('A header that proves knowledge of a secret.'),
  cookies: z.enum(['keep', 'none']).default('keep').describe('none: sent without the cookies of earlier answers.'),
  times: z.int().min(1).max(20).default(1).describe('So often in a row it must be right.'),
  every: span.prefault('1s').describe('Time between them.'),
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
  cleanup: z.array(smokeRequest).default([]).describe('Always sent at the end, each when its variables are known.'),
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
