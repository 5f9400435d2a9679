import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsOf } from '../../plan/record.ts';
import { type Recorder, startRecorder } from '../../testbed/recorder.ts';
import { type S3, startS3 } from '../../testbed/servers/s3.ts';
import { waitFor } from '../../testbed/wait.ts';
import { startWorld, type World } from '../../testbed/world.ts';
import { listen, type Loopback } from '../providers/loopback.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { idOf, patienceMs, Rollouts } from './rollouts.ts';

const folder = temporaryFolder('archive-faults');
const steps = [{ weight: '100%', bake: '1s' }];
let channel: Loopback;
let world: World;
let rollouts: Rollouts;
let s3: S3;
let recorder: Recorder;

beforeAll(async () => {
  channel = await listen(() => ({ status: 200 }));
  world = await startWorld({ folder, services: ['full', 'killed'], notify: `${channel.url}/people` });
  rollouts = await Rollouts.of(world);
  s3 = await startS3(join(folder, 's3'));
  recorder = await startRecorder({ upstream: s3.url, logFile: join(folder, 's3.jsonl') });
}, 180_000);

afterAll(async () => {
  await rollouts.session.close();
  await world.stop();
  await recorder.stop();
  await s3.stop();
  await channel.stop();
});

const notices = (title: RegExp) =>
  channel.asked
    .map(({ body }) => JSON.parse(body) as { severity: string; title: string; text: string })
    .filter((one) => title.test(one.title));

/** Whole and half-written files below a folder. */
function filesBelow(place: string): readonly string[] {
  const found = readdirSync(place, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const faultsIn = (file: string) => faultsOf(JSON.parse(readFileSync(file, 'utf8')));

describe('an archive whose disk is full', () => {
  it('delays neither the end of a rollout nor the next one; people are told once, and all is written when there is room', async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    // A disk of its own, seen by the worker alone, and filled to its last byte.
    const script = 'mount -t tmpfs -o size=256k tmpfs "$0"; cat /dev/zero > "$0/ballast" 2> /dev/null; exec "$@"';
    const inside = ['unshare', '--map-root-user', '--mount', 'sh', '-c', script, disk];
    const worker = await world.startWorker({ inside, parts: { archive: { kind: 'folder', path: disk } } });
    const seen = `/proc/${String(worker.pid)}/root${disk}`;
    expect(filesBelow(seen)).toEqual([join(seen, 'ballast')]);

    await rollouts.start({ service: 'full', steps });
    expect(await rollouts.ended('full')).toMatchObject({
      outcome: 'completed',
      warnings: expect.arrayContaining([expect.stringContaining('may be kept late: look at')]) as string[],
    });
    await rollouts.start({ service: 'full', steps: [{ weight: '50%', bake: '60s..120s' }, ...steps] }, { label: 'v3' });
    await rollouts.baking('full', 5_000);
    await rollouts.abort('full', 'seen enough');
    expect((await rollouts.ended('full')).outcome).toBe('rolled-back');
    expect(filesBelow(seen)).toEqual([join(seen, 'ballast')]);

    const late = () => notices(/is not in the archive yet/);
    await waitFor(() => late().length === 2, { for: 'people to be told of both', withinMs: patienceMs });
    expect(late()[0]).toMatchObject({ severity: 'P1', text: expect.stringContaining('the disk is full') as string });
    const { code, stdout } = await rollouts.sluice(['doctor']);
    expect(code).toBe(17);
    expect(stdout).toContain('2 records of ended rollouts wait to be written');
    expect(stdout).toMatch(/✗ archive .*: the disk is full/);

    rmSync(join(seen, 'ballast'));
    await waitFor(() => notices(/is in the archive now/).length === 2, { for: 'both records', withinMs: patienceMs });
    expect(late()).toHaveLength(2);
    const records = [...filesBelow(seen)].sort();
    expect(records.map((file) => /\.(completed|rolled-back)\..*\.json$/.exec(file)?.[1])).toEqual([
      'completed',
      'rolled-back',
    ]);
    expect(records.flatMap(faultsIn)).toEqual([]);
    await worker.end();
  }, 400_000);
});

describe('a worker that is killed while it writes the record', () => {
  it('leaves exactly one whole object, however often it was sent', async () => {
    const { bucket, region } = s3;
    const credentials = { accessKeyId: { env: 'ID' }, secretAccessKey: { env: 'KEY' } };
    const archive = { kind: 's3', endpoint: recorder.url, bucket, region, pathStyle: true, credentials };
    const env = { ID: s3.accessKeyId, KEY: s3.secretAccessKey };
    const writes = () => recorder.entries().filter(({ method }) => method === 'PUT');
    for (const where of ['request', 'answer'] as const) {
      const worker = await world.startWorker({ parts: { archive }, env });
      const held = recorder.hold({ method: 'PUT', where, times: 1 });
      await rollouts.start({ service: 'killed', steps }, { label: where === 'request' ? 'v2' : 'v3' });
      const { run } = await rollouts.ended('killed');
      await waitFor(() => held.count() > 0, { for: 'the write to be under way', withinMs: patienceMs });
      await worker.kill();
      const next = await world.startWorker({ parts: { archive }, env });
      const handle = rollouts.session.client.workflow.getHandle(
        `archive/${idOf('killed').slice('rollout/'.length)}/${run}`,
      );
      expect(await handle.result()).toMatchObject({ key: expect.stringContaining(run) as string });
      held.release();
      await waitFor(() => writes().some(({ fault }) => fault === 'hold'), {
        for: 'the late write',
        withinMs: patienceMs,
      });
      const objects = filesBelow(s3.objects).filter((file) => file.includes(run));
      expect(objects).toHaveLength(1);
      expect(objects.flatMap(faultsIn)).toEqual([]);
      await next.end();
    }
    expect(writes().length).toBeGreaterThanOrEqual(4);
    expect(writes().map(({ status }) => status)).toEqual(writes().map(() => 200));
  }, 400_000);
});
