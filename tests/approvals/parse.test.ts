import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDecision, shortened } from '../../approvals/parse.ts';

const typed = { decision: 'approve', gate: 'go', by: 'ana', plan: 'sha256:aa', evidence: 'sha256:bb' };

function reasonOf(raw: unknown): string {
  const parsed = parseDecision(raw);
  return parsed.ok ? '(accepted)' : parsed.reason;
}

describe('a decision typed by hand', () => {
  it('is understood with short names, and what is absent is null', () => {
    expect(parseDecision(typed)).toEqual({
      ok: true,
      input: {
        decision: 'approve',
        gate: 'go',
        by: 'ana',
        planDigest: 'sha256:aa',
        evidenceDigest: 'sha256:bb',
        reason: null,
        soakMs: null,
        signature: null,
        validUntil: null,
      },
    });
  });

  it.each([
    ['30m', 1_800_000],
    ['1h30m', 5_400_000],
    ['3d', 259_200_000],
    [90_000, 90_000],
  ])('takes %s as a soak', (soak, soakMs) => {
    expect(parseDecision({ ...typed, decision: 'More Soak', soak })).toMatchObject({
      ok: true,
      input: { decision: 'more-soak', soakMs },
    });
  });

  it.each([['soon'], ['-5m'], [0], [1.5], ['31d'], [''], [Infinity]])('refuses %s as a soak', (soak) => {
    expect(reasonOf({ ...typed, decision: 'more-soak', soak })).toContain('soak');
  });

  it('takes validUntil as a time with a zone or as milliseconds, and nothing vaguer', () => {
    const at = Date.UTC(2026, 10, 22, 10);
    expect(parseDecision({ ...typed, validUntil: '2026-11-22T10:00:00Z' })).toMatchObject({
      input: { validUntil: at },
    });
    expect(parseDecision({ ...typed, validUntil: at })).toMatchObject({ input: { validUntil: at } });
    expect(reasonOf({ ...typed, validUntil: '2026-11-22' })).toContain('validUntil');
    expect(reasonOf({ ...typed, validUntil: 1e300 })).toContain('validUntil');
  });

  it('may leave the digests out of a reject, which lowers, but not out of an approval', () => {
    const short = { decision: 'reject', gate: 'go', by: 'ana', reason: 'no' };
    expect(parseDecision(short)).toMatchObject({ ok: true, input: { planDigest: '', evidenceDigest: '' } });
    expect(reasonOf({ ...short, decision: 'approve' })).toMatch(/^"plan" is missing; send \{/);
  });

  it('needs a reason for a reject', () => {
    expect(reasonOf({ ...typed, decision: 'reject', reason: '  ' })).toBe('a reject needs a "reason"');
  });

  it('is refused when two names of the same thing disagree', () => {
    expect(reasonOf({ ...typed, planDigest: 'sha256:cc' })).toBe('"planDigest" and "plan" disagree');
  });
});

describe('a message that is no decision', () => {
  it.each([
    [undefined, /empty/],
    [null, /empty/],
    ['approve', /a string is no decision/],
    [42, /a number is no decision/],
    [[typed], /a list is no decision/],
    [{}, /"decision" is missing/],
    [{ __undecodable: 'Unknown encoding: binary/encrypted' }, /could not be decoded: Unknown encoding/],
    [{ __undecodable: { toString: null } }, /could not be decoded/],
    [{ ...typed, decision: 'aprove' }, /unknown decision "aprove"; known are approve/],
    [{ ...typed, gate: 7 }, /"gate" must be a text/],
    [{ ...typed, by: 'ana\u0007\u202e' }, /control characters/],
    [{ ...typed, gate: 'x'.repeat(1_000_000) }, /too long: 1000000 characters, at most 130/],
    [{ ...typed, signature: 's'.repeat(5_000) }, /too long/],
  ])('%# is refused in words', (raw, reason) => {
    expect(reasonOf(raw)).toMatch(reason);
  });

  it('takes nothing from a prototype', () => {
    expect(reasonOf(Object.create(typed))).toContain('"decision" is missing');
    expect(reasonOf(JSON.parse('{"__proto__":{"decision":"approve"}}'))).toContain('"decision" is missing');
    expect(reasonOf({ ...typed, decision: 'constructor' })).toContain('unknown decision');
  });

  it('cannot make it throw, and every answer stays within its bounds', () => {
    const keys = fc.constantFrom('decision', 'gate', 'by', 'plan', 'evidence', 'reason', 'soak', 'validUntil');
    const value = fc.oneof(fc.anything(), fc.string({ unit: 'binary', maxLength: 3_000 }), fc.constant('withdraw'));
    const message = fc.oneof(fc.anything(), fc.dictionary(keys, value), fc.dictionary(keys, value).map(withSense));
    fc.assert(
      fc.property(message, (raw) => {
        const parsed = parseDecision(raw);
        if (!parsed.ok) {
          expect(Buffer.byteLength(parsed.reason)).toBeLessThanOrEqual(1_024);
          return;
        }
        const { by, gate, reason } = parsed.input;
        expect(by.length + gate.length).toBeLessThanOrEqual(260);
        expect((reason ?? '').length).toBeLessThanOrEqual(1_000);
        expect(`${by}${gate}${reason ?? ''}`).not.toMatch(/[\p{Cc}\p{Cs}]/u);
      }),
    );
  });

  it('cannot run code by a getter that throws', () => {
    const trap = Object.defineProperty({ ...typed }, 'reason', {
      enumerable: true,
      get: () => {
        throw new Error('boo');
      },
    });
    expect(reasonOf(trap)).toBe('the message could not be read');
  });
});

function withSense(message: Record<string, unknown>): unknown {
  return { ...typed, reason: message['reason'], by: message['by'] ?? 'ana' };
}

describe('a sentence for people', () => {
  it('is cut to 1 KB of UTF-8 and carries no control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 5_000 }), (text) => {
        const cut = shortened(text);
        expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1_024);
        expect(cut).not.toMatch(/[\p{Cc}\p{Cs}]/u);
      }),
    );
    expect(shortened('short and plain')).toBe('short and plain');
  });
});
