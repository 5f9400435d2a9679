/** Checks of an alert's matchers: labels that can be asked for, and templates that are filled in. */

import { matcherSlots } from '../plan/alerts.ts';
import type { Cursor } from './cursor.ts';
import { wordsFor } from './expectations.ts';
import type { Finding } from './issues.ts';
import { parseMatcher } from './matchers.ts';
import { slotsOf } from './template.ts';

export function checkMatchers(criterion: Cursor): readonly Finding[] {
  return criterion.at('matchers').list().flatMap(checkMatcher);
}

function checkMatcher(matcher: Cursor): readonly Finding[] {
  const text = matcher.text();
  const read = text === undefined ? null : parseMatcher(text);
  if (text === undefined || read === null || read === 'track') return [];
  const { path } = matcher;
  if (read.label === 'alertstate') {
    return [{ path, message: 'only alerts that fire are asked for', expected: 'no alertstate' }];
  }
  if (read.label === '__name__') return [{ path, message: 'an alert’s name is in alertname', expected: 'alertname' }];
  return slotsOf(text)
    .filter(({ name }) => !matcherSlots.includes(name))
    .map(({ name, offset }) => ({
      path,
      at: offset,
      message: `unknown name ${JSON.stringify(name.slice(0, 60))} in a matcher`,
      expected: `${wordsFor(matcherSlots.map((slot) => `{{${slot}}}`))}, or {{track}} as a matcher of its own`,
    }));
}
