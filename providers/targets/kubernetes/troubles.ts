/** What is wrong with a Deployment's pods, in words: images that cannot be pulled, containers that crash. */

import type { Call } from './api.ts';
import { unlessDenied } from './autoscaler.ts';
import { type JsonObject, numberAt, objectsAt, textAt, textsAt } from './json.ts';
import { resources } from './refs.ts';
import type { Site } from './site.ts';

/** The first few, each once; none where nobody may look. */
export async function troublesOf(site: Site, deployment: JsonObject, call: Call): Promise<readonly string[]> {
  const selector = Object.entries(textsAt(deployment, 'spec', 'selector', 'matchLabels'))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const { pods: resource } = resources;
  const pods = (await unlessDenied(() => site.api.list(resource, site.plan.namespace, selector, call))) ?? [];
  const found = pods.flatMap((pod) => [
    ...objectsAt(pod, 'status', 'initContainerStatuses').flatMap(troubleOf),
    ...objectsAt(pod, 'status', 'containerStatuses').flatMap(troubleOf),
    ...unscheduled(pod),
  ]);
  return [...new Set(found)].slice(0, 3);
}

/** Messages of containers may hold anything: only reasons and numbers are told. */
function troubleOf(status: JsonObject): readonly string[] {
  const name = textAt(status, 'name') ?? '?';
  const waiting = textAt(status, 'state', 'waiting', 'reason');
  const ended = textAt(status, 'lastState', 'terminated', 'reason') ?? textAt(status, 'state', 'terminated', 'reason');
  const code =
    numberAt(status, 'lastState', 'terminated', 'exitCode') ?? numberAt(status, 'state', 'terminated', 'exitCode');
  const restarts = numberAt(status, 'restartCount') ?? 0;
  const last = ended === null ? '' : `, ended last as ${ended}${code === null ? '' : ` (${code})`}`;
  if (waiting !== null && waiting !== 'ContainerCreating' && waiting !== 'PodInitializing') {
    return [`container ${name}: ${waiting}${last}`];
  }
  return restarts > 0 ? [`container ${name}: restarted ${restarts} times${last}`] : [];
}

function unscheduled(pod: JsonObject): readonly string[] {
  const condition = objectsAt(pod, 'status', 'conditions').find(({ type }) => type === 'PodScheduled');
  return condition?.['status'] === 'False' ? [`a pod finds no node (${textAt(condition, 'reason') ?? '?'})`] : [];
}
