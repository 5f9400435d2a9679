/** A small image registry on loopback that holds what it is given and can be pulled from, with a password where one is set. */

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

export interface ImageFacts {
  /** The image's one layer. */
  readonly layer: Uint8Array;
  /** `Env`, `Entrypoint`, `Labels`, … as images have them. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Registry {
  /** `127.0.0.1:port`, the first part of its images' names. */
  readonly address: string;
  /** Keeps an image, under whatever repository it is asked for; returns its digest. */
  push(image: ImageFacts): string;
  /** From now on `user:password` must be said for this repository, and nothing for the others. */
  lock(repository: string, key: string): void;
  /** `METHOD path` of everything that was asked, in order. */
  readonly asked: readonly string[];
  stop(): Promise<void>;
}

const types = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
};

export async function startRegistry(port: number): Promise<Registry> {
  const locked = new Map<string, string>();
  const blobs = new Map<string, { readonly type: string; readonly bytes: Uint8Array }>();
  const asked: string[] = [];
  const keep = (type: string, bytes: Uint8Array) => {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    blobs.set(digest, { type, bytes });
    return { mediaType: type, digest, size: bytes.length };
  };
  const keepJson = (type: string, value: unknown) => keep(type, Buffer.from(JSON.stringify(value)));

  const server = createServer((incoming, answer) => {
    const { method = 'GET', url = '/', headers } = incoming;
    asked.push(`${method} ${url}`);
    const [, repository = '', digest = ''] = /^\/v2\/(.+)\/(?:manifests|blobs)\/([^/]+)$/.exec(url) ?? [];
    const key = locked.get(repository);
    const said = Buffer.from(headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
    // The bare address is where engines learn how to log in.
    const isLocked = repository === '' ? locked.size > 0 && said === '' : key !== undefined && said !== key;
    if (isLocked) return void answer.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    if (repository === '') return void answer.writeHead(200).end('{}');
    const blob = blobs.get(digest);
    if (blob === undefined) {
      const code = url.includes('/manifests/') ? 'MANIFEST_UNKNOWN' : 'BLOB_UNKNOWN';
      return void answer.writeHead(404).end(JSON.stringify({ errors: [{ code, message: 'manifest unknown' }] }));
    }
    const facts = { 'content-type': blob.type, 'content-length': blob.bytes.length, 'docker-content-digest': digest };
    answer.writeHead(200, facts).end(method === 'HEAD' ? undefined : blob.bytes);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    address: `127.0.0.1:${port}`,
    push: ({ layer, config }) => {
      const kept = keep(types.layer, layer);
      const rootfs = { type: 'layers', diff_ids: [kept.digest] };
      const image = keepJson(types.config, { ...platform(), config, rootfs, history: [{ created_by: 'test' }] });
      const manifest = { schemaVersion: 2, mediaType: types.manifest, config: image, layers: [kept] };
      return keepJson(types.manifest, manifest).digest;
    },
    lock: (repository, key) => void locked.set(repository, key),
    asked,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function platform() {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  return { architecture, os: 'linux', created: '2026-01-01T00:00:00Z' };
}
