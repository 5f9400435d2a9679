import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { Rollouts } from './rollouts.ts';

interface Notice {
  text: string;
  /** When the worker gave up; `null` while it waits for an answer that never comes. */
  givenUpAt: number | null;
}

const folder = temporaryFolder('silent-channel');
const notices: Notice[] = [];
let channel: Server;
let world: World;
let rollouts: Rollouts;

beforeAll(async () => {
  channel = createServer((request, response) => {
    const notice: Notice = { text: '', givenUpAt: null };
    notices.push(notice);
    request.on('data', (chunk: Buffer) => (notice.text += chunk.toString()));
    response.on('close', () => (notice.givenUpAt = Date.now()));
  });
  await new Promise<void>((resolve) => channel.listen(0, '127.0.0.1', resolve));
  const notify = `http://127.0.0.1:${String((channel.address() as AddressInfo).port)}/hook`;
  world = await startWorld({ folder, services: ['web'], notify });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
  channel.closeAllConnections();
  channel.close();
});

it('a channel that never answers neither delays going back nor changes how the rollout ends (I11)', async () => {
  const wide = { id: 'wide', at: 'before-step', steps: ['100%'], require: [{ allOf: ['sre'] }], expires: '1h' };
  const steps = ['5%', '100%'].map((weight) => ({ weight, bake: '2s..60s' }));
  await rollouts.start({ service: 'web', steps, gates: [wide] });
  await rollouts.gate('web', 'wide@100%');
  await rollouts.abort('web', 'enough seen');
  expect((await rollouts.ended('web')).outcome).toBe('rolled-back');
  expect(world.weightsSeenByProxy('web')).toEqual([500, 0]);

  const told = () => notices.find(({ text, givenUpAt }) => text.includes('goes back') && givenUpAt !== null) ?? null;
  const { givenUpAt } = await waitFor(told, { for: 'the notice to be given up', withinMs: 60_000 });
  const zero = world.proxyWrites('web').find(({ claim }) => claim?.stage.kind === 'back');
  expect(zero?.at).toBeLessThan(givenUpAt ?? 0);
});
