/** Checks of what a criterion's conditions say together: a clear threshold that can clear, hours that exist. */

import type { Comparison } from '../plan/criteria.ts';
import { isTimezone } from './calendar.ts';
import type { Cursor } from './cursor.ts';
import type { Finding } from './issues.ts';
import { didYouMean } from './nearest.ts';
import { parseCompareBreach, parseLimitBreach } from './values.ts';

export function checkConditions(criterion: Cursor): readonly Finding[] {
  const onlyIf = criterion.at('onlyIf');
  const calendar = onlyIf.at('calendar');
  return [
    ...checkClear(criterion),
    ...(isEmpty(onlyIf.raw) ? [saysNothing(onlyIf)] : []),
    ...checkTimezone(calendar.at('timezone')),
    ...calendar.at('windows').list().flatMap(checkWindow),
  ];
}

interface Threshold {
  readonly op: Comparison;
  readonly value: number;
}

function thresholdOf(condition: Cursor, kind: unknown): Threshold | null {
  const text = condition.text();
  if (text === undefined) return null;
  if (kind === 'limit') return parseLimitBreach(text);
  const relative = kind === 'compare' ? parseCompareBreach(text) : null;
  return relative === null ? null : { op: relative.op, value: relative.factor };
}

/** The band between the two is where a breach goes on; without one a clear threshold would say nothing. */
function checkClear(criterion: Cursor): readonly Finding[] {
  const [condition, kind] = [criterion.at('clear'), criterion.at('kind').raw];
  const [breach, clear] = [thresholdOf(criterion.at('breach'), kind), thresholdOf(condition, kind)];
  if (breach === null || clear === null) return [];
  const { path } = condition;
  const isUpper = breach.op.startsWith('>');
  if (!isUpper && !breach.op.startsWith('<')) {
    return [
      { path, at: 'key', message: `a breach with ${breach.op} is clear as soon as it is over`, expected: 'no clear' },
    ];
  }
  const clears = isUpper ? '<' : '>';
  if (!clear.op.startsWith(clears)) {
    const expected = `a condition with ${clears} or ${clears}=`;
    return [{ path, message: 'this clears what is just as bad', expected }];
  }
  if (isUpper ? clear.value < breach.value : clear.value > breach.value) return [];
  const side = isUpper ? 'below' : 'above';
  return [
    { path, message: `the clear threshold is not ${side} the breach`, expected: `a value ${side} that of breach` },
  ];
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function saysNothing({ path }: Cursor): Finding {
  return { path, message: 'no condition is given', expected: 'calendar, or previousAbove for a query' };
}

function checkTimezone(timezone: Cursor): readonly Finding[] {
  const name = timezone.text();
  if (name === undefined || isTimezone(name)) return [];
  const hint = didYouMean(name, Intl.supportedValuesOf('timeZone'));
  return [
    {
      path: timezone.path,
      message: `there is no time zone ${JSON.stringify(name.slice(0, 60))}`,
      expected: 'a name such as America/Argentina/Buenos_Aires',
      ...(hint !== undefined && { hint }),
    },
  ];
}

function checkWindow(window: Cursor): readonly Finding[] {
  const [from, to] = [window.at('from').text(), window.at('to').text()];
  if (from === undefined || from !== to) return [];
  return [
    { path: window.at('to').path, message: 'the window ends when it begins', expected: 'another time than from' },
  ];
}
