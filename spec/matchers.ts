/** Matchers of an alert's labels, in the form that Prometheus and Alertmanager write them. */

import * as z from 'zod';
import type { AlertMatcher } from '../plan/criteria.ts';
import { expecting } from './expectations.ts';

const matcherPattern =
  /^(?<label>[A-Za-z_][A-Za-z0-9_]{0,127})\s*(?<op>=~|!~|!=|=)\s*"(?<value>(?:[^"\\\p{Cc}]|\\["\\])*)"$/u;
const trackPattern = /^\{\{\s*track\s*\}\}$/;

/** `track`: the label that tells the releases apart. */
export type SpecMatcher = AlertMatcher | 'track';

/** `severity="critical"`; `null` for anything else. */
export function parseMatcher(text: string): SpecMatcher | null {
  if (trackPattern.test(text)) return 'track';
  const groups = matcherPattern.exec(text)?.groups;
  if (groups === undefined) return null;
  const value = (groups['value'] ?? '').replaceAll(/\\(["\\])/g, '$1');
  return { label: groups['label'] ?? '', op: groups['op'] as AlertMatcher['op'], value };
}

export const matcher = expecting(
  z
    .string()
    .max(500)
    .regex(new RegExp(`${matcherPattern.source}|${trackPattern.source}`, 'u'))
    .transform((text, context): SpecMatcher => {
      const read = parseMatcher(text);
      if (read !== null) return read;
      context.addIssue({ code: 'custom', message: 'no matcher' });
      return z.NEVER;
    }),
  'a matcher of labels',
  String.raw`such as 'severity="critical"', 'alertname=~"Web.+"' or '{{track}}'`,
);
