import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseControl, parseRaise, parseStepBack } from '../../workflows/parse.ts';

describe('a control message', () => {
  it('lowers whatever it carries, and says so', () => {
    for (const raw of [
      undefined,
      null,
      42,
      'hello',
      [],
      { by: 7, reason: {} },
      { by: '', reason: '  ' },
      { __undecodable: 'x' },
    ]) {
      expect(parseControl(raw)).toEqual({ by: 'unknown', reason: 'no reason given' });
    }
  });

  it('carries who and why, shortened', () => {
    expect(parseControl({ by: ' olga ', reason: 'x'.repeat(1_000_000) })).toEqual({
      by: 'olga',
      reason: 'x'.repeat(300),
    });
  });

  it('never throws and never grows', () => {
    fc.assert(
      fc.property(fc.anything(), (raw) => {
        const { by, reason } = parseControl(raw);
        expect(by.length + reason.length).toBeLessThanOrEqual(600);
        parseStepBack(raw);
        parseRaise(raw);
      }),
    );
  });

  it('ignores what is only inherited', () => {
    expect(parseControl(Object.create({ by: 'olga' })).by).toBe('unknown');
  });
});

describe('a step back', () => {
  it.each([
    [{}, null],
    [{ to: '5%' }, 500],
    [{ to: '0.5%' }, 50],
    [{ to: '0%' }, 0],
    [{ toBp: 500 }, 500],
    [{ to: '0.29%' }, 29],
    [{ to: '25%', toBp: 500 }, 500],
    [{ to: 'five' }, 'invalid'],
    [{ to: '5% or so' }, 'invalid'],
    [{ to: '5' }, 'invalid'],
    [{ toBp: 1.5 }, 'invalid'],
    [{ to: { x: 1 } }, 'invalid'],
  ])('%j goes to %s', (raw, toBp) => {
    expect(parseStepBack(raw).toBp).toBe(toBp);
  });
});

describe('a resume', () => {
  it('has a time limit only when it names one in milliseconds', () => {
    expect(parseRaise({ by: 'rita', validUntil: 5 }).validUntil).toBe(5);
    expect(parseRaise({ by: 'rita', validUntil: 'tomorrow' }).validUntil).toBeNull();
    expect(parseRaise(null).validUntil).toBeNull();
  });
});
