/** Where the operator keeps the records of rollouts, after Temporal has forgotten them. */

import * as z from 'zod';
import { auth, filePath, secretSource, type Auth, type SecretSource } from './auth.ts';
import { expecting } from './expectations.ts';
import { httpUrl, origin } from './names.ts';

export type ArchiveConfig =
  /** Path as written; relative ones mean the folder of the configuration file. */
  | { readonly kind: 'folder'; readonly path: string }
  | S3Archive
  | { readonly kind: 'webhook'; readonly url: string; readonly auth: Auth | null };

export interface S3Archive {
  readonly kind: 's3';
  readonly endpoint: string;
  readonly bucket: string;
  /** Without a slash at either end; may be empty. */
  readonly prefix: string;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly credentials: {
    readonly accessKeyId: SecretSource;
    readonly secretAccessKey: SecretSource;
    readonly sessionToken: SecretSource | null;
  };
}

const bucket = expecting(
  z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  'the name of a bucket',
  'of 3 to 63 lower-case letters, digits, "." or "-"',
);
const prefix = expecting(
  z.string().regex(/^(?:[\w.-]+(?:\/[\w.-]+)*)?$/),
  'the beginning of keys',
  'such as sluice or ops/rollouts, without a slash at either end',
);
const region = expecting(z.string().regex(/^[a-z0-9-]{1,40}$/), 'a region', 'such as eu-central-1');

export const archive = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('folder'), path: filePath }),
    z.strictObject({
      kind: z.literal('s3'),
      endpoint: origin.describe(
        'Origin of the service; the bucket goes in front of its host or, with pathStyle, into the path.',
      ),
      bucket,
      prefix: prefix.default(''),
      region,
      pathStyle: z.boolean().default(false),
      credentials: z.strictObject({
        accessKeyId: secretSource,
        secretAccessKey: secretSource,
        sessionToken: secretSource.nullable().default(null),
      }),
    }),
    z.strictObject({
      kind: z.literal('webhook'),
      url: httpUrl.describe('Gets every record as a POST; nothing can be read back from it.'),
      auth: auth.nullable().default(null),
    }),
  ])
  .describe('Where the record of each rollout is kept when it ends.');
