import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { control, describe as describeRollout, timeline } from '../../client/index.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { violations } from '../../testbed/world/invariants.ts';
import { idOf, patienceMs, Rollouts } from './rollouts.ts';

let world: World;
let rollouts: Rollouts;

const steps = ['1%', '5%', '25%', '100%'].map((weight) => ({ weight, bake: '2s..60s' }));
const stepsBp = [100, 500, 2_500, 10_000];
const wide = { id: 'wide', at: 'before-step', steps: ['25%'], require: [{ allOf: ['sre'] }], expires: '1h' };

/** A history is full after 40 events here instead of 4,096. */
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'orders-'));
  const dynamicConfig = { 'limit.historyCount.suggestContinueAsNew': 40 };
  world = await startWorld({ folder, services: ['long', 'soak', 'late'], temporal: { dynamicConfig } });
  rollouts = await Rollouts.of(world);
  await world.startWorker();
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

async function codes(service: string): Promise<readonly string[]> {
  return (await timeline(rollouts.session, idOf(service))).map(({ code }) => code);
}

describe('a history that grows full', () => {
  it('goes on in new runs and loses nothing: ladder, fences, gate, decisions, pause and timeline', async () => {
    await rollouts.start({ service: 'long', steps, gates: [wide] });
    const { gate, evidenceDigest } = await rollouts.gate('long', 'wide@25%');
    const input = { by: 'olga', reason: 'lunch' };
    await control(rollouts.session, idOf('long'), { kind: 'pause', input }, { waitMs: patienceMs });
    const first = await rollouts.status('long');
    await rollouts.until('long', 'the gate in a later run', () => true);
    expect(await rollouts.gate('long', gate)).toMatchObject({ evidenceDigest });
    expect(await rollouts.answer('long', gate, 'ana')).toMatchObject({ outcome: 'recorded', state: 'approved' });
    expect(await rollouts.status('long')).toMatchObject({ phase: 'paused', weights: { acceptedBp: 500 } });
    expect((await rollouts.run('resume', 'long', '--by', 'olga')).code).toBe(0);
    const last = await rollouts.ended('long');

    expect(last).toMatchObject({ outcome: 'completed', startedAt: first.startedAt });
    const { run } = await describeRollout(rollouts.session, idOf('long'));
    expect(run).not.toBe(last.run); // `run` of the status is the first of the chain
    expect(world.weightsSeenByProxy('long')).toEqual(stepsBp);
    expect(violations(world.proxyWrites('long'), { stepsBp, ended: true })).toEqual([]);
    const seen = await codes('long');
    expect(
      seen.filter((code) => ['started', 'paused', 'resumed', 'promoted', 'outcome:completed'].includes(code)),
    ).toEqual(['started', 'paused', 'resumed', 'promoted', 'outcome:completed']);
  });
});

describe('more soak', () => {
  it('is refused before there is traffic, and before a wider step bakes on and asks again on new evidence', async () => {
    const go = { id: 'go', at: 'start', require: [{ allOf: ['sre'] }], expires: '1h' };
    await rollouts.start({ service: 'soak', steps, gates: [go, wide] });
    const more = { decision: 'more-soak', soakMs: 4_000 } as const;
    expect(await rollouts.answer('soak', 'go', 'ana', more)).toMatchObject({
      outcome: 'ignored',
      reason: expect.stringContaining('nothing soaks before there is traffic') as string,
    });
    await rollouts.answer('soak', 'go', 'ana');

    const asked = await rollouts.gate('soak', 'wide@25%');
    expect(await rollouts.answer('soak', 'wide@25%', 'ana', more)).toMatchObject({ outcome: 'recorded' });
    const baking = await rollouts.until(
      'soak',
      'more bake',
      ({ phase, bake }) => phase !== 'paused' && bake?.state === 'baking',
    );
    expect(baking.weights.acceptedBp).toBe(500);
    const again = await rollouts.gate('soak', 'wide@25%');
    expect(again.evidenceRevision).toBeGreaterThan(asked.evidenceRevision);
    expect(again.openedAt - asked.openedAt).toBeGreaterThanOrEqual(4_000);
    await rollouts.answer('soak', 'wide@25%', 'sam');
    expect((await rollouts.ended('soak')).outcome).toBe('completed');
    expect(world.weightsSeenByProxy('soak')).toEqual(stepsBp);
  });
});

describe('an abort while the old release is being removed', () => {
  it('ends with a release that serves everything and a claim that is given back', async () => {
    await rollouts.start({ service: 'late', steps: [{ weight: '100%', bake: '1s' }] });
    const stop = world.service('late').recorder.fault({
      method: 'DELETE',
      times: 1,
      fault: { kind: 'delay', ms: 3_000, where: 'request' },
    });
    await rollouts.until('late', 'retiring', ({ phase }) => phase === 'retiring');
    const input = { by: 'olga', reason: 'now' };
    await control(rollouts.session, idOf('late'), { kind: 'abort', input }, { waitMs: patienceMs });
    const { outcome } = await rollouts.ended('late');
    stop();
    const serves = outcome === 'completed' ? 'v2' : 'v1';
    expect(['completed', 'rolled-back']).toContain(outcome);
    const { a, b } = await world.service('late').slotStates();
    const ready = [a, b].filter((slot) => slot?.ready === true).map((slot) => slot?.release?.label);
    expect(ready).toContain(serves);
    const last = world.proxyWrites('late').at(-1);
    expect(last?.claim?.released).toBe(true);
    expect(last?.canaryBp).toBe(serves === 'v2' ? 10_000 : 0);
  });
});
