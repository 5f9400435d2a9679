import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { createFolderArchive } from '../../providers/archive/folder.ts';
import { createS3Archive } from '../../providers/archive/s3.ts';
import { createWebhookArchive } from '../../providers/archive/webhook.ts';
import { createClock } from '../../providers/clock.ts';
import { createHttp } from '../../providers/http.ts';
import type { Archive, HttpRequest } from '../../providers/ports.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { listen } from './loopback.ts';

const root = temporaryFolder('archive');
const key = 'production/web/20261122T100000000Z.completed.run-1.0123456789ab.json';
const text = '{"whole":true}\n';
let folder: string;
let archive: Archive;
let tests = 0;

beforeEach(() => {
  tests += 1;
  folder = join(root, String(tests));
  mkdirSync(folder);
  archive = createFolderArchive({ folder, random: () => 'r1' });
});

const fileOf = (name = key) => join(folder, name);
const everything = () =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile());

describe('an archive in a folder', () => {
  it('keeps a text under its key, and nothing else; only the owner and the group may read it', async () => {
    await archive.put(key, text);
    expect(everything()).toEqual([key]);
    expect(readFileSync(fileOf(), 'utf8')).toBe(text);
    expect(statSync(fileOf()).mode & 0o007).toBe(0);
  });

  it('takes the same again without touching what is there', async () => {
    await archive.put(key, text);
    const before = statSync(fileOf(), { bigint: true });
    await archive.put(key, text);
    const after = statSync(fileOf(), { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
  });

  it('never writes over another text, and says where it stands', async () => {
    await archive.put(key, text);
    await expect(archive.put(key, 'another')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(key) as string,
    });
    expect(readFileSync(fileOf(), 'utf8')).toBe(text);
  });

  it('removes what a killed worker left of the same record, and nothing of others', async () => {
    const left = fileOf(`${dirname(key)}/.${key.split('/')[2] ?? ''}.r0.part`);
    const others = fileOf(`${dirname(key)}/.another.json.r0.part`);
    mkdirSync(dirname(left), { recursive: true });
    for (const file of [left, others]) writeFileSync(file, '{"who');
    await archive.put(key, text);
    expect(everything().sort()).toEqual([others.slice(folder.length + 1), key]);
  });

  test.each<[string, string, () => void]>([
    ['the folder is gone, and makes none in its place', 'missing', () => rmSync(folder, { recursive: true })],
    ['a file stands where a folder should be', 'missing', () => writeFileSync(join(folder, 'production'), '')],
  ])('fails when %s', async (_, code, spoil) => {
    spoil();
    await expect(archive.put(key, text)).rejects.toMatchObject({ name: 'ProviderError', code });
    expect(() => readFileSync(fileOf())).toThrow();
  });

  it('lists what begins with a name, sorted, and nothing of other services or half-written files', async () => {
    const later = key.replace('20261122', '20261123');
    for (const one of [later, key, key.replace('web', 'web2'), key.replace('production', 'test')])
      await archive.put(one, text);
    writeFileSync(fileOf(`production/web/.x.json.r0.part`), '');
    const { keys, complete } = (await archive.shelf?.keys('production/web/')) ?? { keys: [], complete: false };
    expect(keys.filter((one) => one.endsWith('.json'))).toEqual([key, later]);
    expect(complete).toBe(true);
    expect((await archive.shelf?.keys(''))?.keys).toHaveLength(5);
    expect(await archive.shelf?.get(key)).toBe(text);
    expect((await archive.shelf?.keys('nowhere/'))?.keys).toEqual([]);
    await expect(archive.shelf?.get('production/web/none.json')).rejects.toMatchObject({ code: 'missing' });
  });

  it('says before anything is written whether it can be', async () => {
    expect(await archive.ping()).toContain(folder);
    rmSync(folder, { recursive: true });
    await expect(archive.ping()).rejects.toMatchObject({ code: 'missing' });
  });
});

it('names a bucket in front of its host unless it is told to put it into the path; a session token is signed too', async () => {
  const sent: HttpRequest[] = [];
  const http = { send: async (request: HttpRequest) => (sent.push(request), { status: 200, headers: {}, body: '' }) };
  const place = {
    http,
    clock: { ...createClock(), now: () => 1_795_348_800_000 },
    bucket: 'records',
    region: 'eu-central-1',
  };
  const credentials = async () => ({ accessKeyId: 'A', secretAccessKey: 'S', sessionToken: 'T' });
  for (const pathStyle of [false, true])
    await createS3Archive({ ...place, endpoint: 'https://s3.example:9000', prefix: '', pathStyle, credentials }).put(
      key,
      text,
    );
  expect(sent.map(({ url }) => url)).toEqual([
    `https://records.s3.example:9000/${key}`,
    `https://s3.example:9000/records/${key}`,
  ]);
  expect(sent[0]?.headers).toMatchObject({
    authorization: expect.stringMatching(
      /^AWS4-HMAC-SHA256 Credential=A\/20261122\/eu-central-1\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, /,
    ) as string,
    'x-amz-date': '20261122T120000Z',
    'x-amz-security-token': 'T',
  });
});

describe('an archive behind a webhook', () => {
  const post = async (status: number) => {
    const server = await listen(() => ({ status, body: 'token-1' }));
    const auth = { kind: 'bearer', token: async () => 'token-1' } as const;
    const hook = createWebhookArchive({ http: createHttp(), url: `${server.url}/records?team=ops`, auth });
    const error = await hook.put(key, text).then(
      () => null,
      (thrown: unknown) => thrown as Error,
    );
    await server.stop();
    return { asked: server.asked, error, hook };
  };

  it('is posted the record with its key and the credentials, and can be read by nobody', async () => {
    const { asked, error, hook } = await post(202);
    expect(error).toBeNull();
    expect(asked).toMatchObject([{ method: 'POST', path: '/records?team=ops', body: text }]);
    expect(asked[0]?.headers).toMatchObject({ authorization: 'Bearer token-1', 'idempotency-key': key });
    expect(hook.shelf).toBeNull();
    expect(hook.name).not.toContain('team=ops');
  });

  test.each([
    [500, 'unreachable'],
    [404, 'unreachable'],
    [401, 'denied'],
    [302, 'unreachable'],
  ])('fails on %i, without anything that it said', async (status, code) => {
    const { error } = await post(status);
    expect(error).toMatchObject({ code });
    expect(error?.message).not.toContain('token-1');
  });
});
