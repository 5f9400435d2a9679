import { describe, expect, it } from 'vitest';
import { calendarInWords, isWithin } from '../../judge/calendar.ts';
import { judge } from '../../judge/judge.ts';
import { isBlocking, type JudgeMemory, type NumberSample } from '../../judge/verdict.ts';
import type { Calendar } from '../../plan/criteria.ts';
import { composite, limit, minute, nothing, only, pollAt, value } from './fixtures.ts';

const hour = 60 * minute;
const workdays = ['mon', 'tue', 'wed', 'thu', 'fri'] as const;
const working: Calendar = {
  timezone: 'America/Argentina/Buenos_Aires', // three hours behind UTC all year
  windows: [{ days: workdays, fromMs: 9 * hour, toMs: 18 * hour }],
};
const at = (text: string) => Date.parse(text);

describe('a calendar', () => {
  it('is about the wall clocks of its zone: from is in, to is out', () => {
    expect(isWithin(working, at('2026-11-24T11:59:59Z'))).toBe(false);
    expect(isWithin(working, at('2026-11-24T12:00:00Z'))).toBe(true);
    expect(isWithin(working, at('2026-11-24T20:59:59Z'))).toBe(true);
    expect(isWithin(working, at('2026-11-24T21:00:00Z'))).toBe(false);
    expect(isWithin(working, at('2026-11-22T14:00:00Z'))).toBe(false); // a Sunday
  });

  it('follows the change to summer time', () => {
    const berlin: Calendar = {
      timezone: 'Europe/Berlin',
      windows: [{ days: ['fri'], fromMs: 9 * hour, toMs: 10 * hour }],
    };
    expect(isWithin(berlin, at('2026-03-27T08:30:00Z'))).toBe(true);
    expect(isWithin(berlin, at('2026-04-03T08:30:00Z'))).toBe(false);
    expect(isWithin(berlin, at('2026-04-03T07:30:00Z'))).toBe(true);
  });

  it('may go over midnight, and belongs to the day on which it began', () => {
    const night: Calendar = { timezone: 'UTC', windows: [{ days: ['sun'], fromMs: 22 * hour, toMs: 6 * hour }] };
    expect(isWithin(night, at('2026-11-22T23:00:00Z'))).toBe(true);
    expect(isWithin(night, at('2026-11-23T05:59:00Z'))).toBe(true);
    expect(isWithin(night, at('2026-11-23T06:00:00Z'))).toBe(false);
    expect(isWithin(night, at('2026-11-22T05:00:00Z'))).toBe(false);
    expect(isWithin(night, at('2026-11-23T23:00:00Z'))).toBe(false);
  });

  it('reads as people write it', () => {
    const also = { days: ['sat', 'sun'], fromMs: 0, toMs: 24 * hour } as const;
    expect(calendarInWords(working)).toBe('mon-fri 09:00-18:00 America/Argentina/Buenos_Aires');
    expect(calendarInWords({ ...working, windows: [...working.windows, also] })).toContain('18:00, sat sun America');
  });

  it('that this machine does not know leaves a criterion undecided, and throws nothing', () => {
    const criterion = limit({ onlyIf: { calendar: { ...working, timezone: 'Atlantis/Old_Town' } } });
    const judged = judge([criterion], pollAt(0, { errors: value(1) }), {});
    expect(only(judged.findings)).toMatchObject({
      verdict: 'inconclusive',
      sentence: expect.stringContaining('Atlantis') as string,
    });
  });
});

/** One poll every half minute from a moment on. */
function follow(begin: string, samples: readonly NumberSample[], memory: JudgeMemory = {}) {
  let known = memory;
  const findings = samples.map((sample, index) => {
    const judged = judge([connections], pollAt(at(begin) + index * 30_000, { errors: sample }), known);
    known = judged.memory;
    return only(judged.findings);
  });
  return { findings, memory: known };
}

const connections = limit({
  breach: { op: '==', value: 0 },
  forMs: 2 * minute,
  onlyIf: { calendar: working, previousAbove: 0 },
});
const zeros = Array.from({ length: 6 }, () => value(0));
const dropping = [value(120), ...zeros];

describe('connections that drop to zero (T-23)', () => {
  it('take the release back in working hours', () => {
    const { findings } = follow('2026-11-24T13:00:00Z', dropping); // Tuesday 10:00
    expect(findings.map(({ verdict }) => verdict)).toEqual([
      'pass',
      ...Array<string>(4).fill('inconclusive'),
      'fail',
      'fail',
    ]);
    expect(findings.at(-1)?.sentence).toBe('canary 0 = 0 for 2m30s of 2m');
  });

  it.each([
    ['at night', '2026-11-24T06:00:00Z'],
    ['on a Sunday', '2026-11-22T14:00:00Z'],
  ])('are nobody’s business %s', (_, begin) => {
    for (const finding of follow(begin, dropping).findings) {
      expect(finding).toMatchObject({ verdict: 'inconclusive', breached: false, idle: true });
      expect(isBlocking(finding)).toBe(false);
    }
  });

  it('say so where they were zero before', () => {
    const { findings } = follow('2026-11-24T13:00:00Z', zeros);
    expect(findings.every(({ idle }) => idle === true)).toBe(true);
    expect(findings[0]?.sentence).toBe('canary 0 = 0, which counts only after it was above 0');
  });

  it('do not fail in the morning on what was seen the day before', () => {
    const evening = follow('2026-11-24T20:59:00Z', [value(120), value(0), value(0), value(0)]);
    const morning = follow('2026-11-25T12:00:00Z', zeros, evening.memory);
    expect(morning.findings.map(({ verdict }) => verdict)).not.toContain('fail');
    expect(morning.findings[0]?.idle).toBe(true);
  });

  it('hold the bake up where the number is missing in working hours, and only then', () => {
    expect(follow('2026-11-24T13:00:00Z', [nothing]).findings[0]).toMatchObject({ verdict: 'no-data' });
    expect(follow('2026-11-22T14:00:00Z', [nothing]).findings[0]).toMatchObject({
      verdict: 'inconclusive',
      idle: true,
    });
  });
});

describe('a composite of parts that do not count now', () => {
  const idle = limit({ id: 'idle', onlyIf: { calendar: working } });
  const sunday = pollAt(at('2026-11-22T14:00:00Z'), { idle: value(1), b: value(1) });
  const of = (kind: 'all-of' | 'any-of', b: NumberSample) =>
    only(
      judge([composite(kind, [idle, limit({ id: 'b' })])], { ...sunday, samples: { ...sunday.samples, b } }, {})
        .findings,
    );

  it('goes by the rest where one is enough', () => {
    expect(of('any-of', value(1)).verdict).toBe('fail');
    expect(of('any-of', value(0)).verdict).toBe('pass');
    expect(of('any-of', nothing).verdict).toBe('no-data');
  });

  it('does not count either where all are needed', () => {
    expect(of('all-of', value(1))).toMatchObject({ verdict: 'inconclusive', idle: true });
    expect(of('all-of', nothing)).toMatchObject({ verdict: 'inconclusive', idle: true });
    expect(of('all-of', value(0)).verdict).toBe('pass');
  });
});
