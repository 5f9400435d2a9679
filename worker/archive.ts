/** The operator's archive, as the configuration declares it. */

import path from 'node:path';
import { createFolderArchive } from '../providers/archive/folder.ts';
import { createS3Archive } from '../providers/archive/s3.ts';
import { createWebhookArchive } from '../providers/archive/webhook.ts';
import type { Archive, Clock, Http } from '../providers/ports.ts';
import type { ArchiveConfig, S3Archive } from '../spec/archive.ts';
import { credentialsFor, valueOf } from './credentials.ts';

export interface Doors {
  readonly http: Http;
  readonly clock: Clock;
  readonly random: () => string;
  /** Values of the environment variables that credentials name. */
  readonly credentials: ReadonlyMap<string, string>;
}

/** `folder` is the one that relative paths start from. */
export function openArchive(config: ArchiveConfig | null, folder: string, doors: Doors): Archive | null {
  if (config === null) return null;
  const { http, clock, random, credentials } = doors;
  switch (config.kind) {
    case 'folder':
      return createFolderArchive({ folder: path.resolve(folder, config.path), random });
    case 's3':
      return createS3Archive({ ...config, http, clock, credentials: async () => valuesOf(config, credentials) });
    case 'webhook':
      return createWebhookArchive({ http, url: config.url, auth: credentialsFor(config.auth, credentials) });
  }
}

function valuesOf({ credentials }: S3Archive, values: ReadonlyMap<string, string>) {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    accessKeyId: valueOf(accessKeyId.env, values),
    secretAccessKey: valueOf(secretAccessKey.env, values),
    sessionToken: sessionToken === null ? null : valueOf(sessionToken.env, values),
  };
}
