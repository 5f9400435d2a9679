/** Reads an answer of the API as the operator said: places with their releases and shares. Trusts nothing in it. */

import type { JsonValue } from '../../../plan/plan.ts';
import type { HttpResponse } from '../../ports.ts';
import { ProviderError } from '../../errors.ts';
import { matches } from '../../json-path.ts';
import { type ClaimReading, readClaim } from './claim.ts';
import type { Find, PlaceFinder, Test, WeightUnit } from './connection.ts';

/** One place; its release is known as far as the API names it. */
export interface Place {
  /** `null`: the API names none. */
  readonly digest: string | null;
  readonly label: string | null;
  readonly image: string | null;
  readonly bp: number;
  /** `null`: the connection does not say how to tell. */
  readonly ready: boolean | null;
}

export interface Found {
  readonly places: readonly Place[];
  readonly claim: ClaimReading;
  readonly version: string | null;
}

/** Throws `unreachable` for an answer that cannot be read: it may be that of something in between. */
export function found(find: Find, answer: HttpResponse): Found {
  const json = parse(answer.body);
  const places = find.places.flatMap((finder) => placesOf(finder, find.unit, json));
  return {
    places: whole(places),
    claim: find.claim === null ? { kind: 'none' } : readClaim(matches(find.claim, json)[0]),
    version: versionOf(find.version, answer, json),
  };
}

/** Whether an answer passes; one that is no JSON does not. */
export function passes({ path, is }: Test, answer: HttpResponse): boolean {
  return matches(path, parse(answer.body))[0] === is;
}

type Unweighed = Omit<Place, 'bp'> & { readonly bp: number | 'rest' };

function placesOf(finder: PlaceFinder, unit: WeightUnit, json: JsonValue): readonly Unweighed[] {
  return matches(finder.each, json).map((place) => {
    const text = (path: string | null): string | null => (path === null ? null : textAt(path, place));
    return {
      digest: text(finder.digest),
      label: text(finder.label),
      image: text(finder.image),
      bp: finder.weight === 'rest' ? 'rest' : weightAt(finder.weight, unit, place),
      ready: finder.ready === null ? null : matches(finder.ready.path, place)[0] === finder.ready.is,
    };
  });
}

function textAt(path: string, json: JsonValue): string | null {
  const [value] = matches(path, json);
  return typeof value === 'string' && value !== '' && value.length <= 500 ? value : null;
}

const basisPoints: Readonly<Record<WeightUnit, number>> = { percent: 100, 'basis-points': 1, fraction: 10_000 };

function weightAt(path: string, unit: WeightUnit, json: JsonValue): number {
  const [value] = matches(path, json);
  const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw unreadable(`it has no weight at ${path}`);
  const bp = number * basisPoints[unit];
  if (bp >= 0 && bp <= 10_000) return bp;
  throw unreadable(`the weight at ${path} is ${number}, which is no share in ${unit}`);
}

/** Basis points that are 10,000 together, or none at all; what rounding leaves goes to the largest. */
function whole(places: readonly Unweighed[]): readonly Place[] {
  const sum = places.reduce((total, { bp }) => total + (bp === 'rest' ? 0 : bp), 0);
  const rest = 10_000 - sum;
  const weighed = places.map((place) => ({ ...place, bp: Math.round(place.bp === 'rest' ? rest : place.bp) }));
  const total = weighed.reduce((all, { bp }) => all + bp, 0);
  if (weighed.every(({ bp }) => bp === 0)) return weighed;
  const missing = 10_000 - total;
  if (Math.abs(missing) > places.length || weighed.some(({ bp }) => bp < 0)) {
    throw unreadable(`its weights add up to ${(total / 100).toString()} %`);
  }
  const largest = weighed.reduce((best, { bp }, index) => (bp > (weighed[best]?.bp ?? 0) ? index : best), 0);
  return weighed.map((place, index) => (index === largest ? { ...place, bp: place.bp + missing } : place));
}

function versionOf(version: Find['version'], { headers }: HttpResponse, json: JsonValue): string | null {
  if (version === null) return null;
  const value: JsonValue | undefined =
    'header' in version ? headers[version.header.toLowerCase()] : matches(version.path, json)[0];
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string' && value !== '') return value;
  throw unreadable('it has no version');
}

function parse(body: string): JsonValue {
  try {
    return JSON.parse(body) as JsonValue;
  } catch {
    throw unreadable('it is no JSON');
  }
}

function unreadable(detail: string): ProviderError {
  return new ProviderError({ code: 'unreachable', doing: 'read the answer of the API', detail });
}
