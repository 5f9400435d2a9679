/** The plan as a person reads it before saying yes: ladder, gates, criteria with their queries, ways back, digest. */

import type { PreflightReport } from '../../activities/contract.ts';
import type { Clause, GatePlan, Plan, StepPlan } from '../../plan/plan.ts';
import type { SmokeRun } from '../../plan/smoke.ts';
import { nameOf, type Release } from '../../plan/release.ts';
import { placeInWords } from '../../plan/switch.ts';
import { formatBp, formatDuration } from '../../plan/units.ts';
import { clean } from './clean.ts';
import { columns } from './columns.ts';
import { criterionLines } from './criteria.ts';
import type { Paint } from './paint.ts';

export interface PlanPicture {
  readonly plan: Plan;
  readonly planDigest: string;
  /** What serves now; `null` when it was not asked. */
  readonly stable: Release | null;
  /** `null` with `--offline`. */
  readonly preflight: PreflightReport | null;
}

/** Lines joined by line ends, none at the end. */
export function renderPlan(foreign: PlanPicture, paint: Paint): string {
  const { plan, planDigest, stable, preflight } = clean(foreign);
  const heading = (text: string) => ['', paint.bold(text)];
  return [
    `${paint.bold(`${plan.service} in ${plan.environment}`)}  ${plan.title}`,
    ...indented([
      ['release', `${nameOf(plan.release)} from ${plan.release.image}`],
      ['stable', stable === null ? 'not asked' : nameOf(stable)],
      ['target', targetOf(plan)],
      ['digest', planDigest],
    ]),
    ...heading('Ladder'),
    ...indented(ladderOf(plan)),
    ...heading('Criteria'),
    ...(plan.criteria.length === 0
      ? ['  none: nothing is judged']
      : plan.criteria.flatMap((one) => criterionLines(one, plan, paint))),
    ...switchesOf(plan).flatMap((row, index) => (index === 0 ? [...heading('Kill switches'), row] : [row])),
    ...heading('Going back'),
    ...indented(wayBack(plan)),
    ...heading('Preflight'),
    ...preflightLines(preflight, paint),
  ].join('\n');
}

function indented(rows: readonly (readonly string[])[]): readonly string[] {
  return columns(rows).map((row) => `  ${row}`);
}

function switchesOf({ switches = [] }: Plan): readonly string[] {
  return indented(
    switches.map(({ id, place, off, verify, rejudgeAfterMs, stillBad }) => {
      const tried = verify === null ? '' : `, then smoke ${verify.suite} at ${verify.aim}`;
      const after = `a criterion that still fails ${formatDuration(rejudgeAfterMs)} later: ${stillBad}`;
      return [id, `${placeInWords(place)} becomes ${JSON.stringify(off)}${tried}; ${after}`];
    }),
  );
}

function targetOf({ target, capabilities }: Plan): string {
  const can = [
    `weights in steps of ${formatBp(capabilities.granularityBp)}`,
    capabilities.fenced ? 'fenced' : unfenced(capabilities),
    ...(capabilities.unclaimed === true ? ['stores no claim: nobody sees that a rollout holds it'] : []),
    ...(capabilities.preview ? ['preview'] : []),
    ...(capabilities.affinity ? ['affinity'] : []),
  ];
  return `${target.kind}, connection ${target.connection}, route ${target.route}; ${can.join(', ')}`;
}

function unfenced({ settlesMs = 0 }: Plan['capabilities']): string {
  return `not fenced: going back waits ${formatDuration(settlesMs)} for late calls, then asserts zero again`;
}

function ladderOf(plan: Plan): readonly (readonly string[])[] {
  const gates = (wanted: (gate: GatePlan) => boolean) => plan.gates.filter(wanted).map(gateRow);
  return [
    ...gates((gate) => gate.point.kind === 'start'),
    ['deploy', 'start the release where it gets no user traffic'],
    ...plan.steps.flatMap((step, index) => [
      ...gates(({ point }) => point.kind === 'step' && point.index === index),
      [formatBp(step.weightBp), stepText(step)],
    ]),
    ...gates((gate) => gate.point.kind === 'promote'),
    ['promote', 'make the release stable'],
    ['watch', watchText(plan)],
  ];
}

function gateRow(gate: GatePlan): readonly string[] {
  const who = gate.require.length === 0 ? 'nobody' : gate.require.map(clauseText).join('; ');
  return [`gate ${gate.id}`, `${who}. Expires after ${formatDuration(gate.expiresMs)}, then ${gate.onExpiry}`];
}

/** `1 of security and 1 of sre`: in the words in which a gate says later who is missing. */
export function clauseText(clause: Clause): string {
  switch (clause.kind) {
    case 'all-of':
      return clause.roles.map((role) => `1 of ${role}`).join(' and ');
    case 'any-of':
      return `1 of ${clause.roles.join(' or ')}`;
    case 'one-per':
      return `${clause.roles.map((role) => `1 of ${role}`).join(' and ')}, different people`;
    case 'at-least':
      return `${String(clause.count)} of ${clause.role}`;
  }
}

function stepText({ bakeMinMs, bakeMaxMs, smoke, hold }: StepPlan): string {
  const bake = `bake ${formatDuration(bakeMinMs)}${bakeMaxMs === bakeMinMs ? '' : `..${formatDuration(bakeMaxMs)}`}`;
  const suites = smoke.length === 0 ? '' : `, smoke ${smoke.map(runText).join(', ')}`;
  return `${bake}${suites}; a hold waits ${formatDuration(hold.forMs)}, then ${hold.then === 'hold' ? 'goes on holding' : 'rollback'}`;
}

function runText({ suite, aim }: SmokeRun): string {
  return `${suite} at ${aim}`;
}

function watchText({ watch }: Plan): string {
  const { smoke } = watch;
  if (smoke === null) return formatDuration(watch.forMs);
  const every = `${runText(smoke.run)} every ${formatDuration(smoke.everyMs)} for ${formatDuration(smoke.forMs)}`;
  return `${formatDuration(watch.forMs)}; ${every}, ${String(smoke.failuresToRollback)} failures in a row go back`;
}

function wayBack({ rollback, separation, roles }: Plan): readonly (readonly string[])[] {
  const confirm = rollback.confirm.map(runText).join(', ') || 'nothing';
  return [
    ['within', `${formatDuration(rollback.withinMs)}, or somebody is paged`],
    ['then', `${confirm}; the bad release is ${keptText(rollback.keepCanaryMs)}`],
    ['roles', roles.join(', ') || 'none'],
    ['requester', separation.requesterMayApprove ? 'may approve' : 'may not approve'],
  ];
}

function preflightLines(preflight: PreflightReport | null, paint: Paint): readonly string[] {
  if (preflight === null)
    return ['  not asked: capabilities are assumed, nothing was checked at the target (--offline)'];
  const { problems, warnings } = preflight;
  return [
    ...(problems.length === 0 ? [`  ${paint.green('✓')} nothing stands in the way`] : []),
    ...problems.map((note) => `  ${paint.red('✗')} ${note.message} (${note.code})`),
    ...warnings.map((note) => `  ${paint.yellow('!')} ${note.message} (${note.code})`),
  ];
}

function keptText(ms: number): string {
  return ms === 0 ? 'removed' : `kept for ${formatDuration(ms)}`;
}
