/** Everything about this cluster that would break a rollout's promises, found before anything is touched. */

import type { Release } from '../../../plan/release.ts';
import { ProviderError } from '../../errors.ts';
import type { PreflightFinding } from '../../ports.ts';
import type { Call } from './api.ts';
import { canTakeAll } from './capacity.ts';
import { readClaim } from './claim.ts';
import { endpointsOf } from './endpoints.ts';
import { problem } from './findings.ts';
import type { JsonObject } from './json.ts';
import { routeOwner, workloadOwner } from './preflight-owners.ts';
import { referenceFindings } from './preflight-references.ts';
import { workloadFindings } from './preflight-workload.ts';
import { sharesInWords } from './reading.ts';
import { nameOfRef, type Ref, type Resource, resources } from './refs.ts';
import { rightsFindings } from './rights.ts';
import { look, type Site } from './site.ts';
import { workloadOf } from './workload.ts';

/** All findings at once; what cannot be reached or read is a finding too. */
export async function preflight(
  site: Site,
  weights: readonly number[],
  release: Release,
  call: Call,
): Promise<readonly PreflightFinding[]> {
  const found = await Promise.all([
    asFindings(() => rightsFindings(site, call)),
    asFindings(() => routeFindings(site, weights, call)),
    asFindings(() => objectFindings(site, release, call)),
  ]);
  return found.flat();
}

async function asFindings(ask: () => Promise<readonly PreflightFinding[]>): Promise<readonly PreflightFinding[]> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    // A right that is missing is told by its rule.
    return error.code === 'denied' ? [] : [problem(error.code, `The cluster cannot be looked at: ${error.message}.`)];
  }
}

async function routeFindings(site: Site, weights: readonly number[], call: Call): Promise<readonly PreflightFinding[]> {
  const { router } = site;
  const scene = await look(site, call);
  if (scene === null) return [problem('route', `${nameOfRef(router.origin ?? router.ref)} does not exist.`)];
  const findings = [...router.findings(scene.route, weights), ...routeOwner(router.ref, scene.route, router.field)];
  if (scene.claimReading.kind === 'damaged') {
    const text = `The annotation sluice/claim of ${nameOfRef(router.ref)} cannot be read: somebody changed it. Remove it once no rollout uses the route.`;
    findings.push(problem('damaged-claim', text));
  }
  const { fault, canaryBp } = scene.split;
  if (fault !== null) findings.push(problem('route', `${nameOfRef(router.ref)}: ${fault}.`));
  else if (canaryBp > 0) {
    const text = `${nameOfRef(router.ref)}: stable must have all traffic before a rollout starts; there is ${sharesInWords(scene)}.`;
    findings.push(problem('split-present', text));
  }
  const acceptance = router.acceptance(scene.route, 1);
  if (fault === null && acceptance.kind !== 'accepted') {
    findings.push(problem('not-accepted', `${nameOfRef(router.ref)} is not in effect: ${acceptance.reason}.`));
  }
  return findings;
}

async function objectFindings(site: Site, release: Release, call: Call): Promise<readonly PreflightFinding[]> {
  const { api, deployments, services, plan } = site;
  const [deployment, service, ours, theirs, others, budgets] = await Promise.all([
    api.get(deployments.stable, call),
    api.get(services.stable, call),
    api.get(deployments.canary, call),
    api.get(services.canary, call),
    listed(site, resources.services, call),
    listed(site, resources.budgets, call),
  ]);
  const missing = (ref: Ref) => problem('missing', `${nameOfRef(ref)} does not exist.`);
  if (deployment === null || service === null) {
    return [
      ...(deployment === null ? [missing(deployments.stable)] : []),
      ...(service === null ? [missing(services.stable)] : []),
    ];
  }
  const seen = { deployment, service, ours: { deployment: ours, service: theirs }, services: others, budgets };
  const findings = [...workloadFindings(site, seen, release), ...(await referenceFindings(site, deployment, call))];
  if (plan.promotion === 'direct') findings.push(...workloadOwner(deployments.stable, deployment));
  for (const [ref, object] of [
    [deployments.stable, deployment],
    [deployments.canary, ours],
  ] as const) {
    if (readClaim(object).kind !== 'damaged') continue;
    findings.push(
      problem('damaged-claim', `The annotation sluice/claim of ${nameOfRef(ref)} cannot be read: remove it.`),
    );
  }
  const { replicas } = workloadOf(plan, deployment);
  const { ready } = await endpointsOf(site, plan.service, call);
  if (!canTakeAll(ready, replicas)) {
    const text = `Only ${ready} of the ${replicas} pods behind Service ${plan.service} are ready: stable could not take everything back.`;
    findings.push(problem('stable-unready', text));
  }
  return findings;
}

/** Without the right to list there is nothing to warn of; the right itself is a finding. */
async function listed(site: Site, resource: Resource, call: Call): Promise<readonly JsonObject[]> {
  try {
    return await site.api.list(resource, site.plan.namespace, null, call);
  } catch (error) {
    if (error instanceof ProviderError && ['denied', 'missing'].includes(error.code)) return [];
    throw error;
  }
}
