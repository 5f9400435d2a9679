import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createEngine } from '../../providers/engine.ts';
import type { Engine } from '../../providers/ports.ts';
import { freePort } from '../../testbed/servers/ports.ts';
import { temporaryFolder } from '../temporary-folder.ts';

/** The engine behind a door that asks for client certificates, as one on another host would be. */
const folder = temporaryFolder('tls');
let server: Server;
let port: number;

function openssl(...args: string[]): void {
  const { status, stderr, error } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${error?.message ?? stderr}`);
}

/** An authority, and a folder with a certificate of its own that it signed, as `docker` has them. */
function certificates(authority: string, name: string): string {
  mkdirSync(join(folder, name), { recursive: true });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2'];
  const ca = ['-keyout', `${authority}-ca-key.pem`, '-out', `${authority}-ca.pem`, '-subj', `/CN=${authority}`];
  const own = ['-keyout', `${name}/key.pem`, '-out', `${name}/cert.pem`, '-subj', `/CN=${name}`];
  const signed = ['-CA', `${authority}-ca.pem`, '-CAkey', `${authority}-ca-key.pem`];
  openssl('req', '-x509', ...key, ...ca);
  openssl('req', '-x509', ...key, ...own, ...signed, '-addext', 'subjectAltName=IP:127.0.0.1');
  copyFileSync(join(folder, `${authority}-ca.pem`), join(folder, name, 'ca.pem'));
  return join(folder, name);
}

beforeAll(async () => {
  const own = certificates('ours', 'server');
  const read = (file: string) => readFileSync(join(own, file));
  const tls = { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
  port = await freePort();
  server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (incoming, answer) => {
    const { method, url: path, headers } = incoming;
    const sent = request({ socketPath: inject('engine'), method, path, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    incoming.pipe(sent);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const engineWith = (folderOfCertificates: string): Engine =>
  createEngine({ kind: 'tls', host: '127.0.0.1', port, certificates: folderOfCertificates });

const call = { timeoutMs: 10_000 };

test('an engine on another host is reached with the client certificates of the worker', async () => {
  const engine = engineWith(join(folder, 'server'));
  expect(await engine.version(call)).toMatch(/^1\.\d+$/);
  expect(Array.isArray(await engine.list(call))).toBe(true);
});

test('certificates of another authority open nothing, and no error shows a key', async () => {
  const strangers = certificates('theirs', 'stranger');
  const untrusted = engineWith(strangers).version(call);
  await expect(untrusted).rejects.toMatchObject({ code: 'unreachable' });
  // It trusts the engine, which does not know it.
  copyFileSync(join(folder, 'server', 'ca.pem'), join(strangers, 'ca.pem'));
  const error: unknown = await engineWith(strangers)
    .version(call)
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'ProviderError', code: 'unreachable' });
  expect(String(error)).not.toContain('PRIVATE KEY');
});
