/** Checks what smoke requests are filled in with: variables that are known by then, secrets that have names. */

import { requestVariables, runVariables } from '../plan/smoke.ts';
import type { Cursor } from './cursor.ts';
import { wordsFor } from './expectations.ts';
import type { Finding } from './issues.ts';
import { didYouMean } from './nearest.ts';
import { smokeBodies, smokeMethods } from './smoke.ts';
import { secretOf, slotsOf, type Slot } from './template.ts';

/** Goes through the requests in their order and remembers what each captures; clean-up knows it all. */
export function checkVariables(requests: readonly Cursor[], cleanup: readonly Cursor[]): readonly Finding[] {
  const known = new Set<string>(runVariables);
  const all = [...requests, ...cleanup];
  return all.flatMap((request, index) => {
    const findings = templatedTexts(request).flatMap(({ place, more }) =>
      slotsOf(place.text() ?? '').flatMap((slot) =>
        checkSlot(place, slot, new Set([...known, ...more]), all.slice(index)),
      ),
    );
    for (const capture of request.at('capture').entries()) known.add(capture[0]);
    return [...findings, ...taken(request)];
  });
}

/** Names that have a meaning already. */
function taken(request: Cursor): readonly Finding[] {
  const own: readonly string[] = [...runVariables, ...requestVariables];
  return request
    .at('capture')
    .entries()
    .filter(([name]) => own.includes(name))
    .map(([name, place]) => ({ path: place.path, at: 'key', message: `every run has a variable ${name} of its own` }));
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
  const expected = `a variable that an earlier request captures, or ${wordsFor([...known])}`;
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

interface Templated {
  readonly place: Cursor;
  /** Variables that are known only there. */
  readonly more: readonly (typeof requestVariables)[number][];
}

/** Every text of a request that is filled in. */
function templatedTexts(request: Cursor): readonly Templated[] {
  const within = (from: Cursor, keys: readonly string[], more: Templated['more']) =>
    keys.flatMap((key) => textsIn(from.at(key))).map((place) => ({ place, more }));
  return [
    ...within(request, [...smokeMethods, 'headers', ...smokeBodies], ['timestamp']),
    ...within(request.at('sign'), ['over'], ['timestamp', 'body']),
    ...within(request.at('sign'), ['format'], ['timestamp', 'signature']),
    ...within(request.at('expect'), ['headers', 'json', 'contains'], []),
  ];
}

function textsIn(place: Cursor): readonly Cursor[] {
  if (place.text() !== undefined) return [place];
  return [...place.list(), ...place.entries().map(([, value]) => value)].flatMap(textsIn);
}
