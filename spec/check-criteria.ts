/** Checks across criteria: unique ids, queries that parse, and the metrics they need. */

import { checkComposites, leavesIn, withParts } from './check-composites.ts';
import { checkConditions } from './check-conditions.ts';
import { checkMatchers } from './check-matchers.ts';
import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';
import { labelName } from './names.ts';
import { queryFaults, selectorFaults, type QueryFault } from './promql.ts';
import { slotsOf } from './template.ts';
import { duplicates } from './unique.ts';

export function checkCriteria(root: Cursor): readonly Finding[] {
  const criteria = root.at('criteria').list();
  const leaves = criteria.flatMap(leavesIn);
  const all = criteria.flatMap(withParts);
  return [
    ...duplicates(
      all.map((criterion) => criterion.at('id')),
      'criterion',
    ),
    ...needMetrics(root, criteria),
    ...faultsAt(root.at('metrics', 'requests'), selectorFaults),
    ...leaves.flatMap((criterion) => [
      ...checkQuery(criterion, root),
      ...needRequests(criterion, root),
      ...checkMatchers(criterion),
    ]),
    ...all.flatMap(checkConditions),
    ...checkComposites(criteria),
    ...nothingWatched(root, criteria),
  ];
}

function needMetrics(root: Cursor, criteria: readonly Cursor[]): readonly Finding[] {
  if (criteria.length === 0 || root.at('metrics').exists) return [];
  return [
    {
      path: root.at('criteria').path,
      at: 'key',
      message: 'criteria need metrics',
      expected: 'metrics: { connection: … } in this file',
    },
  ];
}

function checkQuery(criterion: Cursor, root: Cursor): readonly Finding[] {
  const query = criterion.at('query');
  const text = query.text();
  if (text === undefined || text.trim() === '') return [];
  const label = root.at('metrics', 'tracks', 'label').as(labelName) ?? 'release';
  const faults = faultsAt(query, (template) => queryFaults(template, label));
  const tellsReleases = slotsOf(text).some((slot) => slot.name === 'track' || slot.name === 'release');
  if (faults.length > 0 || criterion.at('kind').raw !== 'compare' || tellsReleases) return faults;
  const message = 'the query is the same for canary and stable, so it can never differ';
  return [{ path: query.path, message, expected: '{{track}} among its matchers' }];
}

function faultsAt(query: Cursor, faultsOf: (text: string) => readonly QueryFault[]): readonly Finding[] {
  const text = query.text();
  if (text === undefined || text.trim() === '') return [];
  return faultsOf(text).map(({ offset, ...fault }) => ({ path: query.path, at: offset, ...fault }));
}

/** Without counts every verdict would stay inconclusive for ever. */
function needRequests(criterion: Cursor, root: Cursor): readonly Finding[] {
  const samples = criterion.at('minSamples').raw;
  if (typeof samples !== 'number' || samples <= 0 || root.at('metrics', 'requests').exists) return [];
  const expected = 'metrics.requests, the selector of the request counter';
  return [{ path: criterion.at('minSamples').path, message: 'nothing counts the requests', expected }];
}

function nothingWatched(root: Cursor, criteria: readonly Cursor[]): readonly Finding[] {
  const smoke = root
    .at('steps')
    .list()
    .some((step) => step.at('smoke').list().length > 0);
  if (criteria.length > 0 || smoke || root.at('criteria').exists) return [];
  const message = 'no criterion and no smoke: nothing would take a bad release back';
  return [{ path: [], message, severity: 'warning', expected: 'criteria, or smoke at the steps' }];
}
