/** Secrets stay out of specs: none is written down, and they are named only where a smoke request uses them. */

import type { Cursor } from './cursor.ts';
import type { Path } from './diagnostics.ts';
import type { Finding } from './issues.ts';
import { smokeBodies, smokeMethods } from './smoke.ts';
import { isSecretKey } from './source.ts';
import { secretOf, slotsOf } from './template.ts';

export function checkSecrets(root: Cursor): readonly Finding[] {
  return leavesOf(root).flatMap((leaf) => {
    const text = leaf.text() ?? '';
    if (isSent(leaf.path)) return writtenDown(leaf, text);
    if (leaf.path[0] === 'criteria') return [];
    return slotsOf(text)
      .filter((slot) => secretOf(slot.name) !== null)
      .map(({ offset }) => ({
        path: leaf.path,
        at: offset,
        message: 'secrets are only for smoke requests',
        expected: '{{secret:NAME}} in the path, headers or body of a smoke request',
      }));
  });
}

/** Inside what a smoke request sends: `smoke.suites.<name>.requests[n].{get,…,headers,json,text,multipart}`. */
function isSent(path: Path): boolean {
  return (
    path[0] === 'smoke' &&
    (path[3] === 'requests' || path[3] === 'cleanup') &&
    [...smokeMethods, 'headers', ...smokeBodies].some((part) => part === path[5])
  );
}

function writtenDown(leaf: Cursor, text: string): readonly Finding[] {
  const key = leaf.path.findLast((part) => typeof part === 'string');
  const keyed = isSecretKey(key) && leaf.path.length > 6 && text !== '' && !text.includes('{{');
  const offset = keyed ? 0 : text.search(inAddress);
  if (offset < 0) return [];
  const message = 'a secret is written down here';
  return [
    {
      path: leaf.path,
      at: keyed ? 'value' : offset + 1,
      message,
      expected: '{{secret:NAME}}, with the value in the worker’s environment',
    },
  ];
}

/** A query parameter that is a credential by its name. */
const inAddress = /[?&][\w-]*(?:token|secret|passw\w*|api[-_]?key)=(?!\{\{)[^&]/i;

function leavesOf(place: Cursor): readonly Cursor[] {
  const inside = [...place.list(), ...place.entries().map(([, value]) => value)];
  return inside.length === 0 ? (place.text() === undefined ? [] : [place]) : inside.flatMap(leavesOf);
}
