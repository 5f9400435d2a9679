/** How words on the command line become values; a wrong one is the user's mistake, said in one line. */

import { InvalidArgumentError } from '@commander-js/extra-typings';
import { rolloutId, rolloutName } from '../client/ids.ts';
import { durationUnits } from '../plan/units.ts';

const namePart = /^[\w.-]+$/;

/** `production/web` or the whole id `rollout/production/web`. */
export function rolloutArgument(text: string): string {
  const [environment, service, ...more] = rolloutName(text).split('/');
  const whole = environment !== undefined && service !== undefined && more.length === 0;
  if (!whole || !namePart.test(environment) || !namePart.test(service)) {
    throw new InvalidArgumentError('give it as ENVIRONMENT/SERVICE, e.g. production/web.');
  }
  return rolloutId(environment, service);
}

/** A run's id, or as much of it as tells it from others. */
export function runArgument(text: string): string {
  if (!/^[0-9a-z-]{4,64}$/.test(text)) throw new InvalidArgumentError('give at least 4 characters of a run id.');
  return text;
}

/** `5%`, `0.5%`, `0%` as basis points. */
export function percentArgument(text: string): number {
  const [, percent] = /^(\d{1,3}(?:\.\d{1,2})?)%$/.exec(text) ?? [];
  const bp = Math.round(Number(percent) * 100);
  if (percent === undefined || bp > 10_000) throw new InvalidArgumentError('give a percentage, e.g. 5%.');
  return bp;
}

/** `90s`, `30m`, `1h30m` as milliseconds, at least one. */
export function durationArgument(text: string): number {
  const units = durationUnits.map(([unit]) => `(?:(\\d{1,9})${unit})?`).join('');
  const parts = new RegExp(`^${units}$`).exec(text)?.slice(1) ?? [];
  const ms = durationUnits.reduce((sum, [, size], index) => sum + Number(parts[index] ?? 0) * size, 0);
  if (ms === 0) throw new InvalidArgumentError('give a duration, e.g. 90s, 30m or 1h30m.');
  return ms;
}

/** A name or a reason: not blank, and short enough for every screen. */
export function textArgument(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > 300) throw new InvalidArgumentError('give 1 to 300 characters.');
  return trimmed;
}

export function countArgument(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('give a whole number from 1.');
  return Number(text);
}

/** `registry.example/web@sha256:…`: an image is named by its content, never by a tag alone. */
export function imageArgument(text: string): { readonly image: string; readonly digest: string } {
  const [, image, digest] = /^([^\s@]+)@(sha256:[0-9a-f]{64})$/.exec(text) ?? [];
  if (image === undefined || digest === undefined) {
    throw new InvalidArgumentError('give it with its digest, e.g. registry.example/web@sha256:<64 hex digits>.');
  }
  return { image: image.replace(/:[\w.-]+$/, ''), digest };
}

/** A release's digest, or as much of its beginning as screens show. */
export function digestArgument(text: string): string {
  if (/^sha256:[0-9a-f]{12,64}$/.test(text)) return text;
  throw new InvalidArgumentError('give a digest, e.g. sha256:755636a0f677, with at least 12 hex digits.');
}
