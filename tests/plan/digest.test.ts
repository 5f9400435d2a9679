import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../plan/digest.ts';

describe('digests', () => {
  test('are SHA-256 of the canonical form, as any other tool computes it', () => {
    const hex = createHash('sha256').update('{"a":"ñ","b":[1,null,true]}').digest('hex');
    expect(digestOf({ b: [1, null, true], a: 'ñ' })).toBe(`sha256:${hex}`);
  });

  test('do not depend on the order of keys or on a trip through JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const again: unknown = JSON.parse(JSON.stringify(value));
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(digestOf(again)).toBe(digestOf(value));
        expect(digestOf(reversed)).toBe(digestOf(value));
      }),
    );
  });

  test('refuse what is not JSON', () => {
    expect(() => digestOf(undefined)).toThrow('only JSON values');
    expect(() => digestOf({ a: Number.NaN })).toThrow('NaN');
  });
});
