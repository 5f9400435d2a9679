/** Digests of JSON: SHA-256 over RFC 8785 canonical form, so that everybody computes the same one, the Temporal sandbox too. */

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import type { Plan } from './plan.ts';

/** `sha256:` and 64 hex digits. Throws on what is not JSON: NaN, ±Infinity, cycles, lone surrogates, `undefined`. */
export function digestOf(json: unknown): string {
  const text = canonicalize(json);
  if (text === undefined) throw new TypeError('only JSON values have a digest');
  return `sha256:${bytesToHex(sha256(utf8ToBytes(text)))}`;
}

/** What approvers see and sign, and what the worker recomputes before it touches anything. */
export function planDigest(plan: Plan): string {
  return digestOf(plan);
}
