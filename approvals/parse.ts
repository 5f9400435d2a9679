/** Turns whatever a message carried into a decision, or says in one sentence why it is none. Never throws. */

import { utf8ToBytes } from '@noble/hashes/utils.js';
import { durationUnits } from '../plan/units.ts';
import type { DecisionInput, DecisionKind } from './request.ts';

export type ParsedDecision =
  | { readonly ok: true; readonly input: DecisionInput }
  /** `reason` is at most 1 KB, for people. */
  | { readonly ok: false; readonly reason: string };

const kinds = ['approve', 'reject', 'withdraw', 'more-soak'] as const satisfies readonly DecisionKind[];

const limits = { name: 130, digest: 100, reason: 1_000, signature: 4_096 } as const;
const maxSoakMs = 30 * 24 * 3_600_000;
const maxNoteBytes = 1_024;

/** What a person typed by hand may use instead of the full name. */
const aliases = {
  planDigest: ['planDigest', 'plan'],
  evidenceDigest: ['evidenceDigest', 'evidence'],
  soak: ['soakMs', 'soak'],
} as const;

class Refusal extends Error {}

/** Accepts anything a client can send: typed JSON by hand, undecodable bytes, megabytes of text. */
export function parseDecision(raw: unknown): ParsedDecision {
  try {
    return { ok: true, input: read(fieldsOf(raw)) };
  } catch (error) {
    const reason = error instanceof Refusal ? error.message : 'the message could not be read';
    return { ok: false, reason: shortened(reason) };
  }
}

/** Cuts a sentence for people to 1 KB of UTF-8, without control characters. */
export function shortened(text: string): string {
  const clean = cleaned(text.slice(0, maxNoteBytes + 1));
  if (bytesOf(clean) <= maxNoteBytes && text.length <= maxNoteBytes) return clean;
  let cut = clean;
  while (bytesOf(cut) > maxNoteBytes - 3) cut = cut.slice(0, Math.floor(cut.length * 0.9));
  return `${cleaned(cut)}…`;
}

function read(fields: Fields): DecisionInput {
  const decision = kindOf(required(fields, ['decision'], limits.name));
  const soakMs = soakOf(field(fields, aliases.soak));
  const reason = text(fields, ['reason'], limits.reason, 'cut');
  if (decision === 'reject' && reason === null) throw new Refusal('a reject needs a "reason"');
  if (decision === 'more-soak' && soakMs === null) throw new Refusal('more-soak needs "soak", e.g. "30m"');
  // Only what raises exposure must name what it was said about; a "no" by hand may be short.
  const bound = decision === 'approve' || decision === 'more-soak';
  const digest = (names: readonly string[]) =>
    bound ? required(fields, names, limits.digest) : (text(fields, names, limits.digest, 'refuse') ?? '');
  return {
    decision,
    gate: required(fields, ['gate'], limits.name),
    by: required(fields, ['by'], limits.name),
    planDigest: digest(aliases.planDigest),
    evidenceDigest: digest(aliases.evidenceDigest),
    reason,
    soakMs,
    signature: text(fields, ['signature'], limits.signature, 'refuse'),
    validUntil: momentOf(field(fields, ['validUntil'])),
  };
}

// ── Fields ───────────────────────────────────────────────────────────────────────────────────────────────────────────

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(raw: unknown): Fields {
  if (raw === null || raw === undefined) throw new Refusal(`the message is empty; ${example}`);
  if (typeof raw !== 'object') throw new Refusal(`a ${typeof raw} is no decision; ${example}`);
  if (Array.isArray(raw)) throw new Refusal(`a list is no decision; ${example}`);
  const fields = raw as Fields;
  if (Object.hasOwn(fields, '__undecodable')) {
    const why =
      typeof fields['__undecodable'] === 'string' ? fields['__undecodable'].slice(0, 200) : 'unknown encoding';
    throw new Refusal(`the message could not be decoded: ${why}`);
  }
  return fields;
}

const example =
  'send {"decision":"approve","gate":"go","by":"ana","plan":"sha256:…","evidence":"sha256:…"} with the digests that status shows';

/** Own properties only, so that no prototype key is ever taken for an answer. Two names that disagree are refused. */
function field(fields: Fields, names: readonly string[]): unknown {
  const given = names.filter(
    (name) => Object.hasOwn(fields, name) && fields[name] !== undefined && fields[name] !== null,
  );
  const [first, ...others] = given;
  if (first === undefined) return null;
  const clash = others.find((other) => fields[other] !== fields[first]);
  if (clash !== undefined) throw new Refusal(`"${first}" and "${clash}" disagree`);
  return fields[first];
}

function text(fields: Fields, names: readonly string[], max: number, tooLong: 'cut' | 'refuse'): string | null {
  const value = field(fields, names);
  const name = names.at(-1) ?? '';
  if (value === null) return null;
  if (typeof value !== 'string') throw new Refusal(`"${name}" must be a text`);
  if (value.length > max && tooLong === 'refuse') {
    throw new Refusal(`"${name}" is too long: ${value.length} characters, at most ${max}`);
  }
  const clean = cleaned(value.slice(0, max)).trim();
  if (tooLong === 'refuse' && clean !== value.trim()) throw new Refusal(`"${name}" contains control characters`);
  return clean === '' ? null : clean;
}

function required(fields: Fields, names: readonly string[], max: number): string {
  const value = text(fields, names, max, 'refuse');
  if (value === null) throw new Refusal(`"${names.at(-1) ?? ''}" is missing; ${example}`);
  return value;
}

function kindOf(word: string): DecisionKind {
  const wanted = word.toLowerCase().replace(/[\s_]+/g, '-');
  const kind = kinds.find((known) => known === wanted);
  if (kind === undefined) throw new Refusal(`unknown decision "${word}"; known are ${kinds.join(', ')}`);
  return kind;
}

// ── Times ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Milliseconds as a number, or `30m`, `1h30m`, `3d`. */
function soakOf(value: unknown): number | null {
  if (value === null) return null;
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? durationOf(value.trim()) : NaN;
  if (!Number.isInteger(ms) || ms <= 0 || ms > maxSoakMs) {
    throw new Refusal('"soak" must be a duration above 0 and at most 30d, e.g. "30m"');
  }
  return ms;
}

function durationOf(written: string): number {
  if (!/^(?:\d{1,6}d)?(?:\d{1,6}h)?(?:\d{1,6}m)?(?:\d{1,6}s)?$/.test(written)) return NaN;
  const parts = [...written.matchAll(/(\d+)([dhms])/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (sizes.get(unit ?? '') ?? NaN), 0);
}

const sizes: ReadonlyMap<string, number> = new Map(durationUnits);

/** Epoch milliseconds as a number, or an ISO 8601 time with its zone. */
function momentOf(value: unknown): number | null {
  if (value === null) return null;
  const zoned = typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]{5,16}(?:Z|[+-]\d\d:\d\d)$/.test(value);
  const at = typeof value === 'number' ? value : zoned ? Date.parse(value) : NaN;
  if (!Number.isFinite(at) || at < 0 || at > 8.64e15) {
    throw new Refusal('"validUntil" must be epoch milliseconds or a time like 2026-11-22T10:00:00Z');
  }
  return Math.floor(at);
}

// ── Text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Control and text-direction characters could rewrite a screen; lone surrogates have no digest. */
function cleaned(value: string): string {
  return value.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ');
}

function bytesOf(value: string): number {
  return utf8ToBytes(value).length;
}
