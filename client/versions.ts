/** Worker versions of a task queue: which one Temporal gives what begins, and what to do when nobody polls for that one. */

import proto from '@temporalio/proto';

/** A version of a Worker Deployment. */
export interface Version {
  readonly deployment: string;
  readonly build: string;
}

/** Who is given what begins; `current: null` means the workers without a version. */
export interface Routing {
  readonly current: Version | null;
  readonly ramping: Version | null;
}

const { VersioningBehavior } = proto.temporal.api.enums.v1;

type VersioningInfo = proto.temporal.api.taskqueue.v1.ITaskQueueVersioningInfo;
type ExecutionInfo = proto.temporal.api.workflow.v1.IWorkflowExecutionVersioningInfo;
type DeploymentVersion = proto.temporal.api.deployment.v1.IWorkerDeploymentVersion;

export function routingOf(info: VersioningInfo | null | undefined): Routing {
  const isRamping = (info?.rampingVersionPercentage ?? 0) > 0;
  return {
    current: versionOf(info?.currentDeploymentVersion),
    ramping: isRamping ? versionOf(info?.rampingDeploymentVersion) : null,
  };
}

export function versionOf(found: DeploymentVersion | null | undefined): Version | null {
  const { deploymentName, buildId } = found ?? {};
  return deploymentName == null || buildId == null || buildId === ''
    ? null
    : { deployment: deploymentName, build: buildId };
}

/** Somebody's override counts before what the workflow said of itself. */
export function pinnedVersion(info: ExecutionInfo | null | undefined): Version | null {
  const { versioningOverride, behavior, deploymentVersion } = info ?? {};
  if (versioningOverride?.pinned != null) return versionOf(versioningOverride.pinned.version);
  if (versioningOverride?.autoUpgrade === true) return null;
  return behavior === VersioningBehavior.VERSIONING_BEHAVIOR_PINNED ? versionOf(deploymentVersion) : null;
}

export function isSame(one: Version | null, other: Version | null): boolean {
  return one?.deployment === other?.deployment && one?.build === other?.build;
}

/** `build 2026-11-28 of "sluice"` */
export function wordsFor({ deployment, build }: Version): string {
  return `build ${build} of "${deployment}"`;
}

/** Temporal's own command that gives this version what begins from then on. */
export function makeCurrent({ deployment, build }: Version, namespace: string): string {
  const where = namespace === 'default' ? '' : ` --namespace ${namespace}`;
  return `temporal worker deployment set-current-version --deployment-name ${deployment} --build-id ${build}${where}`;
}

/** Whether a worker of this version is given what begins. */
export function isServed(version: Version | null, { current, ramping }: Routing): boolean {
  return isSame(version, current) || (ramping !== null && isSame(version, ramping));
}

/** Why whatever begins stands still, though workers of these versions poll; `null` when one of them is given it. */
export function idleBecause(polling: readonly (Version | null)[], routing: Routing, namespace: string): string | null {
  if (polling.length === 0 || polling.some((version) => isServed(version, routing))) return null;
  const versions = polling.filter((version) => version !== null);
  const [first] = versions;
  const names = [...new Set(versions.map(wordsFor)), ...(versions.length < polling.length ? [versionless] : [])];
  const then = first === undefined ? '' : `; run: ${makeCurrent(first, namespace)}`;
  if (routing.current === null)
    return `no worker version is current yet, so Temporal gives nothing to ${names.join(', ')}${then}`;
  return `${wordsFor(routing.current)} is current and none of its workers polls, only ${names.join(', ')}${then}`;
}

/** Workers without a version, in words. */
export const versionless = 'workers without a version';
