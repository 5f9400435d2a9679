import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type World } from '../../testbed/world.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { idOf, Rollouts } from './rollouts.ts';

let world: World;
const folder = temporaryFolder('history-size');
let rollouts: Rollouts;
const service = 'small';

beforeAll(async () => {
  world = await startWorld({ folder, services: [service] });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
  world.load(service, { ratePerSecond: 40, maxSeconds: 120 });
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

it('a rollout of four steps stays within 250 events, and 60 KB beside its plan, with 14 events a decision more', async () => {
  const steps = ['1%', '5%', '25%', '100%'].map((weight) => ({ weight, bake: '3s..60s', smoke: ['basic'] }));
  const gates = ['25%', '100%'].map((weight) => ({
    ...{ id: `up-to-${weight.replace('%', '')}`, at: 'before-step', steps: [weight] },
    ...{ require: [{ allOf: ['sre'] }], expires: '1h' },
  }));
  await rollouts.start({ service, steps, gates, judged: true });
  for (const gate of ['up-to-25@25%', 'up-to-100@100%']) await rollouts.answer(service, gate, 'ana');
  expect((await rollouts.ended(service)).outcome).toBe('completed');

  const handle = rollouts.session.client.workflow.getHandle(idOf(service));
  const { historyLength, historySize } = await handle.describe();
  const { events } = await handle.fetchHistory();
  const [payload] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
  expect(historyLength).toBeLessThanOrEqual(250 + 2 * 14);
  expect((historySize ?? Infinity) - (payload?.data?.length ?? 0)).toBeLessThanOrEqual(60_000);
});
