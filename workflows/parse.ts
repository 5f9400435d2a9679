/** Control messages as they come: anything at all. What lowers is understood as generously as possible. */

import type { ControlInput } from './messages.ts';

/** Who and why, as far as the message says; never throws. */
export function parseControl(raw: unknown): ControlInput {
  return { by: textOf(raw, 'by') ?? 'unknown', reason: textOf(raw, 'reason') ?? 'no reason given' };
}

/** The weight to step back to in basis points: `{"toBp": 500}` or `{"to": "5%"}`; `null` when none is named. */
export function parseStepBack(raw: unknown): ControlInput & { readonly toBp: number | null | 'invalid' } {
  const asked = field(raw, 'toBp') ?? field(raw, 'to') ?? null;
  return { ...parseControl(raw), toBp: asked === null ? null : bpOf(asked) };
}

/** The kill switch that is meant: `{"switch": "smart-mode"}`; `null` when none is named. */
export function parseFlip(raw: unknown): ControlInput & { readonly id: string | null } {
  return { ...parseControl(raw), id: textOf(raw, 'switch') };
}

/** `validUntil` in epoch ms; anything else than a number means no limit. */
export function parseRaise(raw: unknown): ControlInput & { readonly validUntil: number | null } {
  const until = field(raw, 'validUntil');
  return { ...parseControl(raw), validUntil: typeof until === 'number' ? until : null };
}

/** An edited plan and the digests that it names; their worth is for others to judge. */
export function parseEdit(raw: unknown): {
  readonly plan: unknown;
  readonly planDigest: string | null;
  readonly fromDigest: string | null;
} {
  const [planDigest, fromDigest] = [textOf(raw, 'planDigest'), textOf(raw, 'fromDigest')];
  return { plan: field(raw, 'plan') ?? null, planDigest, fromDigest };
}

function bpOf(asked: unknown): number | 'invalid' {
  if (typeof asked === 'number' && Number.isInteger(asked)) return asked;
  const percent = typeof asked === 'string' ? /^(\d{1,3}(?:\.\d{1,2})?)%$/.exec(asked) : null;
  return percent === null ? 'invalid' : Math.round(Number(percent[1]) * 100);
}

function textOf(raw: unknown, name: string): string | null {
  const value = field(raw, name);
  return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 300) : null;
}

function field(raw: unknown, name: string): unknown {
  if (typeof raw !== 'object' || raw === null || !Object.hasOwn(raw, name)) return undefined;
  return (raw as Record<string, unknown>)[name];
}
