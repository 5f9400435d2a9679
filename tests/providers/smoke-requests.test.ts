import { createHmac } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SmokeSignature } from '../../plan/plan.ts';
import { uniqueWord, variablesOf } from '../../providers/smoke/variables.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { type Answer, type Asked, listen, type Loopback } from './loopback.ts';
import { expecting, json, request, run, runnerWith, suite } from './smoke-given.ts';

const servers: Loopback[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(answer: (asked: Asked, count: number) => Answer | Promise<Answer>): Promise<Loopback> {
  const server = await listen(answer);
  servers.push(server);
  return server;
}

const paths = (server: Loopback) => server.asked.map(({ method, path }) => `${method} ${path}`);

describe('a multipart body', () => {
  const folder = temporaryFolder('smoke-files');
  const files = join(folder, 'offered');
  const picture = Buffer.from([0xff, 0xd8, 0x00, 0x0d, 0x0a, 0xff]);
  beforeAll(() => {
    mkdirSync(join(files, 'test'), { recursive: true });
    writeFileSync(join(files, 'test', 'fixture.jpg'), picture);
    writeFileSync(join(folder, 'outside.jpg'), 'the operator’s own');
  });

  const part = { kind: 'file', name: 'image', contentType: 'image/jpeg' } as const;
  const upload = (file: string) =>
    request('upload', {
      method: 'POST',
      headers: { 'x-session-id': '{{sid}}' },
      body: {
        kind: 'multipart',
        parts: [
          { ...part, file },
          { kind: 'field', name: 'title', value: 'of {{sid}} "{{secret:TOKEN}}"' },
        ],
      },
    });
  const greeting = request('greeting', { capture: { sid: '$.sid' } });

  it('brings a file as it is and texts filled in (T-13)', async () => {
    const server = await serve(() => json({ sid: 's-1' }));
    const setting = { files, secrets: { TOKEN: 'tok-en-1' } };
    expect(await run(server, suite([greeting, upload('test/fixture.jpg')]), setting)).toMatchObject({ passed: true });
    const { headers, bytes } = server.asked[1] as Asked;
    expect(headers['x-session-id']).toBe('s-1');
    const boundary = /^multipart\/form-data; boundary=(?<it>\S+)$/.exec(headers['content-type'] ?? '')?.groups?.['it'];
    const head = 'Content-Disposition: form-data; name=';
    const file = `--${String(boundary)}\r\n${head}"image"; filename="fixture.jpg"\r\nContent-Type: image/jpeg\r\n\r\n`;
    expect(bytes.indexOf(Buffer.concat([Buffer.from(file), picture, Buffer.from('\r\n--')]))).toBe(0);
    expect(bytes.toString()).toContain(`${head}"title"\r\n\r\nof s-1 "tok-en-1"\r\n--${String(boundary)}--`);
  });

  it.each(['test/none.jpg', 'test', '../outside.jpg', '/etc/hostname'])('brings no %s', async (file) => {
    const server = await serve(() => json({ sid: 's-1' }));
    const setting = { files, secrets: { TOKEN: 'tok-en-1' } };
    const tried = suite([greeting, upload(file)]);
    const sentence = `upload: file ${file} is not among the smoke files of this worker`;
    expect(await run(server, tried, setting)).toMatchObject({ passed: false, sentence });
    expect(server.asked).toHaveLength(1);
    expect(await runnerWith(setting).missingFiles(tried)).toEqual([file]);
  });

  it('has no files where the operator offers none', async () => {
    expect(await runnerWith().missingFiles(suite([upload('test/fixture.jpg')]))).toEqual(['test/fixture.jpg']);
  });
});

describe('cookies', () => {
  const login = request('login', { method: 'POST' });
  const mine = request('mine');
  const app = (asked: Asked): Answer => {
    if (asked.path === '/login') {
      const set = ['session=s3ss10n-value; Path=/; HttpOnly', 'lang=es; Expires=Wed, 21 Oct 2065 07:28:00 GMT', 'bad'];
      return { headers: { 'set-cookie': set } };
    }
    return {
      status: asked.headers.cookie === 'session=s3ss10n-value; lang=es' ? 200 : 401,
      body: 's3ss10n-value',
    };
  };

  it('of an answer go with the requests after it, of this run alone', async () => {
    const server = await serve(app);
    expect(await run(server, suite([login, mine]))).toMatchObject({ passed: true });
    expect(await run(server, suite([mine]))).toMatchObject({ sentence: 'mine: expected 2xx, got 401' });
  });

  it('stay out of a request that comes as a stranger, who is refused with exactly 401', async () => {
    const server = await serve(app);
    const stranger = request('stranger', { path: '/mine', cookies: 'none', expect: expecting({ status: '401' }) });
    expect(await run(server, suite([login, stranger, mine]))).toMatchObject({ passed: true });
    expect(server.asked[1]?.headers.cookie).toBeUndefined();
  });

  it('are added to those that a request brings, and are hidden like secrets', async () => {
    const server = await serve(app);
    const own = request('own', { headers: { cookie: 'a=b' } });
    const report = await run(server, suite([login, own]));
    expect(server.asked[1]?.headers.cookie).toMatch(/^a=b; session=/);
    expect(report.requests[1]).toMatchObject({ status: 401, body: '***' });
  });

  it('follow the host that is asked for, not the address that is dialled', async () => {
    const server = await serve((asked) =>
      asked.path === '/login'
        ? { headers: { 'set-cookie': 'a=b; Domain=web.example' } }
        : { status: asked.headers.cookie === 'a=b' ? 200 : 401 },
    );
    expect(await run(server, suite([login, mine]), { headers: { host: 'web.example' } })).toMatchObject({
      passed: true,
    });
  });
});

describe('a signature', () => {
  const key = 'app-secret-1';
  const hook = (signature: SmokeSignature) =>
    request('hook', { method: 'POST', body: { kind: 'json', value: { id: '{{unique}}', è: 'ü' } }, signature });
  const plain: SmokeSignature = {
    secret: 'APP',
    header: 'x-hub-signature-256',
    hash: 'sha256',
    encoding: 'hex',
    over: '{{body}}',
    format: 'sha256={{signature}}',
  };

  it('is over the body as it is sent', async () => {
    const server = await serve((asked) => {
      const right = createHmac('sha256', key).update(asked.bytes).digest('hex');
      return { status: asked.headers['x-hub-signature-256'] === `sha256=${right}` ? 202 : 401 };
    });
    expect(await run(server, suite([hook(plain)]), { secrets: { APP: key } })).toMatchObject({ passed: true });
    expect(await run(server, suite([hook(plain)]), { secrets: { APP: 'other-key' } })).toMatchObject({
      sentence: 'hook: expected 2xx, got 401',
    });
    expect(runnerWith().secretsOf(suite([hook(plain)]))).toEqual(['APP']);
  });

  it('is over whatever the receiver wants, with the moment in it', async () => {
    const over = 'id:{{unique}};ts:{{timestamp}};{{body}}';
    const signature = { ...plain, hash: 'sha1', encoding: 'base64', header: 'x-signature', over } as const;
    const server = await serve((asked) => {
      const { ts = '', v1 } =
        /^ts=(?<ts>\d{10}),v1=(?<v1>.+)$/.exec(String(asked.headers['x-signature']))?.groups ?? {};
      const { id } = JSON.parse(asked.body) as { id: string };
      const right = createHmac('sha1', key).update(`id:${id};ts:${ts};`).update(asked.bytes).digest('base64');
      const isNow = Math.abs(Date.now() / 1_000 - Number(ts)) < 60;
      return { status: v1 === right && isNow ? 202 : 401 };
    });
    const tried = suite([hook({ ...signature, format: 'ts={{timestamp}},v1={{signature}}' })]);
    expect(await run(server, tried, { secrets: { APP: key } })).toMatchObject({ passed: true });
  });

  it('without its secret is not sent', async () => {
    const server = await serve(() => json({}));
    expect((await run(server, suite([hook(plain)]))).sentence).toBe('hook: secret APP has no value');
    expect(server.asked).toHaveLength(0);
  });
});

describe('a request that must be right several times in a row', () => {
  const ready = request('ready', { repeat: { times: 3, everyMs: 20 } });

  it('is one result, with the time of the slowest', async () => {
    const server = await serve(async (_, count) => {
      if (count === 2) await new Promise((resolve) => setTimeout(resolve, 60));
      return json({});
    });
    const report = await run(server, suite([ready]));
    expect(report).toMatchObject({ passed: true, sentence: expect.stringMatching(/^1 request passed/) as string });
    expect(report.requests[0]?.ms).toBeGreaterThanOrEqual(55);
    expect(server.asked).toHaveLength(3);
  });

  it('fails the first time it is not', async () => {
    const server = await serve((_, count) => json({}, count === 2 ? 503 : 200));
    const tried = suite([ready], { forbidStatus: [] });
    expect((await run(server, tried)).sentence).toBe('ready: 2 of 3: expected 2xx, got 503');
    expect(server.asked).toHaveLength(2);
  });
});

describe('test data', () => {
  it('is the same through a run and another in the next', async () => {
    const server = await serve((asked) => json({ got: asked.path }));
    const make = request('make', { path: '/{{unique}}/{{uniqueDate}}' });
    const read = request('read', { path: '/{{unique}}', expect: expecting({ json: { got: '/{{unique}}' } }) });
    expect(await run(server, suite([make, read]))).toMatchObject({ passed: true });
    await run(server, suite([make, read]));
    const [first, again, second] = server.asked.map(({ path }) => path.split('/')[1]);
    expect(again).toBe(first);
    expect(second).not.toBe(first);
    expect(server.asked[1]?.headers['x-sluice-smoke']).toBe(`${String(first)}/read`);
  });

  it('has a day that no run of the next two days has, in whatever minute they start', () => {
    const minutes = Array.from({ length: 2 * 24 * 60 }, (_, minute) => Date.UTC(2026, 2, 2) + minute * 60_000);
    const dates = minutes.map((at) => variablesOf(uniqueWord(at, 'x')));
    expect(new Set(dates.map((one) => one.get('uniqueDate'))).size).toBe(minutes.length);
    const one = dates[0];
    expect([one?.get('uniqueDate'), one?.get('uniqueDateAfter')].every((date) => (date ?? '') > '2026-03-02')).toBe(
      true,
    );
    expect(Date.parse(one?.get('uniqueDateAfter') ?? '') - Date.parse(one?.get('uniqueDate') ?? '')).toBe(86_400_000);
  });
});

describe('a text that an answer must contain', () => {
  it('is looked for as it is, with variables filled in', async () => {
    const server = await serve(() => ({ body: 'healthy (DB, Redis)' }));
    const has = (contains: string) => suite([request('health', { expect: expecting({ contains }) })]);
    expect(await run(server, has('healthy'))).toMatchObject({ passed: true });
    expect((await run(server, has('well'))).sentence).toBe('health: the answer does not contain "well"');
  });
});

describe('clean-up', () => {
  const book = request('book', { method: 'POST', capture: { code: '$.code' }, expect: expecting({ status: '201' }) });
  const broken = request('broken', { expect: expecting({ status: '204' }) });
  const cancel = request('cancel', { method: 'DELETE', path: '/book/{{code}}' });
  const sweep = request('sweep', { method: 'DELETE', path: '/all/{{unique}}' });
  const booked = () => json({ code: 'c-1' }, 201);

  it('comes after the last request', async () => {
    const server = await serve(({ method }) => (method === 'DELETE' ? json({}) : booked()));
    const report = await run(server, suite([book], { cleanup: [cancel] }));
    expect(report).toMatchObject({ passed: true, requests: [{ name: 'book' }, { name: 'cancel', part: 'clean-up' }] });
    expect(report.sentence).toMatch(/^1 request passed in [^;]*$/);
    expect(paths(server)).toEqual(['POST /book', 'DELETE /book/c-1']);
  });

  it('comes after a failure too, also for what a wrong answer gave out', async () => {
    const server = await serve(({ method }) => json({ code: 'c-1' }, method === 'POST' ? 200 : 204));
    const report = await run(server, suite([book, broken], { cleanup: [cancel] }));
    expect(report).toMatchObject({ passed: false, sentence: 'book: expected 201, got 200' });
    expect(paths(server)).toEqual(['POST /book', 'DELETE /book/c-1']);
  });

  it('comes for what was captured when something else is missing', async () => {
    const server = await serve(({ method }) => (method === 'DELETE' ? json({}) : booked()));
    const both = { ...book, capture: { price: '$.price', code: '$.code' } };
    expect(await run(server, suite([both], { cleanup: [cancel] }))).toMatchObject({ passed: false });
    expect(paths(server)).toEqual(['POST /book', 'DELETE /book/c-1']);
  });

  it('leaves out what nothing was made for', async () => {
    const server = await serve(() => json({}, 409));
    await run(server, suite([book], { cleanup: [cancel, sweep] }));
    expect(paths(server)).toEqual(['POST /book', expect.stringMatching(/^DELETE \/all\/\w+$/)]);
  });

  it('that fails is told, and decides nothing', async () => {
    const server = await serve(({ method }) => (method === 'DELETE' ? json({}, 404) : booked()));
    const report = await run(server, suite([book], { cleanup: [cancel, sweep] }));
    expect(report.passed).toBe(true);
    expect(report.sentence).toMatch(
      /^1 request passed in .*; clean-up cancel: expected 2xx, got 404; clean-up sweep: expected 2xx, got 404$/,
    );
  });

  it('comes when the run is called off', async () => {
    const off = new AbortController();
    const server = await serve(({ method, path }) => {
      if (path === '/slow') off.abort(new Error('called off'));
      return path === '/slow' ? 'silence' : method === 'DELETE' ? json({}) : booked();
    });
    const running = run(server, suite([book, request('slow')], { cleanup: [cancel] }), { signal: off.signal });
    await expect(running).rejects.toThrow('called off');
    expect(paths(server)).toEqual(['POST /book', 'GET /slow', 'DELETE /book/c-1']);
  });
});
