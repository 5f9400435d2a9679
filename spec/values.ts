/** Strict grammars of quantities: durations, ranges, percentages and breaches, each read into plain numbers. */

import * as z from 'zod';
import type { Comparison } from '../plan/criteria.ts';
import { durationUnits } from '../plan/units.ts';
import { expecting } from './expectations.ts';

// ── Durations ────────────────────────────────────────────────────────────────────────────────────────────────────────

const durationText = String.raw`(?=\d)(?:\d{1,4}d)?(?:\d{1,5}h)?(?:\d{1,6}m(?!s))?(?:\d{1,7}s)?(?:\d{1,9}ms)?`;
const durationPattern = new RegExp(`^${durationText}$`);
const durationParts = new RegExp(
  String.raw`(\d+)(${durationUnits
    .map(([unit]) => unit)
    .toSorted((a, b) => b.length - a.length)
    .join('|')})`,
  'g',
);
/** Longer than any rollout, short enough for every timer. */
const longestMs = 366 * 86_400_000;

/** `90s`, `30m`, `1h30m`, `500ms` → ms; `null` for anything else, also for more than 366 days. */
export function parseDuration(text: string): number | null {
  if (!durationPattern.test(text)) return null;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(durationParts))
    ms += Number(count) * (durationUnits.find(([name]) => name === unit)?.[1] ?? Number.NaN);
  return ms <= longestMs ? ms : null;
}

export const duration = expecting(
  z
    .string()
    .regex(durationPattern)
    .transform((text, context) => parsed(parseDuration(text), context)),
  'a duration',
  'such as 30s, 10m, 1h30m or 3d, largest unit first',
);

/** A duration that is not zero. */
export const span = expecting(
  z
    .string()
    .regex(durationPattern)
    .transform((text, context) => parsed(parseDuration(text), context))
    .refine((ms) => ms > 0),
  'a duration above zero',
  'such as 30s, 10m, 1h30m or 3d',
);

export interface DurationRange {
  readonly minMs: number;
  /** `null` when only one duration was written. */
  readonly maxMs: number | null;
}

/** `30m..60m`, or `30m` alone. A reversed range is told by the cross-checks, with its own message. */
export const durationRange = expecting(
  z
    .string()
    .regex(new RegExp(String.raw`^${durationText}(?:\.\.${durationText})?$`))
    .transform((text, context): DurationRange => {
      const [min, max] = text.split('..').map(parseDuration);
      return { minMs: parsed(min ?? null, context), maxMs: max === undefined ? null : parsed(max, context) };
    }),
  'a duration or a range of durations',
  'such as 30m or 30m..60m',
);

// ── Shares ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const percentPattern = /^\d{1,3}(?:\.\d{1,6})?%$/;

/** `0.5%` → 50 basis points; `null` when it is no whole number of them or not within 0..100 %. */
export function parseWeight(text: string): number | null {
  if (!percentPattern.test(text)) return null;
  const bp = exact(Number(text.slice(0, -1)) * 100);
  return Number.isInteger(bp) && bp <= 10_000 ? bp : null;
}

/** A share of traffic, in basis points. */
export const weight = expecting(
  z
    .string()
    .regex(percentPattern)
    .transform((text, context) => parsed(parseWeight(text), context)),
  'a share of traffic',
  'from 0% to 100% in steps of 0.01%, such as 1%, 0.5% or 25%',
);

/** A percentage of something else than traffic, as a ratio 0..1. */
export const ratio = expecting(
  z
    .string()
    .regex(percentPattern)
    .transform((text, context) => {
      const value = exact(Number(text.slice(0, -1)) / 100);
      return parsed(value <= 1 ? value : null, context);
    }),
  'a percentage',
  'from 0% to 100%, such as 50%',
);

/** Removes the noise of binary fractions: 0.29 * 100 is 29. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}

// ── Breaches ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const comparison = String.raw`(?<op>>=|<=|==|!=|>|<)\s*`;
const limitPattern = new RegExp(String.raw`^${comparison}(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?<unit>%|ms|s)?$`);
const comparePattern = new RegExp(
  String.raw`^${comparison}(?:(?<factor>\d+(?:\.\d+)?)x|(?<sign>[+-])(?<percent>\d+(?:\.\d+)?)%)$`,
);
const unitFactors = { '%': 0.01, ms: 0.001, s: 1 } as const;

export interface LimitBreach {
  readonly op: Comparison;
  /** A ratio or seconds when a unit was written. */
  readonly value: number;
  readonly unit: '%' | 'ms' | 's' | null;
}

export interface CompareBreach {
  readonly op: Comparison;
  readonly factor: number;
}

/** `> 0.5%` → 0.005, `>= 2`, `> 300ms` → 0.3: Prometheus counts in ratios and seconds. */
export function parseLimitBreach(text: string): LimitBreach | null {
  const groups = limitPattern.exec(text)?.groups;
  if (groups === undefined) return null;
  const unit = (groups['unit'] as LimitBreach['unit'] | undefined) ?? null;
  const value = exact(Number(groups['number']) * (unit === null ? 1 : unitFactors[unit]));
  return Number.isFinite(value) ? { op: groups['op'] as Comparison, value, unit } : null;
}

/** `> 2x` → 2, `> +10%` → 1.1, `< -20%` → 0.8. */
export function parseCompareBreach(text: string): CompareBreach | null {
  const groups = comparePattern.exec(text)?.groups;
  if (groups === undefined) return null;
  const change = (groups['sign'] === '-' ? -1 : 1) * Number(groups['percent'] ?? 0);
  const factor = groups['factor'] === undefined ? exact(1 + change / 100) : Number(groups['factor']);
  return factor > 0 ? { op: groups['op'] as Comparison, factor } : null;
}

export const limitBreach = expecting(
  z
    .string()
    .regex(limitPattern)
    .transform((text, context) => parsed(parseLimitBreach(text), context)),
  'a bad condition',
  'such as "> 0.5%", ">= 2", "< 0.9" or "> 300ms"',
);

export const compareBreach = expecting(
  z
    .string()
    .regex(comparePattern)
    .transform((text, context) => parsed(parseCompareBreach(text), context)),
  'a bad condition relative to the baseline',
  'such as "> 2x", "> +10%" or "< -20%"',
);

/** For values that match their pattern and still are none: a duration of ten thousand days. */
function parsed<T>(value: T | null, context: z.RefinementCtx): T {
  if (value !== null) return value;
  context.addIssue({ code: 'custom', message: 'out of range' });
  return z.NEVER;
}
