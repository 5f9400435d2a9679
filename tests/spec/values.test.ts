import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBp, formatDuration } from '../../plan/units.ts';
import { header, httpUrl, id, imageName, line, origin } from '../../spec/names.ts';
import {
  durationRange,
  parseCompareBreach,
  parseDuration,
  parseLimitBreach,
  parseWeight,
  ratio,
} from '../../spec/values.ts';

const year = 366 * 86_400_000;

describe('durations', () => {
  test.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['1h30m', 5_400_000],
    ['24h', 86_400_000],
    ['3d', 259_200_000],
    ['500ms', 500],
    ['1s500ms', 1_500],
    ['0s', 0],
    ['366d', year],
  ])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each([
    '',
    '5 parsecs',
    '5',
    '-5m',
    '1.5h',
    '1M',
    '1h 30m',
    '30m1h',
    '1m1m',
    'm',
    '1hm',
    ' 1m',
    '1m\n',
    '367d',
    '9999999999s',
    '٣m',
    '1e3s',
  ])('%j is none', (text) => expect(parseDuration(text)).toBeNull());

  test('survive the way to text and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: year }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  test('of any units in falling order are their sum', () => {
    const parts = fc.tuple(fc.nat(9), fc.nat(30), fc.nat(99), fc.nat(99), fc.nat(999));
    fc.assert(
      fc.property(parts, ([d, h, m, s, ms]) => {
        const sum = (((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms;
        expect(parseDuration(`${d}d${h}h${m}m${s}s${ms}ms`)).toBe(sum);
      }),
    );
  });

  test('whatever is written, the answer is a whole number of milliseconds in range or nothing', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('0', '1', '9', 'd', 'h', 'm', 's', '.', ' ', '-', '+', 'e') }),
        (text) => {
          const ms = parseDuration(text);
          expect(ms === null || (Number.isInteger(ms) && ms >= 0 && ms <= year)).toBe(true);
        },
      ),
    );
  });

  test('make ranges, also a single one', () => {
    expect(durationRange.parse('30m..60m')).toEqual({ minMs: 1_800_000, maxMs: 3_600_000 });
    expect(durationRange.parse('30m')).toEqual({ minMs: 1_800_000, maxMs: null });
    for (const text of ['30m...60m', '30m..', '..30m', '30m-60m', '30m..60m..90m'])
      expect(durationRange.safeParse(text).success).toBe(false);
  });
});

describe('shares', () => {
  test('of traffic are whole basis points and survive the way to text and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), (bp) => {
        expect(parseWeight(formatBp(bp))).toBe(bp);
      }),
    );
    expect(['1%', '0.5%', '0.29%', '100%', '33.33%'].map(parseWeight)).toEqual([100, 50, 29, 10_000, 3333]);
  });

  test.each(['1', '-1%', '101%', '100.01%', '0.001%', '1.234%', '.5%', '1 %', '1e1%', '%'])('%s is none', (text) =>
    expect(parseWeight(text)).toBeNull(),
  );

  test('of something else are ratios', () => {
    expect(ratio.parse('50%')).toBe(0.5);
    expect(ratio.parse('0.1%')).toBe(0.001);
    expect(ratio.safeParse('120%').success).toBe(false);
  });
});

describe('breaches', () => {
  test.each([
    ['> 0.5%', { op: '>', value: 0.005, unit: '%' }],
    ['>= 2', { op: '>=', value: 2, unit: null }],
    ['<0.9', { op: '<', value: 0.9, unit: null }],
    ['> 300ms', { op: '>', value: 0.3, unit: 'ms' }],
    ['> 2s', { op: '>', value: 2, unit: 's' }],
    ['== -1', { op: '==', value: -1, unit: null }],
    ['> 1e-6', { op: '>', value: 1e-6, unit: null }],
  ])('%s is a limit', (text, breach) => expect(parseLimitBreach(text)).toEqual(breach));

  test.each([
    ['> 2x', { op: '>', factor: 2 }],
    ['> +10%', { op: '>', factor: 1.1 }],
    ['< -20%', { op: '<', factor: 0.8 }],
    ['>= 1.5x', { op: '>=', factor: 1.5 }],
  ])('%s is a comparison', (text, breach) => expect(parseCompareBreach(text)).toEqual(breach));

  test('of one kind are not of the other, and half ones are of neither', () => {
    for (const text of ['> 2x', '> +10%', '0.5%', '>', '=> 1', '> 1e999', '> NaN', '> 1 %', '>> 1'])
      expect(parseLimitBreach(text)).toBeNull();
    for (const text of ['> 0.5%', '> 2', '> 0x', '> -100%', '> 2 x', '2x']) expect(parseCompareBreach(text)).toBeNull();
  });
});

describe('names', () => {
  test('accept what people write and refuse what would be ambiguous elsewhere', () => {
    expect(['web', 'sti-chat', 'a', 'v1.2_x'].every((text) => id.safeParse(text).success)).toBe(true);
    expect(
      ['Web', 'a b', 'a@b', 'a/b', '-a', 'a-', '', 'ñ', 'a'.repeat(64)].some((text) => id.safeParse(text).success),
    ).toBe(false);
    expect(line.safeParse('Tienda ñandú 7').success).toBe(true);
    expect(['', 'a\nb', '\u001b[31mred'].some((text) => line.safeParse(text).success)).toBe(false);
  });

  test('of images have neither tag nor digest', () => {
    expect(
      ['web', 'registry.example/web', 'localhost:5000/a/b-c'].every((text) => imageName.safeParse(text).success),
    ).toBe(true);
    expect(['web:1', 'web@sha256:aa', 'Web', 'a//b', 'a/'].some((text) => imageName.safeParse(text).success)).toBe(
      false,
    );
  });

  test('of headers come with a value, the name in lower case', () => {
    expect(header.parse('X-Sluice-Preview:  canary ')).toEqual({ header: 'x-sluice-preview', value: 'canary' });
    expect(['x', 'x:', 'x y: z', 'x: a\nb'].some((text) => header.safeParse(text).success)).toBe(false);
  });

  test('of addresses are http, without credentials; origins have no path', () => {
    expect(httpUrl.safeParse('https://web.example/a?b=1').success).toBe(true);
    for (const text of [
      'ftp://a',
      'http://',
      'http://u:p@a.example',
      'file:///etc/passwd',
      'http://a b',
      'http://[::1',
    ])
      expect(httpUrl.safeParse(text).success).toBe(false);
    expect(origin.parse('http://127.0.0.1:8080/')).toBe('http://127.0.0.1:8080');
    expect(origin.safeParse('http://127.0.0.1:8080/x').success).toBe(false);
  });
});
