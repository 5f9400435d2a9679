/** From what containers do to the status of their pod, in the API's words. */

import { nodeAddress } from '../network.ts';
import type { ContainerFacts, ContainerState } from './pod.ts';

export interface PodFacts {
  readonly uid: string;
  readonly address: string;
  readonly startedAt: Date;
  readonly containers: readonly ContainerFacts[];
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly lastTransitionTime: string;
  readonly reason?: string;
  readonly message?: string;
}

/** `before` keeps the times of conditions that have not changed. */
export function statusOf(facts: PodFacts, before: readonly Condition[]) {
  const { address, containers, startedAt } = facts;
  const unready = containers.filter(({ ready }) => !ready).map(({ spec }) => spec.name);
  const readiness =
    unready.length === 0
      ? { status: 'True' as const }
      : {
          status: 'False' as const,
          reason: 'ContainersNotReady',
          message: `containers with unready status: [${unready.join(' ')}]`,
        };
  const now = new Date().toISOString();
  const condition = (type: string, more: Pick<Condition, 'status' | 'reason' | 'message'>): Condition => {
    const old = before.find((one) => one.type === type);
    return { type, lastTransitionTime: old?.status === more.status ? old.lastTransitionTime : now, ...more };
  };
  const created = containers.every(({ imageId, state, restarts }) => {
    return imageId !== null && (restarts > 0 || state.kind !== 'waiting');
  });
  return {
    phase: created ? 'Running' : 'Pending',
    conditions: [
      condition('PodScheduled', { status: 'True' }),
      condition('Initialized', { status: 'True' }),
      condition('ContainersReady', readiness),
      condition('Ready', readiness),
    ],
    hostIP: nodeAddress,
    podIP: address,
    podIPs: [{ ip: address }],
    startTime: startedAt.toISOString(),
    containerStatuses: containers.map((one) => containerStatus(facts.uid, one)),
  };
}

function containerStatus(uid: string, facts: ContainerFacts) {
  const { spec, imageId, ready, started, restarts, last } = facts;
  return {
    name: spec.name,
    image: spec.image,
    imageID: imageId ?? '',
    ...(imageId === null ? {} : { containerID: `testbed://${uid}-${spec.name}-${restarts}` }),
    ready,
    started,
    restartCount: restarts,
    state: stateOf(facts.state),
    lastState: last === null ? {} : stateOf(last),
  };
}

function stateOf(state: ContainerState): object {
  switch (state.kind) {
    case 'waiting':
      return { waiting: { reason: state.reason, message: state.message } };
    case 'running':
      return { running: { startedAt: state.since.toISOString() } };
    case 'ended': {
      const { code: exitCode, signal, reason, since, at } = state;
      return {
        terminated: { exitCode, signal, reason, startedAt: since.toISOString(), finishedAt: at.toISOString() },
      };
    }
  }
}
