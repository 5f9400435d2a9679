import { expect, it, test } from 'vitest';
import { keyOf, parseKey } from '../../plan/record-key.ts';
import { seal, type RecordBody } from '../../plan/record.ts';
import type { Status } from '../../plan/status.ts';
import { recordBody } from './records.ts';

function keyFor(change: Partial<Status> = {}): string | null {
  const body: RecordBody = recordBody();
  return keyOf(seal({ ...body, status: { ...body.status, ...change } }));
}

it('tells of a record what lists are asked for, and back again', () => {
  const key = keyFor() ?? '';
  expect(key).toMatch(/^production\/web\/20261122T111700000Z\.rolled-back\.run-1\.[0-9a-f]{12}\.json$/);
  expect(parseKey(key)).toMatchObject({
    ...{ environment: 'production', service: 'web', outcome: 'rolled-back', run: 'run-1' },
    startedAt: recordBody().status.startedAt,
  });
});

it('is another one as soon as anything in the record is', () => {
  expect(keyFor({ reason: 'another' })).not.toBe(keyFor());
});

it('sorts by the time of the start', () => {
  const starts = [1, 999, 1_000, 60_000, 1_795_348_800_000].map((startedAt) => keyFor({ startedAt }) ?? '');
  expect([...starts].reverse().sort()).toEqual(starts);
});

test.each<[string, Partial<Status>]>([
  ['still runs', { outcome: null }],
  ['leads out of the archive', { service: '..' }],
  ['leads into another folder', { environment: 'a/b' }],
  ['is hidden', { service: '.hidden' }],
  ['has no moment of its start', { startedAt: 1e300 }],
  ['ended as nothing ever does', { outcome: 'won' as 'completed' }],
  ['has a run that is a path', { run: '../../x' }],
])('no record that %s gets one', (_, change) => {
  expect(keyFor(change)).toBeNull();
});

test.each([
  '',
  'production/web/',
  'x.json',
  'production/web/.x.json.r.part',
  'production/web/20269922T999999999Z.completed.r.0123456789ab.json',
])('%j is no key of ours', (key) => {
  expect(parseKey(key)).toBeNull();
});
