/** One node of the cluster with its pods, and the scheduler that knows no other node. */

import type { KubeApi } from '../api.ts';
import { nodeAddress } from '../network.ts';
import { objectPath } from '../objects.ts';
import type { Pod } from './pod.ts';
import { type PodLife, type PodWorld, startPod } from './pod-life.ts';

export const nodeName = 'node-1';

export interface Node {
  pods(): Iterable<PodLife>;
  /** Follows the API until it is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export function createNode(world: PodWorld): Node {
  const pods = new Map<string, PodLife>();
  const binding = new Set<string>();
  const addresses = addressPool();
  const here = (pod: Pod) => {
    const { uid, deletionTimestamp } = pod.metadata;
    const known = pods.get(uid);
    if (known !== undefined) {
      known.update(pod);
      return;
    }
    if (pod.spec.nodeName === undefined) {
      if (binding.has(uid)) return;
      binding.add(uid);
      void schedule(pod, world.api).finally(() => binding.delete(uid));
      return;
    }
    if (pod.spec.nodeName !== nodeName) return;
    const address = addresses.take();
    const life = startPod(pod, address, world);
    pods.set(uid, life);
    void life.gone.then(() => {
      pods.delete(uid);
      addresses.give(address);
      world.changed();
    });
    if (deletionTimestamp !== undefined) life.update(pod);
  };
  return {
    pods: () => pods.values(),
    run: async (signal) => {
      await register(world.api);
      await world.api.follow<Pod>(
        '/api/v1/pods',
        ({ kind, object }) => {
          if (kind === 'here') here(object);
          else pods.get(object.metadata.uid)?.vanish();
        },
        signal,
      );
    },
  };
}

async function register(api: KubeApi): Promise<void> {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName } };
  await api.apply(node);
  await api.merge(objectPath(node), { spec: { taints: null } });
  const now = new Date().toISOString();
  const size = { cpu: '1000', memory: '1000Gi', pods: '10000' };
  await api.merge(`${objectPath(node)}/status`, {
    status: {
      capacity: size,
      allocatable: size,
      addresses: [{ type: 'InternalIP', address: nodeAddress }],
      conditions: [
        { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now, lastTransitionTime: now },
      ],
    },
  });
}

/** Every pod fits, but those that ask for a particular node. */
async function schedule(pod: Pod, api: KubeApi): Promise<void> {
  const path = objectPath(pod);
  try {
    if (Object.keys(pod.spec.nodeSelector ?? {}).length > 0) {
      const message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
      const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
      await api.merge(`${path}/status`, { status: { conditions: [condition] } });
      return;
    }
    const target = { apiVersion: 'v1', kind: 'Node', name: nodeName };
    const { name, namespace } = pod.metadata;
    await api.create(`${path}/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace }, target });
  } catch (error) {
    // Deleted, bound twice, or the API is away: whatever still needs a node comes again with the next list.
    process.stderr.write(`${path}: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/** The range without its first part, which is the node's; an address rests before it is used again. */
function addressPool() {
  const free = Array.from({ length: 250 * 250 }, (_, at) => `10.244.${1 + Math.floor(at / 250)}.${1 + (at % 250)}`);
  return {
    take: (): string => {
      const address = free.shift();
      if (address === undefined) throw new Error('the node has no address left');
      return address;
    },
    give: (address: string) => void free.push(address),
  };
}
