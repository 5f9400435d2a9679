/** What we may do in the namespace, asked of the API server itself; what is missing is told as the rule that would allow it. */

import type { PreflightFinding } from '../../ports.ts';
import type { Call, Right } from './api.ts';
import { autoscalerOf, unlessDenied } from './autoscaler.ts';
import { canaryAutoscaler } from './canary-autoscaler.ts';
import { problem, warning } from './findings.ts';
import { refOf, resources } from './refs.ts';
import type { Site } from './site.ts';

interface Need extends Right {
  /** What happens without it; `null`: no rollout. */
  readonly without: string | null;
}

/** All at once. */
export async function rightsFindings(site: Site, call: Call): Promise<readonly PreflightFinding[]> {
  const { namespace } = site.plan;
  const needs = [...needsOf(site), ...(await scalingNeeds(site, call))];
  const answers = await Promise.all(
    needs.map(async (need) => ({ need, may: await site.api.may(namespace, need, call) })),
  );
  return answers.flatMap(({ need, may }) => (may ? [] : [findingFor(namespace, need)]));
}

/** Where stable has an autoscaler, its floor is held, and the canary gets one too. */
async function scalingNeeds(site: Site, call: Call): Promise<readonly Need[]> {
  const ofStable = await unlessDenied(() => autoscalerOf(site, call));
  if (ofStable === null) return [];
  const resource = resources.autoscalers;
  const { name: own } = canaryAutoscaler(site);
  const grows = `Without it ${site.deployments.canary.name} keeps the size that its share needs, whatever its load is.`;
  return [
    ...['get', 'patch'].map((verb) => ({
      verb,
      resource,
      name: refOf(resource, ofStable).name,
      without: shrinks(site),
    })),
    ...['get', 'create', 'patch', 'delete'].map((verb) => ({ verb, resource, name: own, without: grows })),
  ];
}

function shrinks({ plan }: Site): string {
  return `Without it ${plan.deployment} may shrink while the release has its traffic.`;
}

function findingFor(namespace: string, need: Need): PreflightFinding {
  const text = `We may not ${need.verb} ${need.resource.plural}${need.name === undefined ? '' : ` ${need.name}`} in namespace ${namespace}; its Role needs ${ruleFor(need)}`;
  return need.without === null ? problem('rights', `${text}.`) : warning('rights', `${text}. ${need.without}`);
}

/** Of several objects at once with their names. */
export function ruleFor(
  { resource, verb, name, subresource }: Right,
  names = name === undefined ? [] : [name],
): string {
  const plural = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  const named = names.length === 0 ? '' : `, resourceNames: [${names.join(', ')}]`;
  return `- { apiGroups: ["${resource.group}"], resources: [${plural}]${named}, verbs: [${verb}] }`;
}

function needsOf(site: Site): readonly Need[] {
  const { plan, router, deployments, services } = site;
  const must = (verb: string, resource: Right['resource'], name?: string): Need => ({
    verb,
    resource,
    ...(name !== undefined && { name }),
    without: null,
  });
  const may = (need: Need, without: string): Need => ({ ...need, without });
  const { pods, slices, autoscalers, budgets } = resources;
  const ours = [deployments.canary, services.canary];
  return [
    must('get', deployments.stable, deployments.stable.name),
    must('get', deployments.canary, deployments.canary.name),
    must('get', services.stable, services.stable.name),
    must('get', services.canary, services.canary.name),
    must('get', router.ref, router.ref.name),
    must('list', slices),
    may(must('list', pods), 'Without it nobody is told why pods do not start.'),
    may(must('list', services.stable), 'Without it nobody sees which other Services would lead to the canary.'),
    must('patch', router.ref, router.ref.name),
    ...(router.origin === null
      ? []
      : [
          must('create', router.ref, router.ref.name),
          must('get', router.origin, router.origin.name),
          may(must('delete', router.ref, router.ref.name), 'Without it what is left of a rollout stays there, empty.'),
        ]),
    ...ours.flatMap((ref) => [must('create', ref, ref.name), must('patch', ref, ref.name)]),
    ...ours.map((ref) =>
      may(must('delete', ref, ref.name), 'Without it what is left of a rollout stays there, empty.'),
    ),
    ...(plan.promotion === 'direct' ? [must('patch', deployments.stable, deployments.stable.name)] : []),
    may(must('list', autoscalers), shrinks(site)),
    may(must('list', budgets), 'Without it nobody sees which disruption budget counts the canary.'),
  ];
}
