/** What is wrong with a file: problems as plain data, and how they are shown to the person who wrote it. */

/** Plain JSON, so that `--json` prints it as it is. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Where in the document: `steps[1].weight`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
  /** What would have been right: `a duration such as 30s, 10m or 1h30m`. */
  readonly expected?: string;
  /** A way out: `did you mean "weight"?` */
  readonly hint?: string;
  readonly severity: 'error' | 'warning';
  /** The offending line, shortened and with secrets masked; absent when there is no such line. */
  readonly excerpt?: Excerpt;
}

export interface Excerpt {
  readonly text: string;
  /** Column of the caret in `text`, from 1. */
  readonly caret: number;
}

/** Path of a document node, as zod and YAML use it. */
export type Path = readonly (string | number)[];

/** `steps[1].weight`; keys that are no plain words are quoted: `smoke.suites["a b"]`. */
export function formatPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${String(part)}]`;
      if (!/^[\w-]+$/.test(part)) return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}

/** All problems as text, each with `file:line:column`, the line, a caret, and what was expected. Ends without a newline. */
export function renderProblems(problems: readonly Problem[]): string {
  return problems.map(renderProblem).join('\n\n');
}

/** `rollout.yaml: 3 problems, 1 warning` */
export function summarizeProblems(file: string, problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const parts = [counted(errors, 'problem')];
  if (errors < problems.length) parts.push(counted(problems.length - errors, 'warning'));
  return `${file}: ${parts.join(', ')}`;
}

/** Errors stop a file from being used; warnings do not. */
export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === 'error');
}

function renderProblem(problem: Problem): string {
  const { file, line, column, path, severity, excerpt } = problem;
  const where = path === '' ? '' : ` (${path})`;
  const lines = [`${file}:${String(line)}:${String(column)}: ${severity}: ${problem.message}${where}`];
  if (excerpt !== undefined) {
    const gutter = String(line).padStart(5);
    lines.push(`${gutter} | ${excerpt.text}`, `${' '.repeat(gutter.length)} | ${' '.repeat(excerpt.caret - 1)}^`);
  }
  if (problem.expected !== undefined) lines.push(`        expected ${problem.expected}`);
  if (problem.hint !== undefined) lines.push(`        ${problem.hint}`);
  return lines.join('\n');
}

function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}
