import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../cli/exit-codes.ts';
import { describe as describeRollout } from '../../client/index.ts';
import type { Status } from '../../plan/status.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { later } from './later.ts';
import { idOf, Rollouts } from './rollouts.ts';
import { specText, type Shape } from './short-spec.ts';

let world: World;
const folder = temporaryFolder('long-lived');
let rollouts: Rollouts;

/** A history is full after 40 events here instead of 4,096. */
beforeAll(async () => {
  const dynamicConfig = { 'limit.historyCount.suggestContinueAsNew': 40 };
  world = await startWorld({ folder, services: ['tight', 'asked', 'kept'], temporal: { dynamicConfig } });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

const steps = ['5%', '100%'].map((weight) => ({ weight, bake: '2s..60s' }));
const wide = { id: 'wide', at: 'before-step', steps: ['100%'], require: [{ atLeast: 2, of: 'sre' }], expires: '1h' };

const handleOf = (service: string) => rollouts.session.client.workflow.getHandle(idOf(service));

function edit(shape: Shape, ...more: readonly string[]) {
  const file = join(folder, `${shape.service}.edited.yaml`);
  writeFileSync(file, specText(shape));
  return rollouts.run('edit', shape.service, file, '--by', 'quinn', '--reason', 'safer', ...more);
}

describe.concurrent('an edited plan', () => {
  it('that only tightens is in force at once: steps, criteria and gates are those of the new plan, also in a later run', async () => {
    const shape: Shape = { service: 'tight', steps, gates: [wide] };
    await rollouts.start(shape);
    const { evidenceRevision } = await rollouts.gate('tight', 'wide@100%');
    expect(await rollouts.answer('tight', 'wide@100%', 'ana')).toMatchObject({ outcome: 'recorded', state: 'open' });
    const before = await rollouts.status('tight');

    const loose = await edit({ ...shape, gates: [] });
    expect([loose.code, loose.stderr]).toEqual([
      exitCodes.refused.code,
      expect.stringContaining('✗ gate wide@100% cannot be taken away while a rollout runs') as string,
    ]);
    expect((await edit(shape)).code).toBe(exitCodes.ignored.code);
    const ladder = [
      steps[0],
      { weight: '25%', bake: '2s..60s' },
      { weight: '100%', bake: '3s..60s' },
    ] as Shape['steps'];
    const tighter: Shape = { ...shape, steps: ladder, gates: [{ ...wide, steps: ['25%', '100%'] }] };
    const dry = await edit(tighter, '--dry-run');
    expect([dry.code, dry.stderr]).toEqual([
      0,
      expect.stringContaining('+ the ladder ahead is 25%, 100% instead of 100%') as string,
    ]);
    expect((await rollouts.status('tight')).planDigest).toBe(before.planDigest);
    const applied = await edit(tighter, '--json');
    expect(applied.code).toBe(0);
    const { receipt, planDigest } = JSON.parse(applied.stdout) as { receipt: unknown; planDigest: string };
    expect(receipt).toMatchObject({ message: 'edit-plan', state: 'confirmed', by: 'quinn', fromBp: 500 });

    const asked = await rollouts.gate('tight', 'wide@25%');
    expect(asked).toMatchObject({ decisions: [], evidenceRevision });
    const now = await later(rollouts, 'tight');
    expect(now.planDigest).toBe(planDigest);
    expect(now.steps.map(({ weightBp, state }) => [weightBp, state])).toEqual([
      [500, 'done'],
      [2_500, 'ahead'],
      [10_000, 'ahead'],
    ]);
    expect((await describeRollout(rollouts.session, idOf('tight'))).planDigest).toBe(planDigest);
    for (const gate of ['wide@25%', 'wide@100%']) {
      await rollouts.answer('tight', gate, 'ana');
      await rollouts.answer('tight', gate, 'sam');
    }
    expect((await rollouts.ended('tight')).outcome).toBe('completed');
    expect(world.weightsSeenByProxy('tight')).toEqual([500, 2_500, 10_000]);
    const stepsBp = [500, 2_500, 10_000];
    expect(violations(world.proxyWrites('tight'), { stepsBp, ended: true })).toEqual([]);
    const told = (await rollouts.timeline('tight')).filter(({ code }) => code === 'edited').map(({ text }) => text);
    expect(told).toContain('the ladder ahead is 25%, 100% instead of 100%');
  });

  it('that does not only tighten waits for the strictest gate, which signs the new plan; a no changes nothing', async () => {
    const shape: Shape = { service: 'asked', steps, gates: [wide], watch: '1h' };
    await rollouts.start(shape);
    const asked = await rollouts.gate('asked', 'wide@100%');
    const { planDigest } = await rollouts.status('asked');
    const shorter: Shape = { ...shape, watch: '1s' };
    const sent = await edit(shorter, '--json');
    expect(sent.code).toBe(0);
    const { planDigest: edited } = JSON.parse(sent.stdout) as { planDigest: string };
    expect(sent.stdout).toContain('"asks": "wide@100%"');

    const request = await rollouts.gate('asked', 'edit/wide@100%');
    expect(request).toMatchObject({
      edit: { planDigest: edited, by: 'quinn', edits: ['the watch after promotion is 1s instead of 1h'] },
      onExpiry: 'the plan stays as it is',
    });
    expect(await rollouts.status('asked')).toMatchObject({ planDigest });
    expect(await rollouts.gate('asked', 'wide@100%')).toMatchObject({ evidenceDigest: asked.evidenceDigest });
    const no = await rollouts.run('reject', 'asked', 'edit/wide@100%', '--by', 'sam', '--reason', 'not so short');
    expect([no.code, no.stderr]).toEqual([0, expect.stringContaining('1s instead of 1h') as string]);
    expect(await rollouts.status('asked')).toMatchObject({ planDigest, outcome: null, phase: 'awaiting-approval' });

    expect((await edit(shorter)).code).toBe(0);
    expect((await rollouts.run('approve', 'asked', 'edit/wide@100%', '--by', 'sam')).code).toBe(0);
    const { requests } = await later(rollouts, 'asked');
    expect(requests.find(({ gate }) => gate === 'edit/wide@100%')).toMatchObject({
      state: 'open',
      edit: { planDigest: edited },
      decisions: [{ person: 'sam', void: null }],
    });
    expect((await rollouts.run('approve', 'asked', 'edit/wide@100%', '--by', 'ana')).code).toBe(0);
    await rollouts.until('asked', 'the new plan', (status) => status.planDigest === edited);
    await rollouts.answer('asked', 'wide@100%', 'ana');
    await rollouts.answer('asked', 'wide@100%', 'sam');
    expect((await rollouts.ended('asked')).outcome).toBe('completed');
    expect(world.weightsSeenByProxy('asked')).toEqual([500, 10_000]);
  });
});

describe.concurrent('a rollout that has gone back and keeps its release for a look', () => {
  it('goes on in new runs through messages of no use and a second cancel, and loses nothing', async () => {
    await rollouts.start({ service: 'kept', steps, gates: [wide], keepCanary: '25s' });
    await rollouts.gate('kept', 'wide@100%');
    await handleOf('kept').cancel();
    await rollouts.until('kept', 'zero', ({ receipts }) => receipts.at(-1)?.state === 'confirmed');
    const before = await rollouts.status('kept');
    await handleOf('kept').signal('no-such-message', 'x'.repeat(100_000));
    const now = await later(rollouts, 'kept');
    await handleOf('kept').cancel();
    const same = ({ outcome, phase, reason, startedAt, receipts, weights, stable, run }: Status) => ({
      outcome,
      phase,
      reason,
      startedAt,
      receipts,
      weights,
      stable,
      run,
    });
    expect(same(now)).toEqual(same(before));
    expect((await rollouts.ended('kept')).outcome).toBe('rolled-back');
    expect(world.weightsSeenByProxy('kept')).toEqual([500, 0]);
    const stepsBp = [500, 10_000];
    expect(violations(world.proxyWrites('kept'), { stepsBp, ended: true })).toEqual([]);
  });
});
