/** Reading one YAML file against a schema: the value, or every problem of the file in one report. */

import type * as z from 'zod';
import { Cursor } from './cursor.ts';
import { isTooDeep } from './depth.ts';
import { formatPath, hasErrors, type Path, type Problem } from './diagnostics.ts';
import { valueAt } from './schema-walk.ts';
import { findingsOf, type Finding } from './issues.ts';
import { Source, type Place } from './source.ts';

/** Nobody reads more; the rest shows when these are mended. */
const mostProblems = 500;

/** Larger files are refused unread. */
const maxFileBytes = 1024 * 1024;

export type ReadResult<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Problem[]; readonly locate: Locate }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Gives findings made later, for instance against a target's capabilities, their place in the file. */
export type Locate = (findings: readonly Finding[]) => readonly Problem[];

/** Checks across fields; they also run on a file that breaks the schema elsewhere. */
export type CrossCheck = (root: Cursor) => readonly Finding[];

/** Never throws for anything that stands in the file. `file` is only used to name it. */
export function readDocument<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  check: CrossCheck = () => [],
): ReadResult<T> {
  const opened = open(text, file);
  if (!opened.ok) return opened;
  const { source, data } = opened;
  const locate: Locate = (findings) =>
    tidy(findings.slice(0, mostProblems).map((finding) => problemOf(finding, file, source)));
  const result = schema.safeParse(data);
  const { structural, mended } = result.success ? { structural: [], mended: data } : examine(data, schema);
  const told = new Set(structural.map((finding) => formatPath(finding.path)));
  const crossed = check(new Cursor(mended)).filter((finding) => !told.has(formatPath(finding.path)));
  const problems = locate([...structural, ...crossed]);
  if (!result.success || hasErrors(problems)) return { ok: false, problems };
  return { ok: true, value: result.data, warnings: problems, locate };
}

/**
 * All that the schema has against the data. A misspelt `kind` hides everything beside it, so it is put right and the
 * data examined again; twice is enough for a kind within a kind.
 */
function examine(data: unknown, schema: z.ZodType): { structural: readonly Finding[]; mended: unknown } {
  const mended = structuredClone(data);
  const structural: Finding[] = [];
  for (let round = 0; round < 3; round += 1) {
    const result = schema.safeParse(mended);
    const findings = result.success ? [] : findingsOf(result.error.issues, schema, mended);
    structural.push(...findings);
    const meant = findings.filter((finding) => finding.meant !== undefined);
    if (meant.length === 0) break;
    for (const finding of meant) put(mended, finding.path, finding.meant);
  }
  return { structural, mended };
}

function put(data: unknown, path: Path, value: unknown): void {
  const owner = valueAt(data, path.slice(0, -1));
  const key = path.at(-1);
  if (typeof owner === 'object' && owner !== null && key !== undefined) Object.assign(owner, { [key]: value });
}

type Opened =
  | { readonly ok: true; readonly source: Source; readonly data: unknown }
  | { readonly ok: false; readonly problems: readonly Problem[] };

function open(text: string, file: string): Opened {
  const whole = (message: string, expected: string): Opened => ({
    ok: false,
    problems: [{ file, line: 1, column: 1, path: '', message, expected, severity: 'error' }],
  });
  if (Buffer.byteLength(text) > maxFileBytes) return whole('the file is too large', 'at most 1 MiB');
  if (isTooDeep(text)) return whole('the file is nested too deeply', 'a few levels');
  try {
    const source = new Source(text);
    if (source.complaints.length > 0) return { ok: false, problems: complaintsOf(source, file) };
    const data = source.toJson();
    if (data === null || data === undefined) return whole('the file is empty', 'a YAML mapping');
    if (hasLoneSurrogate(data)) return whole('a text holds half a character (\\uD800 to \\uDFFF)', 'whole characters');
    return { ok: true, source, data };
  } catch (error) {
    if (error instanceof ReferenceError) return whole(error.message, 'few aliases, each to an anchor above it');
    throw error;
  }
}

function complaintsOf(source: Source, file: string): readonly Problem[] {
  return tidy(
    source.complaints.map((complaint) =>
      problemAt(source.placeAt(complaint.offset), { path: [], message: complaint.message }, file, source),
    ),
  );
}

function problemOf(finding: Finding, file: string, source: Source): Problem {
  const { path, at = 'value' } = finding;
  const place =
    typeof at === 'number'
      ? source.placeInText(path, at)
      : at === 'key'
        ? source.placeOfKey(path)
        : source.placeOf(path);
  return problemAt(place, finding, file, source);
}

function problemAt(place: Place, finding: Finding, file: string, source: Source): Problem {
  const { path, message, expected, hint, severity = 'error' } = finding;
  const excerpt = source.excerptOf(place);
  return {
    file,
    ...place,
    path: formatPath(path),
    message,
    ...(expected === undefined ? {} : { expected }),
    ...(hint === undefined ? {} : { hint }),
    severity,
    ...(excerpt === undefined ? {} : { excerpt }),
  };
}

/** Such texts have no digest and cannot be sent to anybody. */
function hasLoneSurrogate(data: unknown): boolean {
  if (typeof data === 'string') return /\p{Surrogate}/u.test(data);
  if (typeof data !== 'object' || data === null) return false;
  return Object.entries(data).some(([key, value]) => hasLoneSurrogate(key) || hasLoneSurrogate(value));
}

/** In the order of the file, each said once. */
function tidy(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .filter((problem) => {
      const key = `${String(problem.line)}:${String(problem.column)}:${problem.message}`;
      return !seen.has(key) && seen.add(key);
    });
}
