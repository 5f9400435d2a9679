/** Checks across kill switches: unique ids, and criteria that turn off only what there is. */

import type { Cursor } from './cursor.ts';
import { wordsFor } from './expectations.ts';
import type { Finding } from './issues.ts';
import { didYouMean } from './nearest.ts';
import { duplicates } from './unique.ts';

export function checkSwitches(root: Cursor): readonly Finding[] {
  const ids = root
    .at('switches')
    .list()
    .map((one) => one.at('id'));
  const names = ids.flatMap((one) => one.text() ?? []);
  return [
    ...duplicates(ids, 'switch'),
    ...root
      .at('criteria')
      .list()
      .flatMap((criterion) => checkFlip(criterion.at('do'), names)),
  ];
}

function checkFlip(consequence: Cursor, names: readonly string[]): readonly Finding[] {
  const name = /^flip:(?<name>[a-z0-9._-]+)$/.exec(consequence.text() ?? '')?.groups?.['name'];
  if (name === undefined || names.includes(name)) return [];
  const hint = didYouMean(name, names);
  const message = `there is no switch ${JSON.stringify(name.slice(0, 60))}`;
  const expected = names.length === 0 ? 'a switch of switches, which is empty' : wordsFor(names);
  return [{ path: consequence.path, message, expected, ...(hint !== undefined && { hint }) }];
}
