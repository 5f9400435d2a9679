/** A plan that came in a message: believed only when its form, its digest and everything in it that refers to something are right. */

import { digestOf } from './digest.ts';
import type { Criterion } from './criteria.ts';
import type { GatePlan, Plan } from './plan.ts';
import type { SmokeRun } from './smoke.ts';
import { planShape } from './plan-shape.ts';
import { switchOf } from './switch.ts';
import { formatBp } from './units.ts';
import { inexpressible, ladderFaults } from './weights.ts';

export type Sound = { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly reason: string };

/** Far more than any honest plan, and little enough for state and history. */
const mostCharacters = 64 * 1_024;
const mostNodes = 20_000;
const deepest = 40;

/** Never throws, whatever it is given; what cannot be edited is taken from the running plan. */
export function soundPlan(raw: unknown, digest: string, running: Plan): Sound {
  const unsound = (reason: string): Sound => ({ ok: false, reason: `this is no plan: ${reason.slice(0, 300)}` });
  const large = `it is larger than ${String(mostCharacters / 1_024)} KB or nested too deeply`;
  if (!isModest(raw)) return unsound(large);
  const text = JSON.stringify(raw) as string | undefined;
  if (text === undefined || text.length > mostCharacters) return unsound(large);
  const misshapen = planShape(raw, 'plan');
  if (misshapen !== null) return unsound(misshapen);
  const plan = JSON.parse(text) as Plan;
  const fault = digestFault(plan, digest) ?? ladderFault(plan, running) ?? nameFault(plan) ?? runFault(plan, running);
  return fault === null ? { ok: true, plan } : unsound(fault);
}

/** Looked at without recursion: what is nested deeply enough would end the process that walks it. */
function isModest(raw: unknown): boolean {
  let level: readonly unknown[] = [raw];
  let nodes = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    nodes += level.length;
    if (depth > deepest || nodes > mostNodes) return false;
    level = level.flatMap((value): unknown[] =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    );
  }
  return true;
}

function digestFault(plan: Plan, digest: string): string | null {
  try {
    return digestOf(plan) === digest ? null : 'it is not the one that its digest names';
  } catch {
    return 'it has no digest'; // a lone surrogate somewhere
  }
}

function ladderFault({ steps }: Plan, { capabilities }: Plan): string | null {
  const weights = steps.map(({ weightBp }) => weightBp);
  const fault = [...ladderFaults(weights), ...inexpressible(weights, capabilities.granularityBp)].at(0);
  if (fault !== undefined) return `${fault.message}, expected ${fault.expected}`;
  if (steps.length === 0) return 'it has no steps';
  const short = steps.find(({ bakeMinMs, bakeMaxMs }) => bakeMaxMs < bakeMinMs);
  return short === undefined ? null : `step ${formatBp(short.weightBp)} has a longest bake below its shortest`;
}

function nameFault(plan: Plan): string | null {
  const names = [plan.gates.map(({ id }) => id), plan.criteria.flatMap(idsOf)];
  const twice = names.flatMap((ids) => ids.filter((id, index) => ids.indexOf(id) !== index)).at(0);
  if (twice !== undefined) return `two things are called ${twice}`;
  return (
    plan.gates.flatMap((gate) => gateFaults(gate, plan)).at(0) ??
    refFault(plan.criteria) ??
    switchFault(plan) ??
    metricsFault(plan)
  );
}

function gateFaults({ id, point, require }: GatePlan, { steps, roles }: Plan): readonly string[] {
  const asked = require.flatMap((clause) => (clause.kind === 'at-least' ? [clause.role] : clause.roles));
  const strange = asked
    .filter((role) => !roles.includes(role))
    .map((role) => `gate ${id} asks ${role}, which is no role`);
  const isNowhere = point.kind === 'step' && point.index >= steps.length;
  return [...strange, ...(isNowhere ? [`gate ${id} stands before no step`] : [])];
}

function idsOf(criterion: Criterion): readonly string[] {
  if (criterion.kind !== 'all-of' && criterion.kind !== 'any-of') return [criterion.id];
  const inside = criterion.parts.flatMap((part) => (part.kind === 'criterion' ? idsOf(part.criterion) : []));
  return [...inside, criterion.id];
}

/** A composite refers to what stands further up. */
function refFault(criteria: readonly Criterion[]): string | null {
  const above = new Set<string>();
  for (const criterion of criteria) {
    const lost = refsOf(criterion).find((ref) => !above.has(ref));
    if (lost !== undefined) return `criterion ${criterion.id} refers to ${lost}, which is not above it`;
    above.add(criterion.id);
  }
  return null;
}

function refsOf(criterion: Criterion): readonly string[] {
  if (criterion.kind !== 'all-of' && criterion.kind !== 'any-of') return [];
  return criterion.parts.flatMap((part) => (part.kind === 'ref' ? [part.criterion] : refsOf(part.criterion)));
}

function switchFault({ criteria, switches = [] }: Plan): string | null {
  const flips = criteria.flatMap((criterion) => switchOf(criterion.do) ?? []);
  const lost = flips.find((name) => !switches.some(({ id }) => id === name));
  return lost === undefined ? null : `a criterion turns off ${lost}, which is no switch of it`;
}

function metricsFault({ metrics, criteria }: Plan): string | null {
  return metrics === null && criteria.length > 0 ? 'it has criteria and no metrics' : null;
}

/** Every smoke that is run is a suite of the plan, and the target has a way to what it is aimed at. */
function runFault({ steps, rollback, watch, suites }: Plan, { target, capabilities }: Plan): string | null {
  const scheduled = watch.smoke === null ? [] : [watch.smoke.run];
  const runs = [...steps.flatMap(({ smoke }) => smoke), ...rollback.confirm, ...scheduled];
  const missing = runs.find(({ suite }) => !Object.hasOwn(suites, suite));
  if (missing !== undefined) return `it has no smoke suite ${missing.suite}`;
  const hasPreview = capabilities.preview && target.preview !== null;
  const isOutOfReach = ({ aim }: SmokeRun) =>
    (aim === 'canary' && !hasPreview) || (aim === 'stable' && capabilities.stableAim === false);
  const lost = runs.find(isOutOfReach);
  return lost === undefined ? null : `smoke ${lost.suite} cannot reach the ${lost.aim} release at this target`;
}
