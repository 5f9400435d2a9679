import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsOf, type RolloutRecord } from '../../plan/record.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { idOf, nameOf, patienceMs, Rollouts } from './rollouts.ts';

const folder = temporaryFolder('archive');
const kept = join(folder, 'kept');
let world: World;
let rollouts: Rollouts;

beforeAll(async () => {
  world = await startWorld({ folder, services: ['good', 'bad', 'gone'] });
  rollouts = await Rollouts.of(world);
  mkdirSync(kept);
  await world.startWorker({ parts: { archive: { kind: 'folder', path: kept } } });
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
});

/** Everything below the archive's folder of a service, whole paths, oldest first. */
function filesOf(service: string): readonly string[] {
  const below = join(kept, 'demo', service);
  try {
    return readdirSync(below)
      .map((name) => join(below, name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const readRecord = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as RolloutRecord;

/** The newest record, once there are so many. */
async function recordFile(service: string, count = 1): Promise<string> {
  const files = () =>
    filesOf(service).filter((file) => file.endsWith('.json')).length >= count ? filesOf(service) : null;
  const found = await waitFor(files, { for: `record ${String(count)} of ${service}`, withinMs: patienceMs });
  expect(found).toHaveLength(count);
  return found.at(-1) ?? '';
}

const json = (text: string): unknown => JSON.parse(text);
const steps = [{ weight: '100%', bake: '1s', smoke: ['basic'] }];
const go = { id: 'go', at: 'start', require: [{ allOf: ['sre'] }], expires: '1h' };

/** As when Temporal's retention is over. */
async function forget(service: string, run: string): Promise<void> {
  const { client, namespace } = rollouts.session;
  const workflowExecution = { workflowId: idOf(service), runId: run };
  await client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
  const isGone = async () => {
    const handle = client.workflow.getHandle(idOf(service), run);
    return handle.describe().then(
      () => false,
      () => true,
    );
  };
  await waitFor(isGone, { for: `Temporal to forget ${service}`, withinMs: patienceMs, everyMs: 200 });
}

describe.concurrent('the record of a rollout', () => {
  it('is in the archive when it has ended, says what the rollout itself says, and can be checked by anybody', async () => {
    await rollouts.start({ service: 'good', steps, gates: [go] });
    await rollouts.gate('good', 'go');
    const running = await rollouts.run('record', 'good');
    expect(running).toMatchObject({ code: 0, stderr: expect.stringContaining('from the rollout itself') as string });
    expect(json(running.stdout)).toMatchObject({ status: { phase: 'awaiting-approval', outcome: null } });
    await rollouts.answer('good', 'go', 'ana');
    const status = await rollouts.ended('good');

    const file = await recordFile('good');
    const record = readRecord(file);
    expect(faultsOf(record)).toEqual([]);
    expect(record).toMatchObject({ status: { outcome: 'completed', run: status.run }, leftOut: [], masked: 0 });
    expect(record.requests).toMatchObject([{ gate: { id: 'go' }, decisions: [{ person: 'ana', kind: 'approve' }] }]);
    expect(record.timeline).toEqual(await rollouts.timeline('good'));
    expect(record.status.weights.acceptedBp).toBe(10_000);
    expect(await rollouts.session.client.workflow.getHandle(idOf('good')).query('record')).toEqual(record);
    expect(await rollouts.sluice(['record', '--check', file, '--digest', record.digest])).toMatchObject({ code: 0 });

    writeFileSync(file, readFileSync(file, 'utf8').replace('"ana"', '"eve"'));
    const changed = await rollouts.run('record', 'good');
    expect(changed).toMatchObject({
      code: 19,
      stderr: expect.stringContaining('the record is not what its digest') as string,
    });
  });

  it('is kept of a refused one and of one that went back as well, and each run is found by its id', async () => {
    await rollouts.start({ service: 'bad', steps: [{ weight: '50%', bake: '60s..120s' }, ...steps] });
    await rollouts.baking('bad', 5_000);
    await rollouts.abort('bad', 'seen enough');
    const first = await rollouts.ended('bad');
    expect(readRecord(await recordFile('bad')).status).toMatchObject({ outcome: 'rolled-back', run: first.run });

    await rollouts.sluice(rollouts.startLine({ service: 'bad', steps, metrics: 'nowhere' }));
    const second = await rollouts.ended('bad');
    const record = readRecord(await recordFile('bad', 2));
    expect(record.status).toMatchObject({
      outcome: 'refused',
      run: second.run,
      problems: [expect.stringContaining('nowhere') as string],
    });

    for (const { run, outcome } of [first, second]) {
      const status = await rollouts.run('status', 'bad', '--run', run.slice(0, 18), '--json');
      expect(json(status.stdout)).toMatchObject({ status: { run, outcome } });
      const told = await rollouts.run('timeline', 'bad', '--run', run, '--json');
      expect(told.stdout).toContain(`outcome:${outcome ?? ''}`);
    }
    expect(await rollouts.run('explain', 'bad', '--run', first.run)).toMatchObject({ code: 0 });
    expect(await rollouts.run('status', 'bad', '--run', '00000000')).toMatchObject({ code: 9 });
  });

  it('answers for the rollout when Temporal has forgotten it', async () => {
    await rollouts.start({ service: 'gone', steps });
    const { run } = await rollouts.ended('gone');
    const record = readRecord(await recordFile('gone'));
    const list = async (...more: readonly string[]) => {
      const { stdout } = await rollouts.sluice(['list', '--service', 'gone', '--json', ...more]);
      return json(stdout);
    };
    await waitFor(async () => JSON.stringify(await list()) !== '[]', {
      for: 'gone to be listed',
      withinMs: patienceMs,
    });
    expect(await list('--archived')).toMatchObject([{ run }]); // once, though both know it
    await forget('gone', run);

    expect(await list()).toEqual([]);
    expect(await list('--archived')).toMatchObject([{ run, state: 'completed', label: 'v2', requester: 'rita' }]);
    expect(await list('--archived', '--state', 'rolled-back')).toEqual([]);
    for (const more of [[], ['--run', run.slice(0, 13)]]) {
      const told = await rollouts.run('timeline', 'gone', ...more, '--json');
      expect(json(told.stdout)).toEqual(record.timeline);
      expect(json((await rollouts.run('record', 'gone', ...more)).stdout)).toEqual(record);
      const status = await rollouts.run('status', 'gone', ...more);
      expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('completed') as string });
      expect(status.stderr).toContain(`from the folder ${kept}`);
    }
    const none = await rollouts.run('status', 'gone', '--run', '00000000');
    expect(none).toMatchObject({
      code: 9,
      stderr: expect.stringContaining(`nothing of it in the folder ${kept}`) as string,
    });
    expect(await rollouts.sluice(['record', nameOf('never')])).toMatchObject({ code: 9 });
  });
});
