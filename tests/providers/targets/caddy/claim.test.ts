import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../../plan/plan.ts';
import { readClaim, withClaim } from '../../../../providers/targets/caddy/claim.ts';
import type { JsonObject } from '../../../../providers/targets/caddy/json.ts';
import { claim, stable } from './given.ts';

const stored = JSON.parse(JSON.stringify(claim)) as JsonObject;
const routeWith = (sluice: JsonValue): JsonObject => ({ handle: [{ handler: 'vars', sluice }] });

describe('the claim on a route', () => {
  it('is read as it was written, from JSON as Caddy stores it', () => {
    const route = JSON.parse(JSON.stringify({ handle: withClaim([{ handler: 'encode' }], claim) })) as JsonObject;
    expect(readClaim(route)).toEqual({ kind: 'claim', claim });
  });

  it('stands first, and afterwards in its old place; vars of others are left alone', () => {
    const theirs = { handler: 'vars', mine: 1 };
    const first = withClaim([theirs, { handler: 'encode' }], claim);
    expect(first.slice(1)).toEqual([theirs, { handler: 'encode' }]);
    const again = withClaim([theirs, ...first.slice(0, 1)], { ...claim, fence: 8 });
    expect(again[0]).toEqual(theirs);
    expect(again).toHaveLength(2);
    expect(readClaim({ handle: again })).toMatchObject({ claim: { fence: 8 } });
  });

  it('is none on a route without one', () => {
    expect(readClaim({})).toEqual({ kind: 'none' });
    expect(readClaim({ handle: 'nonsense' })).toEqual({ kind: 'none' });
    expect(readClaim({ handle: [null, 3, { handler: 'vars', other: {} }] })).toEqual({ kind: 'none' });
  });

  it('leaves out what a later version may add', () => {
    expect(readClaim(routeWith({ ...stored, later: 1 }))).toEqual({ kind: 'claim', claim });
  });

  it.each<[string, JsonValue]>([
    ['fence', '7'],
    ['fence', 1.5],
    ['fence', -1],
    ['fence', 2 ** 60],
    ['canaryBp', 10_001],
    ['released', 'no'],
    ['stage', { kind: 'elsewhere' }],
    ['stage', { kind: 'step' }],
    ['rollout', ''],
    ['rollout', 'x'.repeat(2_000)],
    ['stable', { ...stable, digest: 'latest' }],
    ['slots', { a: stable }],
  ])('is damaged when %s is %j', (key, value) => {
    expect(readClaim(routeWith({ ...stored, [key]: value })).kind).toBe('damaged');
  });

  test.prop([fc.jsonValue()])('never throws on what somebody else wrote there', (value) => {
    expect(readClaim(routeWith(value as JsonValue)).kind).toBe('damaged');
  });
});
