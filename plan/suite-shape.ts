/** The form of a smoke suite that came in a message. */

import type { SmokeExpectation, SmokeRequest, SmokeSignature, SmokeSuite } from './plan.ts';
import * as is from './shape.ts';

const longestMs = 3_600_000;
const ms = is.whole(0, longestMs);
const kind = is.anything;
const words = is.text(2_000, 'lines');
const json = is.anything;
const texts = is.record(is.text(200), words);

const body = is.union({
  json: is.object({ kind, value: json }),
  text: is.object({ kind, value: is.text(100_000, 'lines') }),
  multipart: is.object({
    kind,
    parts: is.list(
      is.union({
        field: is.object({ kind, name: words, value: words }),
        file: is.object({ kind, name: words, file: is.text(300), contentType: is.text(200) }),
      }),
    ),
  }),
});

const expectation = is.object<SmokeExpectation>({
  status: is.matching(/^[1-5](?:\d\d|xx)$/, 'status'),
  json: is.orNull(json),
  exists: is.list(is.text(2_000)),
  headers: texts,
  contentType: is.orNull(is.text(200)),
  withinMs: is.orNull(ms),
  contains: is.optional(is.text(1_000, 'lines')),
});

const handshake = (value: unknown, at: string): string | null => {
  const form = typeof value === 'object' && value !== null && 'handshake' in value ? value.handshake : null;
  switch (form) {
    case 'accepted':
      return is.object({ handshake: is.anything, firstMessageMs: is.orNull(ms) })(value, at);
    case 'refused':
      return is.object({ handshake: is.anything })(value, at);
    case 'closed':
      return is.object({ handshake: is.anything, code: is.orNull(is.whole(1_000, 4_999)) })(value, at);
    default:
      return `${at} is no handshake`;
  }
};

const signature = is.object<SmokeSignature>({
  secret: is.text(200),
  header: is.text(200),
  hash: is.oneOf('sha1', 'sha256', 'sha512'),
  encoding: is.oneOf('hex', 'base64'),
  over: is.text(1_000, 'lines'),
  format: is.text(1_000),
});

const request = is.object<SmokeRequest>({
  name: is.text(200),
  method: is.matching(/^[A-Z]{1,20}$/, 'method'),
  path: is.text(2_000),
  headers: texts,
  body: is.orNull(body),
  expect: expectation,
  capture: texts,
  timeoutMs: is.whole(1, longestMs),
  socket: is.optional(handshake),
  signature: is.optional(signature),
  repeat: is.optional(is.object({ times: is.whole(1, 20), everyMs: ms })),
  cookies: is.optional(is.oneOf('none')),
});

export const suiteShape = is.object<SmokeSuite>({
  publicUrl: is.orNull(is.text(2_000)),
  forbidStatus: is.list(is.matching(/^[1-5]xx$/, 'status class'), 5),
  requests: is.list(request),
  cleanup: is.optional(is.list(request)),
});
