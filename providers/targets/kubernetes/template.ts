/** A mark of what a Deployment's pods are made from, without what a rollout itself changes there: with another one somebody else has edited it. */

import { digestOf } from '../../../plan/digest.ts';
import type { KubernetesTargetPlan } from '../../../plan/target.ts';
import { at, isObject, type JsonObject, objectsAt, textsAt, without } from './json.ts';

/** `kubectl rollout restart` begins the same pods anew. */
const restarts = 'kubectl.kubernetes.io/restartedAt';

export function templateMark(plan: KubernetesTargetPlan, deployment: JsonObject): string {
  const spec = at(deployment, 'spec', 'template', 'spec');
  const pods = {
    labels: without(textsAt(deployment, 'spec', 'template', 'metadata', 'labels'), ...Object.keys(plan.labels)),
    annotations: without(textsAt(deployment, 'spec', 'template', 'metadata', 'annotations'), restarts),
    spec: {
      ...(isObject(spec) ? spec : {}),
      containers: objectsAt(spec, 'containers').map((container) => ownersPart(plan, container)),
    },
  };
  return digestOf(pods).slice('sha256:'.length, 39);
}

/** Without the release and without kill switches. */
function ownersPart({ container, switches = [] }: KubernetesTargetPlan, found: JsonObject): JsonObject {
  const rest = without(found, 'env', ...(found['name'] === container ? ['image'] : []));
  const env = objectsAt(found, 'env').filter(({ name }) => typeof name !== 'string' || !switches.includes(name));
  return env.length === 0 ? rest : { ...rest, env };
}
