/** From a file and a release to a plan: read, checked, and compiled against what the target can really do. */

import type * as Client from '../client/index.ts';
import type { TargetCapabilities } from '../plan/target.ts';
import { compile } from '../plan/compile.ts';
import type { PlanProblem } from '../plan/problem.ts';
import { planDigest } from '../plan/digest.ts';
import type { Plan } from '../plan/plan.ts';
import type { Release } from '../plan/release.ts';
import { hasErrors, renderProblems, summarizeProblems, type Problem } from '../spec/diagnostics.ts';
import { parseSpec, type Spec } from '../spec/rollout.ts';
import type { ReadResult } from '../spec/yaml.ts';
import { CliError } from './errors.ts';
import { readText } from './files.ts';

/** A spec without problems and how to find places in its file. */
export interface LoadedSpec {
  readonly file: string;
  readonly spec: Spec;
  readonly warnings: readonly Problem[];
  readonly locate: Extract<ReadResult<Spec>, { ok: true }>['locate'];
}

export interface Planned {
  readonly plan: Plan;
  readonly planDigest: string;
  /** What serves now; `null` when nobody knows or nobody was asked. */
  readonly stable: Release | null;
}

/** What a target is taken to be able to do when no worker is asked. */
const assumedCapabilities: TargetCapabilities = {
  granularityBp: 1,
  fenced: true,
  preview: true,
  affinity: false,
  scales: false,
  instantRevert: true,
  switches: ['kubernetes-env', 'kubernetes-config'],
};

/** Throws `CliError` usage with every problem of the file. */
export async function loadSpec(file: string): Promise<LoadedSpec> {
  const result = parseSpec(await readText(file), file);
  if (!result.ok) throw problemsError(file, result.problems);
  const { value: spec, warnings, locate } = result;
  return { file, spec, warnings, locate };
}

/** One report of a file's problems. */
export function problemsError(file: string, problems: readonly Problem[]): CliError {
  const details = [renderProblems(problems)];
  return new CliError('usage', summarizeProblems(file, problems), { details, data: { file, problems } });
}

/** Without a worker: the target is taken at its best, so what is wrong here is wrong everywhere. Throws `CliError` usage. */
export function planOffline(loaded: LoadedSpec, release: Release, can = assumedCapabilities): Planned {
  const plan = compiled(loaded, release, can);
  return { plan, planDigest: planDigest(plan), stable: null };
}

/** For a rollout that runs: its release, and the target as it was when it started. Throws `CliError` usage. */
export function planAgain(loaded: LoadedSpec, { release, capabilities }: Plan): Omit<Planned, 'stable'> {
  const plan = compiled(loaded, release, capabilities);
  return { plan, planDigest: planDigest(plan) };
}

/** Asks the worker what the target can do. Throws `CliError` usage, refused; `ClientError` no-worker and others. */
export async function planOnline(
  session: Client.Session,
  client: typeof Client,
  loaded: LoadedSpec,
  offline: Planned,
): Promise<Planned> {
  const { target, release } = offline.plan;
  const answer = await client.inspect<'capabilities'>(session, { kind: 'capabilities', target });
  if (answer.kind === 'problem') throw inspectProblem(answer);
  const plan = compiled(loaded, release, answer.capabilities);
  return { plan, planDigest: planDigest(plan), stable: answer.stable };
}

/** Something that the operator or the target must mend before a rollout can be planned. */
export function inspectProblem({ code, message }: { readonly code: string; readonly message: string }): CliError {
  return new CliError('refused', message, { data: { problem: code } });
}

function compiled({ file, spec, locate }: LoadedSpec, release: Release, capabilities: TargetCapabilities): Plan {
  const result = compile(spec, release, capabilities);
  if (result.ok) return result.plan;
  const given = result.problems.filter((problem) => problem.path.length === 0);
  const located = locate(result.problems.filter((problem) => problem.path.length > 0));
  const summary = hasErrors(located) ? summarizeProblems(file, located) : 'the release cannot be planned';
  const details = [...given.map(givenText), ...(located.length === 0 ? [] : [renderProblems(located)])];
  throw new CliError('usage', summary, { details, data: { file, problems: [...given, ...located] } });
}

/** What stands in no file has no line. */
function givenText({ message, expected }: PlanProblem): string {
  return `  ${message}${expected === undefined ? '' : `; expected ${expected}`}`;
}
