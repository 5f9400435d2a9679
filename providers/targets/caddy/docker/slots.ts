/** What the slots hold, in the words of a deploy door. */

import type { Release } from '../../../../plan/release.ts';
import { ProviderError } from '../../../errors.ts';
import type { EngineCall } from '../../../ports.ts';
import type { SlotName } from '../connection.ts';
import type { Slots, SlotState } from '../door.ts';
import { type Container, inspected } from './container.ts';
import { type Found, heldBy, look } from './found.ts';
import type { DockerHost } from './host.ts';
import { imageAt, isImageOf, releaseOfImage } from './images.ts';
import { authorIn, labelLabel, releaseIn } from './labels.ts';

const empty: SlotState = { release: null, state: 'stopped', ready: false, detail: '', fence: 0, rollout: null };
/** So often in a row is no accident any more. */
const restartsOfAFailure = 3;

export async function slotsOf(host: DockerHost, call: EngineCall): Promise<Slots> {
  const found = await look(host, call);
  const of = (slot: SlotName) => stateOf(host, heldBy(found, slot), call);
  const [a, b] = await Promise.all([of('a'), of('b')]);
  return { a, b };
}

async function stateOf(host: DockerHost, held: Found | null, call: EngineCall): Promise<SlotState> {
  if (held === null) return empty;
  if (!held.isOurs) return { ...empty, detail: `the container ${held.name} is not Sluice's` };
  const container = await inspected(host, held.name, call);
  if (container === null) return empty; // it was renamed or removed since the listing
  const release = await releaseOf(host, container, call);
  const { fence } = held;
  const rollout = authorIn(held.labels)?.rollout ?? null;
  return { release, fence, rollout, ...(await healthOf(host, held.slot, container, call)) };
}

/** By its labels when its image bears them out, else by its image. */
export async function releaseOf(host: DockerHost, container: Container, call: EngineCall): Promise<Release | null> {
  const labels = container.Config.Labels ?? {};
  const said = releaseIn(labels);
  const image = await imageAt(host, container.Image, call);
  if (image === null) return said;
  if (said !== null && isImageOf(image, said)) return said;
  return releaseOfImage(host, image, container.Config.Image, labels[labelLabel]);
}

type Health = Pick<SlotState, 'state' | 'ready' | 'detail'>;

async function healthOf(host: DockerHost, slot: SlotName, container: Container, call: EngineCall): Promise<Health> {
  const { Status, Running, Paused, OOMKilled, ExitCode } = container.State;
  const restarts = container.RestartCount ?? 0;
  const ended = `it ended with code ${ExitCode}${OOMKilled === true ? ', out of memory' : ''}`;
  if (Status === 'restarting') {
    const state = restarts >= restartsOfAFailure ? 'failed' : 'starting';
    return { state, ready: false, detail: `${ended} and was restarted ${restarts} times` };
  }
  if (Paused === true) return { state: 'starting', ready: false, detail: 'it is paused' };
  if (Running) return answering(host, slot, call);
  if (Status === 'created' || Status === 'configured' || Status === 'initialized') {
    return { state: 'stopped', ready: false, detail: 'it was never started' };
  }
  const isOnPurpose = OOMKilled !== true && [0, 130, 137, 143].includes(ExitCode);
  return { state: isOnPurpose ? 'stopped' : 'failed', ready: false, detail: ended };
}

/** Our own check: engines run theirs rarely, or not at all. */
async function answering(host: DockerHost, slot: SlotName, { signal }: EngineCall): Promise<Health> {
  if (host.ready === null) return { state: 'running', ready: true, detail: '' };
  const url = `http://${host.addresses[slot]}${host.ready}`;
  try {
    const request = { method: 'GET', url, timeoutMs: 1_000, maxBytes: 1024, ...(signal && { signal }) };
    const { status } = await host.http.send(request);
    const ready = status >= 200 && status <= 299;
    return { state: ready ? 'running' : 'starting', ready, detail: ready ? '' : `${host.ready} answers ${status}` };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { state: 'starting', ready: false, detail: `${host.ready} does not answer: ${error.detail}` };
  }
}
