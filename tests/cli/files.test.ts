import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../temporary-folder.ts';
import { sluice } from './terminal.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const named = ['--service', 'web', '--environment', 'production', '--image', 'registry.example/web'];
const folder = temporaryFolder('files');

async function started(name: string, args: readonly string[] = named): Promise<string> {
  const dir = join(folder, name);
  const { exit, err } = await sluice(['init', '--dir', dir, ...args]);
  expect(err).toBe('');
  expect(exit).toBe(0);
  return dir;
}

describe('init', () => {
  test('writes three files that are valid as they are', async () => {
    const dir = await started('fresh');
    const files = ['rollout.yaml', 'worker.yaml', 'directory.yaml'].map((name) => join(dir, name));
    const { exit, out } = await sluice(['validate', ...files]);
    expect(out.replaceAll(`${dir}/`, '')).toMatchInlineSnapshot(`
      "rollout.yaml: valid Rollout

      worker.yaml: valid Worker

      directory.yaml: valid Directory"
    `);
    expect(exit).toBe(0);
  });

  test('asks for what is not given, and takes the usual answer for an empty line', async () => {
    const { exit } = await sluice(['init', '--dir', join(folder, 'asked')], ['', 'shop', '', 'registry.example/shop']);
    expect(exit).toBe(0);
    const rollout = await readFile(join(folder, 'asked', 'rollout.yaml'), 'utf8');
    expect(rollout).toContain('metadata: { service: "shop", environment: "production" }');
  });

  test('needs service and image when nobody is there to be asked', async () => {
    const { exit, err } = await sluice(['init', '--dir', join(folder, 'silent')]);
    expect(exit).toBe(2);
    expect(err).toContain('--service is missing');
  });

  test('never overwrites without --force', async () => {
    const dir = await started('twice');
    await writeFile(join(dir, 'worker.yaml'), 'mine');
    const { exit, err } = await sluice(['init', '--dir', dir, ...named]);
    expect(exit).toBe(2);
    expect(err).toContain('--force');
    expect(await readFile(join(dir, 'worker.yaml'), 'utf8')).toBe('mine');
    expect((await sluice(['init', '--dir', dir, ...named, '--force'])).exit).toBe(0);
  });

  test.each(['x', "it's", '"; drop', '{{track}}', 'a: b', '- #'])(
    'writes nothing invalid for a service called %j',
    async (service) => {
      const dir = join(folder, `hostile-${String(service.length)}-${String(service.charCodeAt(0))}`);
      const { exit } = await sluice(['init', '--dir', dir, ...named, '--service', service]);
      if (exit === 0) expect((await sluice(['validate', join(dir, 'rollout.yaml')])).exit).toBe(0);
      else expect(exit).toBe(2);
    },
  );
});

describe('validate', () => {
  test('reports every problem of every file at once', async () => {
    const dir = await started('broken');
    const file = join(dir, 'rollout.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('weight: 5%', 'weigth: 5%').replace('"> 1%"', '"nonsense"'));
    const { exit, out } = await sluice(['validate', file, join(dir, 'directory.yaml')]);
    expect(exit).toBe(2);
    expect(out).toContain('did you mean "weight"?');
    expect(out).toContain('is not a bad condition');
    expect(out).toContain('rollout.yaml: 2 problems');
    expect(out).toContain('directory.yaml: valid Directory');
  });

  test('gives problems as data with --json', async () => {
    const file = join(folder, 'syntax.yaml');
    await writeFile(file, 'kind: Rollout\n  bad: [');
    const { exit, out } = await sluice(['validate', file, '--json']);
    expect(exit).toBe(2);
    const [checked] = JSON.parse(out) as [{ problems: readonly unknown[] }];
    expect(checked).toMatchObject({ file, kind: 'Rollout', ok: false });
    expect(checked.problems).toContainEqual(expect.objectContaining({ file, line: 2, severity: 'error' }));
  });

  test('names what cannot be read, and what is wrong with the other files all the same', async () => {
    const broken = join(folder, 'beside.yaml');
    await writeFile(broken, 'kind: Directory\nidentiti: trust\n');
    const { exit, out } = await sluice(['validate', join(folder, 'nosuch.yaml'), folder, broken]);
    expect(exit).toBe(2);
    expect(out).toContain('nosuch.yaml: no such file');
    expect(out).toContain(`${folder}: it is a folder`);
    expect(out).toContain('did you mean "identity"?');
  });
});

test('init, plan and zero name the same route', async () => {
  const dir = await started('route', [...named, '--service', 'shop']);
  const worker = await readFile(join(dir, 'worker.yaml'), 'utf8');
  expect(worker).toContain('routes:\n      "shop":');
  const config = ['--config', join(dir, 'worker.yaml')];
  const { exit, err } = await sluice(['zero', 'edge/shopp', ...config]);
  expect(err).toContain('use route shopp: connection edge declares only shop');
  expect(exit).toBe(3);
  expect((await sluice(['zero', 'egde/shop', ...config])).err).toContain('the operator declared only prometheus, edge');
});

describe('plan --offline', () => {
  const release = ['--image', `registry.example/web@${digest}`, '--label', 'v2'];

  test('shows ladder, gates, queries and digest, and says that it assumes', async () => {
    const dir = await started('planned');
    const { exit, out } = await sluice(['plan', join(dir, 'rollout.yaml'), ...release, '--offline']);
    expect(exit).toBe(0);
    expect(`\n${out.replace(/sha256:[0-9a-f]{64}/, 'sha256:…')}\n`).toMatchInlineSnapshot(`
      "
      web in production  web
        release  v2 (sha256:aaaaaaaaaaaa) from registry.example/web
        stable   not asked
        target   caddy, connection edge, route web; weights in steps of 0.01%, fenced, preview
        digest   sha256:…

      Ladder
        gate go  1 of sre. Expires after 1d, then abort
        deploy   start the release where it gets no user traffic
        1%       bake 10m..20m, smoke basic at canary; a hold waits 1d, then rollback
        5%       bake 10m..20m, smoke basic at canary; a hold waits 1d, then rollback
        25%      bake 10m..20m, smoke basic at canary; a hold waits 1d, then rollback
        100%     bake 10m..20m, smoke basic at public; a hold waits 1d, then rollback
        promote  make the release stable
        watch    2h

      Criteria
        errors: > 1% for 1m -> rollback (P0, always, at least 50 requests)
          (sum(rate(http_requests_total{app="web",release="v2",code=~"5.."}[1m])) or vector(0)) / sum(rate(http_requests_total{app="web",release="v2"}[1m]))

      Going back
        within     5m, or somebody is paged
        then       basic at stable; the bad release is kept for 15m
        roles      sre
        requester  may approve

      Preflight
        not asked: capabilities are assumed, nothing was checked at the target (--offline)
      "
    `);
  });

  test('prints the same digest every time', async () => {
    const dir = await started('digest');
    const args = ['plan', join(dir, 'rollout.yaml'), ...release, '--offline', '--json'];
    const [one, two] = await Promise.all([sluice(args), sluice(args)]);
    expect(JSON.parse(one.out)).toMatchObject({
      assumed: true,
      preflight: null,
      planDigest: expect.stringMatching(/^sha256:/) as string,
    });
    expect(one.out).toBe(two.out);
  });

  test('refuses an image that is not the spec’s before anything is asked', async () => {
    const dir = await started('foreign');
    const other = ['--image', `registry.example/other@${digest}`, '--label', 'v2'];
    const { exit, err } = await sluice(['plan', join(dir, 'rollout.yaml'), ...other]);
    expect(exit).toBe(2);
    expect(err).toContain('registry.example/other');
  });
});
