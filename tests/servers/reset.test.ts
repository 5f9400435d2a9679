import { randomUUID } from 'node:crypto';
import proto from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describe as describeRollout } from '../../client/index.ts';
import type { Status } from '../../plan/status.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { canaryRequestsAfterZero, splitNow } from './at-proxy.ts';
import { idOf, Rollouts } from './rollouts.ts';

const folder = temporaryFolder('reset');
let world: World;
let rollouts: Rollouts;

const steps = ['5%', '25%', '100%'].map((weight) => ({ weight, bake: '1s..10m' }));
const go = { id: 'go', at: 'start', require: [{ allOf: ['sre'] }], expires: '1h' };
const wide = { id: 'wide', at: 'before-step', steps: ['25%', '100%'], require: [{ allOf: ['sre'] }], expires: '1h' };
const { ResetReapplyType } = proto.temporal.api.enums.v1;

beforeAll(async () => {
  world = await startWorld({ folder, services: ['first', 'gate', 'lower'] });
  rollouts = await Rollouts.of(world);
  await world.startWorker({ parts: { guardian: { every: '1s' } } });
  expect(await rollouts.sluice(['setup'])).toMatchObject({ code: 0 });
  for (const { name } of world.services) world.load(name, { ratePerSecond: 20, maxSeconds: 600 });
}, 240_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const handleOf = (service: string) => rollouts.session.client.workflow.getHandle(idOf(service));

type EventId = NonNullable<proto.temporal.api.history.v1.IHistoryEvent['eventId']>;
type Reapply = proto.temporal.api.enums.v1.ResetReapplyType;

/** Ids of the workflow tasks that were completed so far. */
const tasksOf = async (service: string): Promise<readonly EventId[]> => {
  const { events } = await handleOf(service).fetchHistory();
  return (events ?? []).flatMap(({ eventId, workflowTaskCompletedEventAttributes: completed }) =>
    completed == null || eventId == null ? [] : [eventId],
  );
};

/** As `temporal workflow reset` does it: unless told otherwise, signals and updates of the old run come again in the new one. */
async function reset(service: string, task: EventId | undefined, reapply: Reapply | null = null): Promise<void> {
  const { client, namespace } = rollouts.session;
  if (task === undefined) throw new Error(`${service} has no such task`);
  await client.workflowService.resetWorkflowExecution({
    namespace,
    workflowExecution: { workflowId: idOf(service) },
    workflowTaskFinishEventId: task,
    requestId: randomUUID(),
    reason: 'a test',
    ...(reapply === null ? {} : { resetReapplyType: reapply }),
  });
}

const isAsking = ({ phase }: Status) => phase === 'held';

describe.concurrent('a run that was reset', () => {
  it('to its beginning is not refused while its release has traffic: it holds, is watched, and begins again at 0 %', async () => {
    const service = 'first';
    await rollouts.start({ service, steps, gates: [go, wide] });
    await rollouts.answer(service, 'go', 'ana');
    await rollouts.answer(service, 'wide@25%', 'ana');
    await rollouts.gate(service, 'wide@100%');
    const writes = world.proxyWrites(service);
    const [firstTask] = await tasksOf(service);
    await reset(service, firstTask);
    const held = await rollouts.until(service, 'the question', isAsking);
    expect(held).toMatchObject({ weights: { requestedBp: 2_500, acceptedBp: 2_500 }, outcome: null });
    expect(held.held?.reason).toMatch(/was reset and begins again, but v2 .* still has 25% from before/);
    const { activities } = await describeRollout(rollouts.session, idOf(service));
    expect(activities.map(({ type }) => type)).toContain('watch');
    expect(world.proxyWrites(service)).toEqual(writes);

    expect(await rollouts.resume(service)).toMatchObject({ state: 'confirmed' });
    expect(await rollouts.gate(service, 'go')).toMatchObject({ decisions: [] });
    expect(await splitNow(world, service)).toMatchObject({ canaryBp: 0 });
    await rollouts.answer(service, 'go', 'ana');
    expect(await rollouts.gate(service, 'wide@25%')).toMatchObject({ decisions: [] });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 0, 500]);
    await rollouts.abort(service, 'enough seen');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    expect(await canaryRequestsAfterZero(world, service)).toBe(0);
  });

  it('to an earlier step asks as soon as the watch sees the target ahead; resume lowers to that step, where people are asked again', async () => {
    const service = 'gate';
    await rollouts.start({ service, steps, gates: [go, wide] });
    await rollouts.answer(service, 'go', 'ana');
    await rollouts.gate(service, 'wide@25%');
    const task = (await tasksOf(service)).at(-1);
    await rollouts.answer(service, 'wide@25%', 'ana');
    await rollouts.gate(service, 'wide@100%');
    const writes = world.proxyWrites(service);
    await reset(service, task);
    const held = await rollouts.until(service, 'the question', isAsking);
    expect(held.held?.reason).toMatch(/the target is ahead of this rollout .*its release has 25%/);
    expect(world.proxyWrites(service)).toEqual(writes);

    expect(await rollouts.resume(service)).toMatchObject({ state: 'confirmed' });
    expect(await splitNow(world, service)).toMatchObject({ canaryBp: 500 });
    expect(await rollouts.gate(service, 'wide@25%')).toMatchObject({ decisions: [] });
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 500]);
    await rollouts.answer(service, 'wide@25%', 'sam');
    await rollouts.gate(service, 'wide@100%');
    await rollouts.abort(service, 'enough seen');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 500, 2_500, 0]);
    expect(violations(world.proxyWrites(service), { stepsBp: [500, 2_500, 10_000], ended: true })).toEqual([]);
  });

  it('to before it stepped back raises nothing when it is resumed', async () => {
    const service = 'lower';
    await rollouts.start({ service, steps, gates: [go, wide] });
    await rollouts.answer(service, 'go', 'ana');
    await rollouts.answer(service, 'wide@25%', 'ana');
    await rollouts.gate(service, 'wide@100%');
    const task = (await tasksOf(service)).at(-1);
    await rollouts.order(service, 'step-back', 500);
    const writes = world.proxyWrites(service);
    // Nothing comes again: not even the step back.
    await reset(service, task, ResetReapplyType.RESET_REAPPLY_TYPE_NONE);
    await rollouts.until(service, 'the question', isAsking);
    expect(await rollouts.resume(service)).toMatchObject({
      state: 'ignored',
      detail: expect.stringContaining('nothing rises by going on; abort it') as string,
    });
    expect(world.proxyWrites(service)).toEqual(writes);
    await rollouts.abort(service, 'enough seen');
    expect((await rollouts.ended(service)).outcome).toBe('rolled-back');
    expect(world.weightsSeenByProxy(service)).toEqual([500, 2_500, 500, 0]);
  });
});
