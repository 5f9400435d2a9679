/** One container as the engine inspects it: what a deploy door reads of it, and the rest as it came. */

import { z } from 'zod';
import type { JsonValue } from '../../../../plan/plan.ts';
import { ProviderError } from '../../../errors.ts';
import type { EngineCall } from '../../../ports.ts';
import { notUnderstood } from './found.ts';
import type { DockerHost } from './host.ts';

const json = z.record(z.string(), z.json());

const containerSchema = z.object({
  Id: z.string(),
  /** Id of its image. */
  Image: z.string(),
  RestartCount: z.int().nullish(),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    Paused: z.boolean().nullish(),
    OOMKilled: z.boolean().nullish(),
    ExitCode: z.int(),
  }),
  Config: z.intersection(
    z.object({
      /** The image by the name under which the container was created. */
      Image: z.string(),
      Env: z.array(z.string()).nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
      StopTimeout: z.int().nullish(),
      Hostname: z.string().nullish(),
    }),
    json,
  ),
  HostConfig: z.intersection(
    z.object({
      NetworkMode: z.string().nullish(),
      RestartPolicy: z.object({ Name: z.string().nullish() }).nullish(),
      PortBindings: z
        .record(z.string(), z.array(z.looseObject({ HostPort: z.string().nullish() })).nullable())
        .nullish(),
    }),
    json,
  ),
  Mounts: z
    .array(
      z.object({
        Type: z.string().nullish(),
        Name: z.string().nullish(),
        Source: z.string().nullish(),
        Destination: z.string(),
        RW: z.boolean().nullish(),
      }),
    )
    .nullish(),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});

export type Container = z.output<typeof containerSchema>;

/** `null` when there is none of this name. */
export async function inspected(host: DockerHost, name: string, call: EngineCall): Promise<Container | null> {
  const answer: JsonValue | null = await host.engine.inspect(name, call);
  if (answer === null) return null;
  const parsed = containerSchema.safeParse(answer);
  if (!parsed.success) throw notUnderstood(`inspect ${name}`);
  return parsed.data;
}

/** Throws `conflict` when it has gone meanwhile. */
export async function mustInspect(host: DockerHost, name: string, doing: string, call: EngineCall): Promise<Container> {
  const container = await inspected(host, name, call);
  if (container !== null) return container;
  throw new ProviderError({ code: 'conflict', doing, detail: `the container ${name} has gone meanwhile` });
}
