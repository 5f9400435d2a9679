/** What stable's Deployment, its Service and everything that selects pods mean for a canary beside it. */

import type { Release } from '../../../plan/release.ts';
import type { PreflightFinding } from '../../ports.ts';
import { problem, warning } from './findings.ts';
import { partsOf } from './image.ts';
import { at, type JsonObject, objectsAt, textAt, textsAt } from './json.ts';
import { apart, apartBy, type Labels, selectorOf, selects } from './labels.ts';
import { clonesFor } from './clone.ts';
import { claimKey } from './claim.ts';
import { nameOfRef } from './refs.ts';
import type { Site } from './site.ts';
import { containersOf, labelsFor, workloadOf } from './workload.ts';

export interface Seen {
  readonly deployment: JsonObject;
  readonly service: JsonObject;
  /** `null`: there is none. */
  readonly ours: { readonly deployment: JsonObject | null; readonly service: JsonObject | null };
  /** Of the namespace; empty without the right to look. */
  readonly services: readonly JsonObject[];
  readonly budgets: readonly JsonObject[];
}

export function workloadFindings(site: Site, seen: Seen, release: Release): readonly PreflightFinding[] {
  return [
    ...containerFindings(site, seen.deployment),
    ...labelFindings(site, seen, release),
    ...selectorFindings(site, seen, release),
    ...nameFindings(site, seen, release),
  ];
}

function containerFindings({ plan, deployments }: Site, deployment: JsonObject): PreflightFinding[] {
  const { image, replicas } = workloadOf(plan, deployment);
  const name = nameOfRef(deployments.stable);
  if (image === null) {
    const names = containersOf(deployment).map((one) => textAt(one, 'name') ?? '?');
    return [problem('container', `${name} has no container ${plan.container}; it has ${names.join(', ')}.`)];
  }
  const findings: PreflightFinding[] = [];
  if (partsOf(image).digest === null) {
    const text = `${name} runs ${image}, which names no digest: a tag may mean something else when the rollout has to go back. Deploy it as ${partsOf(image).name}@sha256:… first.`;
    findings.push(problem('tag', text));
  }
  if (replicas === 0)
    findings.push(problem('scaled-down', `${name} is scaled to 0: there is no stable to go back to.`));
  if (at(deployment, 'spec', 'paused') === true) {
    findings.push(problem('paused', `${name} is paused: it would never take the release. Resume its rollout.`));
  }
  return findings;
}

function labelFindings({ plan, deployments }: Site, { deployment }: Seen, release: Release): PreflightFinding[] {
  const selector = selectorOf(deployment);
  const wrong = Object.entries(labelsFor(plan, release)).filter(
    ([, value]) => !/^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/.test(value),
  );
  const selected = Object.keys(plan.labels).filter((key) => Object.hasOwn(selector, key));
  return [
    ...wrong.map(([key, value]) =>
      problem('label', `${value} cannot be the value of label ${key}: use letters, digits, ".", "_" and "-".`),
    ),
    ...selected.map((key) =>
      problem('label', `${nameOfRef(deployments.stable)} selects its pods by ${key}, which no rollout may change.`),
    ),
  ];
}

/** Traffic, scaling and disruptions of stable must not count the canary's pods. */
function selectorFindings(site: Site, seen: Seen, release: Release): PreflightFinding[] {
  const { plan } = site;
  const { deployment, service } = seen;
  const podLabels = textsAt(deployment, 'spec', 'template', 'metadata', 'labels');
  const serves = textsAt(service, 'spec', 'selector');
  const findings: PreflightFinding[] = [];
  if (!selects(serves, podLabels)) {
    const text = `Service ${plan.service} does not select the pods of Deployment ${plan.deployment}.`;
    return [problem('service', text)];
  }
  const keys = apartBy(plan, deployment, service);
  const ofCanary: Labels = { ...apart(podLabels, keys), ...labelsFor(plan, release) };
  if (selects(serves, ofCanary) || selects(selectorOf(deployment), ofCanary)) {
    const text = `No label would tell the canary's pods from stable's: Service ${plan.service} and Deployment ${plan.deployment} select by ${Object.keys({ ...serves, ...selectorOf(deployment) }).join(', ')}. Name one of them in canary.label, or add one such as track: stable to both.`;
    return [problem('selector', text)];
  }
  if (objectsAt(deployment, 'spec', 'selector', 'matchExpressions').length > 0) {
    const text = `Deployment ${plan.deployment} selects its pods by expressions, which are left out for the canary's: check that they do not take its pods.`;
    findings.push(warning('expressions', text));
  }
  const ours = [site.services.stable.name, site.services.canary.name];
  for (const one of seen.services) {
    const name = textAt(one, 'metadata', 'name') ?? '?';
    if (ours.includes(name) || !selects(textsAt(one, 'spec', 'selector'), ofCanary)) continue;
    const text = `Service ${name} would lead to the canary's pods too, whatever the weights are. If users arrive by it, let it select by ${keys.join(', ')} as well.`;
    findings.push(warning('other-service', text));
  }
  for (const one of seen.budgets) {
    if (!selects(textsAt(one, 'spec', 'selector', 'matchLabels'), ofCanary)) continue;
    const text = `PodDisruptionBudget ${textAt(one, 'metadata', 'name') ?? '?'} would count the canary's pods: it may let nobody drain a node.`;
    findings.push(warning('budget', text));
  }
  return findings;
}

/** What has our names must be ours, or there before us for the same pods. */
function nameFindings(site: Site, { deployment, service, ours }: Seen, release: Release): PreflightFinding[] {
  const clones = clonesFor(site.plan, { deployment, service }, release, 1);
  const findings: PreflightFinding[] = [];
  const isMarked = (object: JsonObject) => textAt(object, 'metadata', 'annotations', claimKey) !== null;
  if (ours.deployment !== null && !isMarked(ours.deployment)) {
    const text = `${nameOfRef(site.deployments.canary)} exists and is not ours; that name is needed for the canary.`;
    findings.push(problem('taken', text));
  }
  const wanted = JSON.stringify(Object.entries(textsAt(clones.service, 'spec', 'selector')).sort());
  const found = JSON.stringify(Object.entries(textsAt(ours.service ?? {}, 'spec', 'selector')).sort());
  if (ours.service !== null && !isMarked(ours.service) && wanted !== found) {
    const text = `${nameOfRef(site.services.canary)} exists and selects other pods than the canary's; that name is needed for it.`;
    findings.push(problem('taken', text));
  }
  return findings;
}
