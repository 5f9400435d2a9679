/** Who else writes to the objects: a tool that applies Git would take back what a rollout sets. */

import type { PreflightFinding } from '../../ports.ts';
import { problem } from './findings.ts';
import { type JsonObject, objectsAt, textAt, textsAt } from './json.ts';
import { nameOfRef, type Ref } from './refs.ts';

/** An owner says with it that his tool leaves what rollouts write alone. */
export const ignoredKey = 'sluice/gitops';

const managers: Readonly<Record<string, string>> = {
  'argocd-controller': 'Argo CD',
  'argocd-application-controller': 'Argo CD',
  'kustomize-controller': 'Flux',
  'helm-controller': 'Flux',
};

/** The tool that applies an object from Git; `null` when none is seen. */
export function ownerOf(object: JsonObject): string | null {
  const [labels, annotations] = [textsAt(object, 'metadata', 'labels'), textsAt(object, 'metadata', 'annotations')];
  const keys = [...Object.keys(labels), ...Object.keys(annotations)];
  if (keys.some((key) => key.startsWith('argocd.argoproj.io/'))) return 'Argo CD';
  if (keys.some((key) => /^(?:kustomize|helm)\.toolkit\.fluxcd\.io\/name$/.test(key))) return 'Flux';
  const named = objectsAt(object, 'metadata', 'managedFields').map((entry) => managers[textAt(entry, 'manager') ?? '']);
  return named.find((tool) => tool !== undefined) ?? null;
}

function isLeftAlone(object: JsonObject): boolean {
  const annotations = textsAt(object, 'metadata', 'annotations');
  return (
    annotations[ignoredKey] === 'ignored' ||
    ['Ignore', 'IfNotPresent'].includes(annotations['kustomize.toolkit.fluxcd.io/ssa'] ?? '')
  );
}

/** The route's weights are ours for as long as a rollout runs, whoever owns the route. */
export function routeOwner(ref: Ref, route: JsonObject, field: string): readonly PreflightFinding[] {
  const tool = ownerOf(route);
  if (tool === null || isLeftAlone(route)) return [];
  const text = `${nameOfRef(ref)} is applied by ${tool}, which would take the weights back. Let it ignore ${field} (Argo CD: ignoreDifferences with RespectIgnoreDifferences; Flux: the annotation kustomize.toolkit.fluxcd.io/ssa: IfNotPresent), then say so with the annotation ${ignoredKey}: ignored.`;
  return [problem('gitops-route', text)];
}

export function workloadOwner(ref: Ref, deployment: JsonObject): readonly PreflightFinding[] {
  const tool = ownerOf(deployment);
  if (tool === null || isLeftAlone(deployment)) return [];
  const text = `${nameOfRef(ref)} is applied by ${tool}, which would put the old image back after promotion: direct. Use promotion: gitops, or let it ignore the image and say so with the annotation ${ignoredKey}: ignored.`;
  return [problem('gitops-workload', text)];
}
