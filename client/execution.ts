/** How a rollout is started on Temporal, by `start` and by the guardian: the lock, its time-outs and what people see of it there. */

import type { RolloutState } from '../plan/phases.ts';
import type { Plan } from '../plan/plan.ts';
import { nameOf } from '../plan/release.ts';
import { formatBp, formatDuration } from '../plan/units.ts';
import { initialAttributes } from './attributes.ts';

export interface Planned {
  readonly plan: Plan;
  readonly planDigest: string;
  readonly requester: string;
}

/** A killed worker blocks a workflow for this long at most, ms; shorter brings false time-outs under load. */
const workflowTaskMs = 5_000;

/** Options of a start; the id is the lock. `state`: what visibility says until the workflow does. */
export function executionOf({ plan, planDigest, requester }: Planned, state: RolloutState) {
  return {
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowTaskTimeout: workflowTaskMs,
    staticSummary: summaryOf(plan, state),
    staticDetails: detailsOf(plan, planDigest, requester),
    typedSearchAttributes: initialAttributes(plan, state),
    memo: { planDigest, release: plan.release, requester },
  } as const;
}

/** One line in Temporal's lists. */
function summaryOf(plan: Plan, state: RolloutState): string {
  const ladder = plan.steps.map((step) => formatBp(step.weightBp)).join(' > ');
  return `${plan.service} ${plan.release.label} in ${plan.environment}: ${state === 'rolling-back' ? 'back' : ladder}`;
}

/** Markdown for Temporal's page of this rollout. */
function detailsOf(plan: Plan, planDigest: string, requester: string): string {
  const steps = plan.steps.map((step, index) => {
    const bake = `${formatDuration(step.bakeMinMs)}..${formatDuration(step.bakeMaxMs)}`;
    return `${index + 1}. ${formatBp(step.weightBp)}, bake ${bake}`;
  });
  return [
    `**${markdownText(plan.title)}**: release ${markdownText(nameOf(plan.release))}, requested by ${markdownText(requester)}`,
    '',
    ...steps,
    '',
    `- plan \`${planDigest}\``,
    `- gates: ${plan.gates.map((gate) => markdownText(gate.id)).join(', ') || 'none'}`,
    `- criteria: ${plan.criteria.map((criterion) => markdownText(criterion.id)).join(', ') || 'none'}`,
    ...Object.entries(plan.links).map(([name, url]) => `- ${markdownText(name)}: <${url.replace(/[<>\s]/g, '')}>`),
  ].join('\n');
}

/** Text from a spec must not become markup on somebody's screen. */
function markdownText(text: string): string {
  return text.replace(/[\\`*_[\]<>#|!]/g, '\\$&').replace(/\s+/g, ' ');
}
