import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { createS3Archive, type S3Options } from '../../providers/archive/s3.ts';
import { createClock } from '../../providers/clock.ts';
import { createHttp } from '../../providers/http.ts';
import type { Archive, Shelf } from '../../providers/ports.ts';
import { startS3, type S3 } from '../../testbed/servers/s3.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const folder = temporaryFolder('s3');
const key = 'production/web/20261122T100000000Z.completed.run-1.0123456789ab.json';
let s3: S3;

beforeAll(async () => {
  s3 = await startS3(folder);
}, 180_000);

afterAll(() => s3.stop());

function archive(change: Partial<S3Options> = {}): Archive {
  const { url, bucket, region, accessKeyId, secretAccessKey } = s3;
  return createS3Archive({
    ...{
      http: createHttp(),
      clock: createClock(),
      endpoint: url,
      bucket,
      region,
      pathStyle: true,
      prefix: 'ops/sluice',
    },
    credentials: async () => ({ accessKeyId, secretAccessKey, sessionToken: null }),
    ...change,
  });
}

function shelf(change: Partial<S3Options> = {}): Shelf {
  const { shelf } = archive(change);
  if (shelf === null) throw new Error('no shelf');
  return shelf;
}

describe('an archive in a bucket of a service that checks signatures', () => {
  it('keeps a text under its key, the same again too, and gives it back', async () => {
    const text = `${JSON.stringify({ who: 'Zoë', what: '漢字 + spaces & more' })}\n`;
    await archive().put(key, text);
    await archive().put(key, text);
    expect(readFileSync(join(s3.objects, 'ops/sluice', key), 'utf8')).toBe(text);
    expect(readdirSync(join(s3.objects, 'ops/sluice/production/web'))).toEqual([key.split('/')[2]]);
    expect(await shelf().get(key)).toBe(text);
  });

  it('lists keys below its own prefix only, page by page', async () => {
    const keys = Array.from({ length: 1_100 }, (_, run) =>
      key.replace('web', 'many').replace('run-1', `run-${String(run)}`),
    );
    const many = archive();
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((one) => many.put(one, '{}')));
    await archive({ prefix: 'others' }).put(key, 'of somebody else');
    expect(await shelf().keys('production/many/')).toEqual({ keys: [...keys].sort(), complete: true });
    expect((await shelf({ prefix: 'others' }).keys('')).keys).toEqual([key]);
    expect((await shelf({ prefix: '' }).keys('others/')).keys).toEqual([`others/${key}`]);
  }, 120_000);

  it('says whether it answers before anything is written', async () => {
    expect(await archive().ping()).toBe('bucket records/ops/sluice answers');
  });

  const stranger = async () => ({ accessKeyId: s3.accessKeyId, secretAccessKey: 'wrong', sessionToken: null });
  test.each<[string, string, RegExp, () => Partial<S3Options>]>([
    ['a secret is wrong', 'denied', /SignatureDoesNotMatch/, () => ({ credentials: stranger })],
    ['the region is wrong', 'denied', /HTTP 40[03]/, () => ({ region: 'us-west-7' })],
    [
      'the clock is wrong',
      'denied',
      /RequestTimeTooSkewed/,
      () => ({ clock: { ...createClock(), now: () => Date.now() - 3_600_000 } }),
    ],
    ['there is no such bucket', 'missing', /NoSuchBucket/, () => ({ bucket: 'nowhere' })],
    ['nobody is there', 'unreachable', /connection refused/, () => ({ endpoint: 'http://127.0.0.1:1' })],
  ])('fails with what the service says when %s', async (_, code, words, change) => {
    const fails = { name: 'ProviderError', code, message: expect.stringMatching(words) as string };
    await expect(archive(change()).put(key, '{}')).rejects.toMatchObject(fails);
    await expect(archive(change()).ping()).rejects.toMatchObject(fails);
  });

  it('tells a key that is not there from one that it may not read', async () => {
    await expect(shelf().get(key.replace('web', 'none'))).rejects.toMatchObject({ code: 'missing' });
  });

  it('is refused by the service when what is sent is not what was signed', async () => {
    const http = createHttp();
    const forging = {
      send: (request: Parameters<typeof http.send>[0]) => http.send({ ...request, body: '{"forged":true}' }),
    };
    await expect(archive({ http: forging }).put(key.replace('web', 'forged'), '{}')).rejects.toMatchObject({
      code: 'denied',
    });
    expect((await shelf().keys('production/forged/')).keys).toEqual([]);
  });
});
