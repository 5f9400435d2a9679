import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { directoryLoader, loadWorkerConfig } from '../../worker/config.ts';
import { credentialsOf } from '../../worker/credentials.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const head = 'apiVersion: sluice/v1\nkind: Worker\ndirectory: ./directory.yaml\n';
const edge = (slots: string, deploy = '') => `${head}connections:
  prom: { kind: prometheus, url: "http://127.0.0.1:9090", auth: { bearer: { env: PROM_TOKEN } } }
  edge:
    kind: caddy
    admin: http://127.0.0.1:2019
    public: http://127.0.0.1:8080
    persistence: resume
    routes:
      web: { slots: ${slots}, deploy: { kind: hook, url: "http://127.0.0.1:9000"${deploy} } }
`;
const people = (role: string) =>
  `apiVersion: sluice/v1\nkind: Directory\nidentity: trust\npeople: { ana: { roles: [${role}] } }\n`;

const folders = temporaryFolder('config');
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(folders, 'worker-'));
});

async function file(text: string, name = 'worker.yaml'): Promise<string> {
  const at = path.join(folder, name);
  await writeFile(at, text);
  return at;
}

describe('the configuration of a worker', () => {
  it('is read with the folder that relative paths mean', async () => {
    const loaded = await loadWorkerConfig(await file(`${head}connections: {}\n`));
    expect(loaded.folder).toBe(folder);
    expect(loaded.config).toMatchObject({
      taskQueue: 'sluice',
      listen: '127.0.0.1:9464',
      directory: './directory.yaml',
    });
  });

  it('that is broken is refused with all its problems and their places', async () => {
    const broken = await file('apiVersion: sluice/v1\nkind: Worker\nlisten: nowhere\nconnectoins: {}\n');
    const problem = await loadWorkerConfig(broken).catch((error: unknown) => error as Error);
    expect(problem).toMatchObject({ name: 'WorkerProblem' });
    expect((problem as Error).message).toContain('worker.yaml:3:9');
    expect((problem as Error).message).toContain('connectoins');
  });

  it('that is not there is named in one line', async () => {
    const missing = path.join(folder, 'nope.yaml');
    await expect(loadWorkerConfig(missing)).rejects.toMatchObject({
      name: 'WorkerProblem',
      message: `${missing}: there is no such file`,
    });
  });

  it('names every credential whose environment variable is unset', async () => {
    const text = edge('{ a: 127.0.0.1:1, b: 127.0.0.1:2 }', ', auth: { bearer: { env: HOOK_TOKEN } }');
    const { config } = await loadWorkerConfig(await file(text));
    expect(() => credentialsOf(config, { HOOK_TOKEN: '' })).toThrow(
      /connection prom: environment variable PROM_TOKEN is not set\nconnection edge: environment variable HOOK_TOKEN/,
    );
    expect(credentialsOf(config, { PROM_TOKEN: 'p', HOOK_TOKEN: 'h' })).toEqual(
      new Map([
        ['PROM_TOKEN', 'p'],
        ['HOOK_TOKEN', 'h'],
      ]),
    );
  });

  it.each([
    [
      's3',
      'endpoint: "https://s3.example", bucket: ops, region: r, credentials: { accessKeyId: { env: ID }, secretAccessKey: { env: KEY } }',
      ['ID', 'KEY'],
    ],
    ['webhook', 'url: "https://keep.example", auth: { bearer: { env: HOOK_TOKEN } }', ['HOOK_TOKEN']],
  ])(
    'knows the credentials of an archive of kind %s, so that they are hidden everywhere',
    async (kind, more, names) => {
      const { config } = await loadWorkerConfig(
        await file(`${head}connections: {}\narchive: { kind: ${kind}, ${more} }\n`),
      );
      expect(() => credentialsOf(config, {})).toThrow(`archive: environment variable ${names[0] ?? ''} is not set`);
      const env = Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
      expect([...credentialsOf(config, env).keys()]).toEqual(names);
    },
  );
});

describe('the directory file', () => {
  it('is read anew when it has changed, and only then', async () => {
    const at = await file(people('sre'), 'directory.yaml');
    const load = directoryLoader(at);
    const first = await load();
    expect(first.people['ana']?.roles).toEqual(['sre']);
    expect(await load()).toBe(first);
    await file(people('sre, qa'), 'directory.yaml');
    expect((await load()).people['ana']?.roles).toEqual(['sre', 'qa']);
  });

  it('that is broken or gone is an error with its place, every time it is asked', async () => {
    const at = await file(people('sre'), 'directory.yaml');
    const load = directoryLoader(at);
    await load();
    await file('kind: Directory\n', 'directory.yaml');
    await expect(load()).rejects.toThrow(/directory.yaml:1:1/);
    await expect(load()).rejects.toThrow(/directory.yaml:1:1/);
    await rm(at);
    await expect(load()).rejects.toThrow(/no such file/);
    await file(people('qa'), 'directory.yaml');
    expect((await load()).people['ana']?.roles).toEqual(['qa']);
  });
});
