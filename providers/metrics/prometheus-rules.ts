/** What Prometheus says about its alerting rules, taken apart: could a rule have raised the alert that does not fire? */

import { z } from 'zod';
import type { AlertMatcher } from '../../plan/criteria.ts';
import type { HttpResponse } from '../ports.ts';
import { clip, dataOf } from './prometheus-answer.ts';

const alertingRule = z.object({
  type: z.literal('alerting'),
  name: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  health: z.string().default('unknown'),
  lastError: z.string().default(''),
  lastEvaluation: z.string().default(''),
});
const otherRule = z.object({ type: z.string() });
const groups = z.object({
  groups: z.array(z.object({ interval: z.number().default(60), rules: z.array(z.union([alertingRule, otherRule])) })),
});

export interface AlertingRule {
  readonly name: string;
  /** What the rule itself adds to its alerts; the expression adds more. */
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
  /** Epoch ms; NaN when it never was. */
  readonly evaluatedAt: number;
  readonly everyMs: number;
}

/** The alerting rules of an answer. Throws `ProviderError` for everything else. */
export function rulesOf(response: HttpResponse, doing: string): readonly AlertingRule[] {
  const data = dataOf(response, groups, doing);
  return data.groups.flatMap(({ interval, rules }) =>
    rules.flatMap((rule) => {
      if (!('name' in rule)) return [];
      const { name, labels, health, lastError, lastEvaluation } = rule;
      const evaluatedAt = Date.parse(lastEvaluation);
      return [{ name, labels, health, lastError, evaluatedAt, everyMs: Math.max(0, interval) * 1_000 }];
    }),
  );
}

/**
 * Whether an alert of this rule could have these labels. What the rule does not set, or sets by a template, comes from
 * its expression and may be anything. Only regular expressions that are lists of words are looked into: the others are
 * Prometheus' own, and matching them here could take for ever.
 */
export function couldRaise({ name, labels }: AlertingRule, matchers: readonly AlertMatcher[]): boolean {
  const set = new Map([...Object.entries(labels), ['alertname', name]]);
  return matchers.every((matcher) => {
    const value = set.get(matcher.label);
    return value === undefined || value.includes('{{') || allows(matcher, value);
  });
}

function allows({ op, value }: AlertMatcher, label: string): boolean {
  const words = /^[\w-]+(?:\|[\w-]+)*$/.test(value) ? value.split('|') : null;
  switch (op) {
    case '=':
      return label === value;
    case '!=':
      return label !== value;
    case '=~':
      return words?.includes(label) ?? true;
    case '!~':
      return !(words?.includes(label) ?? false);
  }
}

/** A group's round may be late by this much, ms. */
const lateMs = 30_000;

/** Why a rule would not raise its alert now; `null` when it would. */
export function brokenBecause(
  { name, health, lastError, evaluatedAt, everyMs }: AlertingRule,
  now: number,
): string | null {
  const rule = `rule ${printable(name)}`;
  if (health === 'err') return `${rule} fails: ${printable(lastError)}`;
  if (health !== 'ok' || !(evaluatedAt > 0)) return `${rule} has not been evaluated yet`;
  const oldMs = now - evaluatedAt;
  return oldMs > 2 * everyMs + lateMs ? `${rule} was last evaluated ${String(Math.round(oldMs / 1_000))} s ago` : null;
}

/** Names and errors of others, for one line on somebody's screen. */
export function printable(text: string): string {
  return clip(text.replaceAll(/\p{Cc}+/gu, ' '), 80);
}
