/** The deploy door of a Docker Engine: a release is a container in a slot, like the one in the other slot, with another image. */

import type { Release } from '../../../../plan/release.ts';
import type { Order } from '../../../../plan/target.ts';
import { ProviderError } from '../../../errors.ts';
import type { SlotName } from '../connection.ts';
import type { DeployDoor } from '../door.ts';
import { inspected } from './container.ts';
import { raise } from './fence.ts';
import { findings } from './findings.ts';
import { heldBy, mustBeOurs } from './found.ts';
import { asking, type DockerHost } from './host.ts';
import { routeLabel } from './labels.ts';
import { type Job, put, stopped, unlessOutrun } from './put.ts';
import { slotsOf } from './slots.ts';

export function createDockerDoor(host: DockerHost): DeployDoor {
  const job = (doing: string, slot: SlotName, order: Order, signal?: AbortSignal): Job => ({
    ...{ host, slot, order, signal, doing: `${doing} slot ${slot} of route ${host.route}` },
  });
  return {
    words: {
      name: 'the container engine',
      code: 'engine',
      makeKnown: `start it as the container of its slot (${host.containers.a} or ${host.containers.b}) with the label ${routeLabel}=${host.route}, from an allowed image`,
    },
    slots: (signal, timeoutMs) => slotsOf(host, asking(signal, timeoutMs)),
    put: (slot, order, release: Release, signal) => put(job(`start ${release.label} in`, slot, order, signal), release),
    remove: (slot, order, signal) => remove(job('stop', slot, order, signal)),
    preflight: (release, serving, signal) => findings(host, release, serving, asking(signal)),
  };
}

/** What stopped stays until its slot is needed: its log, and the way back to it. */
async function remove(job: Job): Promise<void> {
  const { host, slot, order, doing, signal } = job;
  const held = heldBy(await raise(host, order, doing, signal), slot);
  if (held === null) return;
  mustBeOurs(host, held, doing);
  await unlessOutrun(job, async () => {
    const container = await inspected(host, held.name, asking(signal));
    if (container !== null) await stopped(job, held.name, container);
    const after = await inspected(host, held.name, asking(signal));
    if (after?.State.Running !== true) return;
    throw new ProviderError({ code: 'unreachable', doing, detail: `${held.name} runs on although it was stopped` });
  });
}
