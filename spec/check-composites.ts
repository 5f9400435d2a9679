/** Checks of composites: their references point at criteria that are judged before them, whenever they are. */

import type { Cursor } from './cursor.ts';
import { wordsFor } from './expectations.ts';
import type { Finding } from './issues.ts';
import { didYouMean } from './nearest.ts';

/** A criterion and all parts of it that are criteria of their own. */
export function withParts(criterion: Cursor): readonly Cursor[] {
  const parts = partsOf(criterion).filter((part) => !part.at('ref').exists);
  return [criterion, ...parts.flatMap(withParts)];
}

/** The parts of it that ask the metrics system something. */
export function leavesIn(criterion: Cursor): readonly Cursor[] {
  return withParts(criterion).filter((one) => !isComposite(one));
}

/** `criteria`: the spec's list. */
export function checkComposites(criteria: readonly Cursor[]): readonly Finding[] {
  return criteria.flatMap((criterion, index) =>
    withParts(criterion)
      .flatMap(partsOf)
      .filter((part) => part.at('ref').exists)
      .flatMap((part) => checkRef(part.at('ref'), criterion, criteria.slice(0, index), criteria)),
  );
}

function isComposite(criterion: Cursor): boolean {
  const kind = criterion.at('kind').raw;
  return kind === 'all-of' || kind === 'any-of';
}

function partsOf(criterion: Cursor): readonly Cursor[] {
  return isComposite(criterion) ? criterion.at('criteria').list() : [];
}

function checkRef(ref: Cursor, whole: Cursor, above: readonly Cursor[], all: readonly Cursor[]): readonly Finding[] {
  const name = ref.text();
  if (name === undefined) return [];
  const quoted = JSON.stringify(name.slice(0, 60));
  const meant = above.find((criterion) => criterion.at('id').text() === name);
  if (meant !== undefined) return coversStages(ref, whole, meant);
  if (all.some((criterion) => criterion.at('id').text() === name)) {
    const message = `criterion ${quoted} is judged later than this`;
    return [{ path: ref.path, message, expected: 'a criterion that stands further up' }];
  }
  const names = above.flatMap((criterion) => criterion.at('id').text() ?? []);
  const hint = didYouMean(name, names);
  const message = `there is no criterion ${quoted}`;
  const expected = names.length === 0 ? 'a criterion further up, of which there is none' : wordsFor(names);
  return [{ path: ref.path, message, expected, ...(hint !== undefined && { hint }) }];
}

/** A part that is not judged would leave the whole undecided for ever. */
function coversStages(ref: Cursor, whole: Cursor, meant: Cursor): readonly Finding[] {
  const stage = (criterion: Cursor) => criterion.at('when').text() ?? 'always';
  if (stage(meant) === 'always' || stage(meant) === stage(whole)) return [];
  const message = `criterion ${JSON.stringify(ref.text())} is only judged ${stageText(stage(meant))}`;
  return [
    { path: ref.path, message, expected: `when: ${stage(meant)} for this one too, or when: always for the other` },
  ];
}

function stageText(stage: string): string {
  return stage === 'canary' ? 'while steps run' : 'after promotion';
}
