/** A real S3 service over a folder, which checks signatures as the cloud's own does. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isUp } from './http.ts';
import { locate } from './locate.ts';
import { freePort } from './ports.ts';
import { startProcess } from './process.ts';

export interface S3 {
  readonly url: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The bucket's objects lie here as files. */
  readonly objects: string;
  stop(): Promise<void>;
}

const accessKeyId = 'SLUICETESTKEY';
const secretAccessKey = 'not/a+real=secret of anybody';

/** With one empty bucket, addressed by its path. */
export async function startS3(folder: string): Promise<S3> {
  const command = await locate('versitygw');
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const [objects, metadata] = [join(folder, 'objects'), join(folder, 'metadata')];
  const bucket = 'records';
  const region = 'eu-central-1';
  for (const made of [join(objects, bucket), metadata]) mkdirSync(made, { recursive: true });
  const server = await startProcess({
    name: 's3',
    command,
    args: [
      '--port',
      address,
      '--region',
      region,
      '--health',
      '/healthz',
      '--quiet',
      'posix',
      '--sidecar',
      metadata,
      objects,
    ],
    folder,
    env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    ready: () => isUp(`http://${address}/healthz`),
  });
  const url = `http://${address}`;
  return {
    url,
    region,
    bucket,
    accessKeyId,
    secretAccessKey,
    objects: join(objects, bucket),
    stop: () => server.end(),
  };
}
