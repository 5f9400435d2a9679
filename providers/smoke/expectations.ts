/** Holds one answer against what a request expects, and takes captures out of it. */

import type { JsonValue, SmokeExpectation } from '../../plan/plan.ts';
import type { HttpResponse } from '../ports.ts';
import { find, isThere, mismatch } from './json-path.ts';
import { SmokeProblem } from './template.ts';

/** Captured values longer than this are refused: they go into later requests. */
const longestCapture = 4_096;

/** Throws `SmokeProblem` with the first expectation that does not hold. */
export function check(
  expect: SmokeExpectation,
  forbidden: readonly string[],
  response: HttpResponse,
  ms: number,
): void {
  const status = String(response.status);
  const hit = forbidden.find((pattern) => isStatus(status, pattern));
  if (hit !== undefined) throw new SmokeProblem(`status ${status} is forbidden (${hit})`);
  if (!isStatus(status, expect.status)) throw new SmokeProblem(`expected ${expect.status}, got ${status}`);
  checkHeaders(expect, response);
  if (expect.contains !== undefined && !response.body.includes(expect.contains)) {
    throw new SmokeProblem(`the answer does not contain ${JSON.stringify(expect.contains)}`);
  }
  if (expect.json !== null || expect.exists.length > 0) checkJson(expect, jsonOf(response));
  if (expect.withinMs !== null && ms > expect.withinMs) {
    throw new SmokeProblem(`took ${String(ms)} ms, at most ${String(expect.withinMs)} ms allowed`);
  }
}

/** `2xx` is a class, `204` a status. */
function isStatus(status: string, pattern: string): boolean {
  return /^\dxx$/.test(pattern) ? status.length === 3 && status.startsWith(pattern.slice(0, 1)) : status === pattern;
}

function checkHeaders(expect: SmokeExpectation, { headers }: HttpResponse): void {
  const mediaType = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (expect.contentType !== null && mediaType !== expect.contentType.toLowerCase()) {
    throw new SmokeProblem(`expected content type ${expect.contentType}, got ${shown(mediaType)}`);
  }
  for (const [name, value] of Object.entries(expect.headers)) {
    const actual = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (actual !== value) throw new SmokeProblem(`expected header ${name}: ${value}, got ${shown(actual ?? '')}`);
  }
}

function shown(text: string): string {
  return text === '' ? 'none' : text;
}

function checkJson(expect: SmokeExpectation, json: JsonValue): void {
  const found = expect.json === null ? null : mismatch(expect.json, json);
  if (found !== null) throw new SmokeProblem(found);
  for (const path of expect.exists) {
    if (!find(path, json).some(isThere)) throw new SmokeProblem(`${path} is missing or empty`);
  }
}

/** The first value under each path. Throws `SmokeProblem` when there is none, or one that is no plain value. */
export function captures(
  wanted: Readonly<Record<string, string>>,
  response: HttpResponse,
): Map<string, string | number | boolean> {
  const taken = new Map<string, string | number | boolean>();
  if (Object.keys(wanted).length === 0) return taken;
  const json = jsonOf(response);
  for (const [name, path] of Object.entries(wanted)) {
    const value = find(path, json).find(isThere);
    if (value === undefined || value === null) throw new SmokeProblem(`capture ${name}: not found`);
    if (typeof value === 'object') throw new SmokeProblem(`capture ${name}: not a plain value`);
    if (String(value).length > longestCapture) throw new SmokeProblem(`capture ${name}: too long`);
    taken.set(name, value);
  }
  return taken;
}

/** As much of what is wanted as an answer has that is wrong otherwise. */
export function salvaged(
  wanted: Readonly<Record<string, string>>,
  response: HttpResponse,
): ReadonlyMap<string, string | number | boolean> {
  const each = Object.entries(wanted).flatMap(([name, path]) => {
    try {
      return [...captures({ [name]: path }, response)];
    } catch (error) {
      if (error instanceof SmokeProblem) return [];
      throw error;
    }
  });
  return new Map(each);
}

function jsonOf(response: HttpResponse): JsonValue {
  try {
    return JSON.parse(response.body) as JsonValue;
  } catch (error) {
    throw new SmokeProblem('the answer is not JSON', { cause: error });
  }
}
