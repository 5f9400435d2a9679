/** Checks inside a smoke suite: requests that are complete and ask for what can be. */

import { checkVariables } from './check-smoke-variables.ts';
import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';
import { smokeBodies, smokeMethods } from './smoke.ts';
import { duplicates } from './unique.ts';

export function checkSuite(suite: Cursor): readonly Finding[] {
  const requests = suite.at('requests').list();
  const cleanup = suite.at('cleanup').list();
  const all = [...requests, ...cleanup];
  const names = all.map((request) => request.at('name'));
  const forbidden = suite
    .at('forbidStatus')
    .list()
    .map((status) => String(status.raw));
  return [
    ...duplicates(names, 'request'),
    ...all.flatMap(checkRequest),
    ...all.flatMap((request) => checkForbidden(request, forbidden)),
    ...checkVariables(requests, cleanup),
  ];
}

function checkRequest(request: Cursor): readonly Finding[] {
  const methods = smokeMethods.filter((method) => request.at(method).exists);
  const bodies = smokeBodies.filter((body) => request.at(body).raw !== undefined);
  const findings: Finding[] = [...besides(request, methods), ...besides(request, bodies)];
  if (methods.length === 0)
    findings.push({
      path: request.path,
      message: 'the request has no method',
      expected: `one of ${smokeMethods.join(', ')} with a path`,
    });
  if (bodies[0] !== undefined && (methods[0] === 'get' || methods[0] === 'head'))
    findings.push(misplaced(request.at(bodies[0]), `a ${methods[0]} request has no body`));
  return [...findings, ...(methods[0] === 'ws' ? checkHandshake(request) : checkPlain(request))];
}

/** Only one of them can stand there. */
function besides(request: Cursor, [first, ...others]: readonly string[]): readonly Finding[] {
  return others.map((other) => misplaced(request.at(other), `"${other}" cannot stand beside "${String(first)}"`));
}

function misplaced(place: Cursor, message: string): Finding {
  return { path: place.path, at: 'key', message };
}

// ── Handshakes ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What only a handshake can be expected to do. */
const ofHandshakes = ['handshake', 'firstMessageWithin', 'closeCode'] as const;
/** What is said of an answer's body. */
const ofBodies = ['json', 'exists', 'contains'] as const;

function checkPlain(request: Cursor): readonly Finding[] {
  return present(request.at('expect'), ofHandshakes).map((place) =>
    misplaced(place, `${wordOf(place)} is for ws requests`),
  );
}

function checkHandshake(request: Cursor): readonly Finding[] {
  const expect = request.at('expect');
  const handshake = expect.at('handshake').text() ?? 'accepted';
  const wrong: Finding[] = [];
  const refuse = (places: readonly Cursor[], why: string) =>
    wrong.push(...places.map((place) => misplaced(place, `${wordOf(place)} ${why}`)));
  refuse(present(request, ['multipart']), 'cannot be said over a WebSocket');
  refuse(present(expect, ['contentType']), 'is not for messages');
  if (handshake !== 'refused') refuse(present(expect, ['status']), 'is for refused handshakes');
  if (handshake !== 'closed') refuse(present(expect, ['closeCode']), 'is for handshakes that end closed');
  if (handshake !== 'accepted') refuse(present(expect, ['firstMessageWithin']), 'is for accepted handshakes');
  const hasMessage = handshake === 'refused' || expect.at('firstMessageWithin').exists;
  const aboutMessage = [...present(expect, ofBodies), ...present(request, ['capture'])];
  if (!hasMessage) refuse(aboutMessage, 'needs a first message: expect.firstMessageWithin');
  return wrong;
}

function present(place: Cursor, keys: readonly string[]): readonly Cursor[] {
  return keys.map((key) => place.at(key)).filter((found) => found.exists);
}

function wordOf(place: Cursor): string {
  return String(place.path.at(-1));
}

// ── Statuses ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the suite forbids no request can expect. */
function checkForbidden(request: Cursor, forbidden: readonly string[]): readonly Finding[] {
  const place = request.at('expect', 'status');
  const status = String(place.raw);
  const hit = place.exists
    ? forbidden.find((one) => one === status || (isClass(one) && one[0] === status[0]))
    : undefined;
  if (hit === undefined) return [];
  return [
    { path: place.path, message: `status ${status.slice(0, 10)} is forbidden by the suite: forbidStatus has ${hit}` },
  ];
}

function isClass(status: string): boolean {
  return status.endsWith('xx');
}
