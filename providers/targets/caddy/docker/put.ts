/** Starting a release in a slot: fence first, then the image, then a container that nobody else has. */

import { nameOf, type Release } from '../../../../plan/release.ts';
import type { Order } from '../../../../plan/target.ts';
import { ProviderError } from '../../../errors.ts';
import { otherSlot, type SlotName } from '../connection.ts';
import { type Container, mustInspect } from './container.ts';
import { isOutrun, raise, refuseLate } from './fence.ts';
import { type Found, heldBy, look, mustBeOurs, nameWith } from './found.ts';
import { acting, asking, type DockerHost } from './host.ts';
import { fetched, imageAt, mustBeAllowed } from './images.ts';
import { authorIn, labelsFor } from './labels.ts';
import { withoutValues } from './secretive.ts';
import { releaseOf } from './slots.ts';
import { type Template, templateOf } from './template.ts';

/** One order at one slot. */
export interface Job {
  readonly host: DockerHost;
  readonly slot: SlotName;
  readonly order: Order;
  /** In words, for errors. */
  readonly doing: string;
  readonly signal: AbortSignal | undefined;
}

export async function put(job: Job, release: Release): Promise<void> {
  const { host, slot, order, doing, signal } = job;
  mustBeAllowed(host, release, doing);
  const found = await raise(host, order, doing, signal);
  const held = heldBy(found, slot);
  if (held !== null) mustBeOurs(host, held, doing);
  await unlessOutrun(job, async () => {
    const there = held && (await mustInspect(host, held.name, doing, asking(signal)));
    if (held !== null && there !== null && (await mayGoOn(job, held, there, release))) {
      return started(job, held.name, there.Config.Env ?? []);
    }
    return replace(job, found, held, release);
  });
}

/** A container of this release that runs, that this rollout created, or that is stable's and only has to be started again. */
async function mayGoOn({ host, order, signal }: Job, held: Found, there: Container, release: Release) {
  if ((await releaseOf(host, there, asking(signal)))?.digest !== release.digest) return false;
  if (there.State.Running && there.State.Status !== 'restarting') return true;
  const author = authorIn(held.labels);
  const isOwn = author?.rollout === order.rollout && author.run === order.run;
  return isOwn || release.digest === order.stable.digest;
}

async function replace(job: Job, found: readonly Found[], held: Found | null, release: Release): Promise<void> {
  const { host, slot, order, doing, signal } = job;
  const image = await fetched(host, release, signal);
  const model = heldBy(found, otherSlot(slot)) ?? held;
  if (model === null) {
    const detail = `there is no container ${host.containers.a} or ${host.containers.b} to make one like it`;
    throw new ProviderError({ code: 'missing', doing, detail });
  }
  mustBeOurs(host, model, doing);
  const like = await mustInspect(host, model.name, doing, asking(signal));
  const template = templateOf(like, await imageAt(host, like.Image, asking(signal)), model.slot, {
    ...{ slot, release, image: image.Id, addresses: host.addresses, environment: host.environment },
    labels: labelsFor(host.route, slot, order, release),
  });
  if (held !== null) {
    await stopped(job, held.name, like);
    await host.engine.remove(held.name, acting(signal));
  }
  const name = nameWith(host.containers[slot], order.fence);
  await create(job, name, template);
  await started(job, name, template.variables);
  const { Image } = await mustInspect(host, name, doing, asking(signal));
  if (Image === image.Id) return;
  throw new ProviderError({ code: 'invalid', doing, detail: `${name} runs ${Image}, not ${nameOf(release)}` });
}

/** Not started before another look showed that nobody came with a larger fence: it could not have renamed what was not there. */
async function create({ host, order, doing, signal }: Job, name: string, template: Template): Promise<void> {
  const { body, variables, networks, aliases } = template;
  await withoutValues(variables, () => host.engine.create(name, body, acting(signal)));
  try {
    for (const network of networks) await host.engine.connect(name, network, aliases, acting(signal));
    refuseLate(await look(host, asking(signal)), order, doing);
  } catch (error) {
    await host.engine.remove(name, acting(signal)).catch(() => undefined); // the first error says more; the next raise removes it
    throw error;
  }
}

async function started({ host, signal }: Job, name: string, variables: readonly string[]): Promise<void> {
  await withoutValues(variables, () => host.engine.start(name, acting(signal)));
}

const graceSeconds = { usual: 10, longest: 60 };

/** Asks the container to end and gives it the time that it has for that. */
export async function stopped({ host, signal }: Job, name: string, { Config }: Container): Promise<void> {
  const grace = Math.min(Config.StopTimeout || graceSeconds.usual, graceSeconds.longest);
  await host.engine.stop(name, grace, { timeoutMs: (grace + 30) * 1_000, signal });
}

/** A container that is gone under its name was renamed by somebody with a larger fence, which is what is said then. */
export async function unlessOutrun<Answer>(job: Job, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (!isOutrun(error)) throw error;
    refuseLate(await look(job.host, asking(job.signal)), job.order, job.doing);
    throw error;
  }
}
