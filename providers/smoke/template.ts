/** Fills `{{variable}}` and `{{secret:NAME}}` into smoke requests, and finds what a request refers to. */

import type { JsonValue, SmokeBody, SmokeExpectation, SmokeRequest, SmokeSuite } from '../../plan/plan.ts';

/** What a request cannot be made or judged for; its message is a sentence for the report. */
export class SmokeProblem extends Error {
  override readonly name = 'SmokeProblem';
}

/** What placeholders stand for at one moment of a run. */
export interface Values {
  readonly variables: ReadonlyMap<string, string | number | boolean>;
  readonly secrets: ReadonlyMap<string, string>;
}

const placeholder = /\{\{\s*(?:secret:(?<secret>[\w.-]+)|(?<variable>[\w-]+))\s*\}\}/g;
const lonePlaceholder = new RegExp(`^${placeholder.source}$`);

/** Fills in every placeholder; `encode` makes a value fit its place. Throws `SmokeProblem` for one without a value. */
export function fill(text: string, values: Values, encode: (value: string) => string = String): string {
  return text.replaceAll(placeholder, (_, ...found) => {
    const { secret, variable } = found.at(-1) as { secret?: string; variable?: string };
    return encode(String(valueOf(secret, variable, values)));
  });
}

function valueOf(secret: string | undefined, variable: string | undefined, values: Values): string | number | boolean {
  const value = secret === undefined ? values.variables.get(variable ?? '') : values.secrets.get(secret);
  if (value !== undefined) return value;
  throw new SmokeProblem(
    secret === undefined ? `variable ${variable ?? ''} was not captured` : `secret ${secret} has no value`,
  );
}

/** What is expected may name variables too: an id that was given out must come back. Secrets stay out of it. */
export function fillExpectation(expect: SmokeExpectation, variables: Values['variables']): SmokeExpectation {
  const values: Values = { variables, secrets: new Map() };
  const headers = Object.entries(expect.headers).map(([name, text]) => [name, fill(text, values)] as const);
  const json = expect.json === null ? null : fillJson(expect.json, values);
  const contains = expect.contains === undefined ? {} : { contains: fill(expect.contains, values) };
  return { ...expect, json, headers: Object.fromEntries(headers), ...contains };
}

/** Only the strings are filled in, so that no value can change the form. */
export function fillJson(value: JsonValue, values: Values): JsonValue {
  if (typeof value === 'string') return fillString(value, values);
  if (Array.isArray(value)) return value.map((item: JsonValue) => fillJson(item, values));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillJson(item, values)]));
}

/** A string that is nothing but one placeholder takes the captured value with its type. */
function fillString(text: string, values: Values): JsonValue {
  const alone = lonePlaceholder.exec(text)?.groups;
  return alone === undefined ? fill(text, values) : valueOf(alone['secret'], alone['variable'], values);
}

// ── What is referred to ──────────────────────────────────────────────────────────────────────────────────────────────

/** Names of the secrets that a request refers to, each once. */
export function secretsOfRequest(request: SmokeRequest): readonly string[] {
  const named = slotsOf(request, 'secret');
  return [...new Set(request.signature === undefined ? named : [...named, request.signature.secret])];
}

/** Names of the variables without which a request cannot be made. */
export function variablesOfRequest(request: SmokeRequest): readonly string[] {
  return [...new Set(slotsOf(request, 'variable'))];
}

export function secretsOfSuite(suite: SmokeSuite): readonly string[] {
  return [...new Set(allOf(suite).flatMap(secretsOfRequest))];
}

/** Files that a suite uploads, each once. */
export function filesOfSuite(suite: SmokeSuite): readonly string[] {
  const parts = allOf(suite).flatMap(({ body }) => (body?.kind === 'multipart' ? body.parts : []));
  return [...new Set(parts.flatMap((part) => (part.kind === 'file' ? part.file : [])))];
}

function allOf({ requests, cleanup = [] }: SmokeSuite): readonly SmokeRequest[] {
  return [...requests, ...cleanup];
}

function slotsOf(request: SmokeRequest, kind: 'secret' | 'variable'): readonly string[] {
  const { path, headers, body, signature } = request;
  const signed = signature === undefined ? [] : [signature.over, signature.format];
  const texts = [path, ...Object.values(headers), textOf(body), ...signed];
  const names = texts.flatMap((text) => [...text.matchAll(placeholder)].map((match) => match.groups?.[kind]));
  return names.filter((name) => name !== undefined);
}

function textOf(body: SmokeBody | null): string {
  switch (body?.kind) {
    case undefined:
      return '';
    case 'multipart':
      return JSON.stringify(body.parts.flatMap((part) => (part.kind === 'field' ? part.value : [])));
    case 'json':
    case 'text':
      return JSON.stringify(body.value);
  }
}
