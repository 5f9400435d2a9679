/** Checks across smoke: suites that exist, requests that are complete, variables that are captured before they are used. */

import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';
import { wordsFor } from './expectations.ts';
import { didYouMean } from './nearest.ts';
import { smokeMethods, smokeRunPattern } from './smoke.ts';
import { secretOf, slotsOf, type Slot } from './template.ts';
import { duplicates } from './unique.ts';

export function checkSmoke(root: Cursor): readonly Finding[] {
  const suites = root.at('smoke', 'suites').entries();
  return [...suites.flatMap(([, suite]) => checkSuite(suite)), ...runsOf(root).flatMap((run) => checkRun(run, root))];
}

// ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface RunAt {
  /** Where the suite is named. */
  readonly place: Cursor;
  readonly suite: string;
  readonly aim: string;
}

function runsOf(root: Cursor): readonly RunAt[] {
  const steps = root
    .at('steps')
    .list()
    .flatMap((step) => step.at('smoke').list());
  const scheduled = root.at('watch', 'smoke');
  const suite = scheduled.at('suite').text();
  const aim = scheduled.at('aim').text() ?? 'public';
  return [
    ...steps.flatMap((run) => runAt(run, 'canary')),
    ...root
      .at('rollback', 'confirm')
      .list()
      .flatMap((run) => runAt(run, 'stable')),
    ...(suite === undefined ? [] : [{ place: scheduled.at('suite'), suite, aim }]),
  ];
}

function runAt(place: Cursor, aim: string): readonly RunAt[] {
  const groups = smokeRunPattern.exec(place.text() ?? '')?.groups;
  return groups?.['suite'] === undefined ? [] : [{ place, suite: groups['suite'], aim: groups['aim'] ?? aim }];
}

function checkRun({ place, suite, aim }: RunAt, root: Cursor): readonly Finding[] {
  const suites = root.at('smoke', 'suites').entries();
  const names = suites.map(([name]) => name);
  if (!names.includes(suite)) {
    const hint = didYouMean(suite, names);
    const expected = names.length === 0 ? 'a suite of smoke.suites, which is empty' : wordsFor(names);
    return [
      {
        path: place.path,
        message: `unknown smoke suite ${JSON.stringify(suite)}`,
        expected,
        ...(hint === undefined ? {} : { hint }),
      },
    ];
  }
  if (aim === 'canary' && !root.at('target', 'preview').exists)
    return [
      {
        path: place.path,
        message: 'the canary cannot be reached without a preview',
        expected: 'target.preview, or another aim such as @public',
      },
    ];
  if (aim === 'public' && !root.at('smoke', 'suites', suite, 'baseUrl', 'public').exists)
    return [
      {
        path: place.path,
        message: `suite ${suite} has no public address`,
        expected: `smoke.suites.${suite}.baseUrl.public`,
      },
    ];
  return [];
}

// ── Suites ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function checkSuite(suite: Cursor): readonly Finding[] {
  const requests = suite.at('requests').list();
  return [
    ...duplicates(
      requests.map((request) => request.at('name')),
      'request',
    ),
    ...requests.flatMap(checkRequest),
    ...checkVariables(requests),
  ];
}

function checkRequest(request: Cursor): readonly Finding[] {
  const methods = smokeMethods.filter((method) => request.at(method).exists);
  const bodies = ['json', 'text'].filter((body) => request.at(body).raw !== undefined);
  const findings: Finding[] = [];
  if (methods.length === 0)
    findings.push({
      path: request.path,
      message: 'the request has no method',
      expected: `one of ${smokeMethods.join(', ')} with a path`,
    });
  for (const method of methods.slice(1))
    findings.push({
      path: request.at(method).path,
      at: 'key',
      message: `"${method}" cannot stand beside "${String(methods[0])}"`,
    });
  for (const body of bodies.slice(1))
    findings.push({
      path: request.at(body).path,
      at: 'key',
      message: `"${body}" cannot stand beside "${String(bodies[0])}"`,
    });
  if (bodies[0] !== undefined && (methods[0] === 'get' || methods[0] === 'head'))
    findings.push({ path: request.at(bodies[0]).path, at: 'key', message: `a ${methods[0]} request has no body` });
  return findings;
}

/** Goes through the requests in their order and remembers what each captures. */
function checkVariables(requests: readonly Cursor[]): readonly Finding[] {
  const known = new Set<string>();
  return requests.flatMap((request, index) => {
    const findings = templatedTexts(request).flatMap((place) =>
      slotsOf(place.text() ?? '').flatMap((slot) => checkSlot(place, slot, known, requests.slice(index))),
    );
    for (const name of capturesOf(request)) known.add(name);
    return findings;
  });
}

function checkSlot(
  place: Cursor,
  slot: Slot,
  known: ReadonlySet<string>,
  after: readonly Cursor[],
): readonly Finding[] {
  const { name, offset } = slot;
  const secret = secretOf(name);
  if (secret !== null ? /^[A-Za-z_]\w{0,63}$/.test(secret) : known.has(name)) return [];
  const at = { path: place.path, at: offset };
  if (secret !== null) return [{ ...at, message: 'no name of a secret', expected: 'such as {{secret:LOG_TOKEN}}' }];
  const later = after.find((other) => capturesOf(other).includes(name));
  const message = `variable ${JSON.stringify(name.slice(0, 60))} is not captured before`;
  const expected = known.size === 0 ? 'a variable that an earlier request captures' : wordsFor([...known]);
  const tooLate = `request "${later?.at('name').text() ?? ''}" captures it, too late`;
  const hint = later === undefined ? didYouMean(name, [...known]) : tooLate;
  return [{ ...at, message, expected, ...(hint === undefined ? {} : { hint }) }];
}

function capturesOf(request: Cursor): readonly string[] {
  return request
    .at('capture')
    .entries()
    .map(([name]) => name);
}

/** Every text of a request that is filled in before it is sent. */
function templatedTexts(request: Cursor): readonly Cursor[] {
  const sent = [...smokeMethods, 'headers', 'json', 'text'].map((key) => request.at(key));
  const expected = ['headers', 'json'].map((key) => request.at('expect').at(key));
  return [...sent, ...expected].flatMap(textsIn);
}

function textsIn(place: Cursor): readonly Cursor[] {
  if (place.text() !== undefined) return [place];
  return [...place.list(), ...place.entries().map(([, value]) => value)].flatMap(textsIn);
}
