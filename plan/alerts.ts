/** Which alerts a criterion is about: its matchers for one release, and the PromQL selector of those that fire. */

import type { AlertMatcher } from './criteria.ts';
import { escapeRegex, quoted } from './promql.ts';

/** The slots that a matcher's value may have. */
export const matcherSlots: readonly string[] = ['release'];

/** Matchers with the release's label filled in; inside of a regular expression it stands for itself. */
export function matchersFor(
  matchers: readonly AlertMatcher[],
  release: { readonly label: string },
): readonly AlertMatcher[] {
  return matchers.map((matcher) => {
    const text = matcher.op === '=~' || matcher.op === '!~' ? escapeRegex(release.label) : release.label;
    return { ...matcher, value: matcher.value.replaceAll(/\{\{\s*release\s*\}\}/g, () => text) };
  });
}

/** Prometheus writes a series `ALERTS` for every alert as long as it is pending or firing. */
export function alertsQuery(matchers: readonly AlertMatcher[]): string {
  return `ALERTS{${['alertstate="firing"', ...matchers.map(matcherText)].join(',')}}`;
}

/** `severity="critical"`, whatever the value contains. */
export function matcherText({ label, op, value }: AlertMatcher): string {
  return `${label}${op}${quoted(value)}`;
}
