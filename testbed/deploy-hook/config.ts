/** The hook's configuration file, JSON or YAML. */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { faultsSchema } from '../demo-service/faults.ts';

const port = z.int().min(1).max(65_535);

const configSchema = z.strictObject({
  /** Name of the service, as its metrics say it. */
  app: z.string().min(1),
  /** Port on 127.0.0.1. */
  listen: port,
  /** Slot → port on 127.0.0.1 that the slot's release listens on. */
  slots: z.record(z.string().regex(/^[a-z0-9-]{1,32}$/), port),
  /** How releases behave, by label; a label that is not listed behaves well. */
  releases: z.record(z.string(), faultsSchema).default({}),
  /** Where state, logs and request logs go; relative to this file. */
  folder: z.string().min(1),
  /** Name of an environment variable with the bearer token that callers must send. */
  tokenEnv: z.string().optional(),
});

export type HookConfig = z.output<typeof configSchema>;

/** Reads a configuration; throws with every problem in one message. */
export function readConfig(file: string): HookConfig {
  const parsed = configSchema.safeParse(parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file}:\n${z.prettifyError(parsed.error)}`);
  return { ...parsed.data, folder: resolve(dirname(file), parsed.data.folder) };
}
