/** Credentials in the operator's files: the names of what holds them, never their values. */

import * as z from 'zod';
import { expecting } from './expectations.ts';
import { line } from './names.ts';

/** Where a secret's value is found when it is needed; the value itself never stands in a file of ours. */
export interface SecretSource {
  readonly env: string;
}

export interface BasicAuth {
  readonly kind: 'basic';
  readonly user: string;
  readonly password: SecretSource;
}

export type Auth = { readonly kind: 'bearer'; readonly token: SecretSource } | BasicAuth;

export const envName = expecting(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
  'the name of an environment variable',
  'such as PROM_TOKEN',
);
export const filePath = expecting(
  z
    .string()
    .min(1)
    .max(4096)
    .refine((text) => !text.includes('\0')),
  'a path',
  'such as ./directory.yaml',
);
export const secretSource = expecting(
  z.strictObject({ env: envName }),
  'a place where the secret is found',
  'such as { env: PROM_TOKEN }',
);

export const basicAuth = z
  .strictObject({ basic: z.strictObject({ user: line, password: secretSource }) })
  .transform(({ basic }): BasicAuth => ({ kind: 'basic', ...basic }));

export const auth = z
  .union([
    z.strictObject({ bearer: secretSource }).transform(({ bearer }): Auth => ({ kind: 'bearer', token: bearer })),
    basicAuth,
  ])
  .describe('Credentials by the name of the environment variable that holds them.');
