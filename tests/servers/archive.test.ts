import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsOf, type RolloutRecord } from '../../plan/record.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { listen, type Loopback } from '../providers/loopback.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { patienceMs, Rollouts } from './rollouts.ts';

const folder = temporaryFolder('archive');
const kept = join(folder, 'kept');
let channel: Loopback;
let world: World;
let rollouts: Rollouts;

beforeAll(async () => {
  channel = await listen(() => ({ status: 200 }));
  world = await startWorld({ folder, services: ['good', 'bad'], notify: `${channel.url}/people` });
  rollouts = await Rollouts.of(world);
  mkdirSync(kept);
  await world.startWorker({ parts: { archive: { kind: 'folder', path: kept } } });
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
  await channel.stop();
});

/** Files below the archive, whole paths. */
function filesOf(service: string, archive = kept): readonly string[] {
  const below = join(archive, 'demo', service);
  try {
    return readdirSync(below).map((name) => join(below, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const readRecord = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as RolloutRecord;

async function recordFile(service: string, count = 1): Promise<string> {
  const files = () =>
    filesOf(service).filter((file) => file.endsWith('.json')).length === count ? filesOf(service) : null;
  const found = await waitFor(files, { for: `the record of ${service}`, withinMs: patienceMs });
  expect(found).toHaveLength(count);
  return [...found].sort().at(-1) ?? '';
}

const steps = [{ weight: '100%', bake: '1s', smoke: ['basic'] }];
const go = { id: 'go', at: 'start', require: [{ allOf: ['sre'] }], expires: '1h' };

describe.concurrent('the record of a rollout', () => {
  it('is in the archive when it has ended, says what the rollout itself says, and can be checked by anybody', async () => {
    await rollouts.start({ service: 'good', steps, gates: [go] });
    await rollouts.answer('good', 'go', 'ana');
    const status = await rollouts.ended('good');
    const file = await recordFile('good');
    const record = readRecord(file);
    expect(faultsOf(record)).toEqual([]);
    expect(record).toMatchObject({
      status: { outcome: 'completed', run: status.run, receipts: [] },
      leftOut: [],
      masked: 0,
    });
    expect(record.requests).toMatchObject([{ gate: { id: 'go' }, decisions: [{ person: 'ana', kind: 'approve' }] }]);
    expect(record.timeline).toEqual(await rollouts.timeline('good'));
    expect(record.status.weights.acceptedBp).toBe(10_000);

    const checked = await rollouts.sluice(['record', '--check', file, '--digest', record.digest]);
    expect(checked).toMatchObject({ code: 0, stderr: '' });
  });
});
