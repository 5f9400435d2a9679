/** Who else writes to the objects: a tool that applies Git would take back what a rollout sets. */

import type { PreflightFinding } from '../../ports.ts';
import { problem, warning } from './findings.ts';
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

const instanceLabel = 'app.kubernetes.io/instance';

/** Argo CD may track by a label that charts write too; what Helm itself installed says so. */
function mayBeTracked(object: JsonObject): boolean {
  const isHelms = textsAt(object, 'metadata', 'annotations')['meta.helm.sh/release-name'] !== undefined;
  return textsAt(object, 'metadata', 'labels')[instanceLabel] !== undefined && !isHelms;
}

function labelWarning(ref: Ref, means: string): PreflightFinding {
  const text = `${nameOfRef(ref)} has the label ${instanceLabel}, by which Argo CD may track it. ${means} Once it does not, or where nobody applies it from Git, say so with the annotation ${ignoredKey}: ignored. What we make for the canary is without that label, so that nobody prunes it.`;
  return warning('gitops-label', text);
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
  if (isLeftAlone(route)) return [];
  if (tool === null) {
    const means = `If it does, it takes the weights back: let it ignore ${field}.`;
    return mayBeTracked(route) ? [labelWarning(ref, means)] : [];
  }
  const text = `${nameOfRef(ref)} is applied by ${tool}, which would take the weights back. Let it ignore ${field} (Argo CD: ignoreDifferences with RespectIgnoreDifferences; Flux: the annotation kustomize.toolkit.fluxcd.io/ssa: IfNotPresent), then say so with the annotation ${ignoredKey}: ignored.`;
  return [problem('gitops-route', text)];
}

export function workloadOwner(ref: Ref, deployment: JsonObject): readonly PreflightFinding[] {
  const tool = ownerOf(deployment);
  if (isLeftAlone(deployment)) return [];
  if (tool === null) {
    const means = 'If it does, it puts the old image back after promotion: direct; use promotion: gitops.';
    return mayBeTracked(deployment) ? [labelWarning(ref, means)] : [];
  }
  const text = `${nameOfRef(ref)} is applied by ${tool}, which would put the old image back after promotion: direct. Use promotion: gitops, or let it ignore the image and say so with the annotation ${ignoredKey}: ignored.`;
  return [problem('gitops-workload', text)];
}
