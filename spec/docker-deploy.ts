/** The `docker` deploy door of a route: which engine, which of its containers are the slots, and which images may run there. */

import * as z from 'zod';
import { basicAuth, type BasicAuth, filePath } from './auth.ts';
import type { Cursor } from './cursor.ts';
import { expecting } from './expectations.ts';
import type { Finding } from './issues.ts';
import { isSecretKey } from './source.ts';
import { imageName, variableName } from './names.ts';

/** Paths as written; relative ones mean the folder of the configuration file. */
export type EngineAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tls'; readonly host: string; readonly port: number; readonly certificates: string };

export interface DockerDeploy {
  readonly kind: 'docker';
  readonly engine: EngineAddress;
  /** Names of the slots' containers; what Sluice creates there is called `<name>.<fence>`. */
  readonly containers: Readonly<Record<'a' | 'b', string>>;
  /** Image repositories that may run there, without tag or digest. */
  readonly repositories: readonly string[];
  /** Variables of each new container, with `{{port}}`, `{{slot}}`, `{{label}}` and `{{digest}}` to be filled in. */
  readonly environment: Readonly<Record<string, string>>;
  /** Path that answers 2xx once a release can serve; `null`: any answer counts. */
  readonly ready: string | null;
  readonly registry: BasicAuth | null;
}

const engine = z
  .union([
    z.strictObject({ socket: filePath }).transform(({ socket }): EngineAddress => ({ kind: 'socket', path: socket })),
    z
      .strictObject({
        host: expecting(z.string().regex(/^[A-Za-z0-9._-]{1,253}$/), 'a host name or address', 'such as 10.0.0.5'),
        port: z.int().min(1).max(65_535).default(2376),
        certificates: filePath.describe('Folder with ca.pem, cert.pem and key.pem, as the docker command has it.'),
      })
      .transform((tls): EngineAddress => ({ kind: 'tls', ...tls })),
  ])
  .describe('Where the Docker Engine API is: a socket, or a host that asks for client certificates.');

const containerName = expecting(
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/),
  'the name of a container',
  'such as web-a',
);

const placeholders = ['port', 'slot', 'label', 'digest'];

const variableValue = expecting(
  z
    .string()
    .max(4000)
    .regex(/^[^\0]*$/)
    .refine((text) => [...text.matchAll(/\{\{([^}]*)\}\}/g)].every(([, name]) => placeholders.includes(name ?? ''))),
  'a text',
  `in which ${placeholders.map((name) => `{{${name}}}`).join(', ')} are filled in`,
);

export const dockerDeploy = z.strictObject({
  kind: z.literal('docker'),
  engine,
  containers: expecting(
    z.strictObject({ a: containerName, b: containerName }).refine(({ a, b }) => !isLike(a, b) && !isLike(b, a)),
    'two containers with different names',
    'such as { a: web-a, b: web-b }, where neither is the other with a number behind it',
  ).describe('Containers that are the slots. No others are ever touched; they carry the label sluice.route.'),
  repositories: z
    .array(imageName)
    .min(1)
    .describe('Image repositories that may run there, without tag or digest, whatever a rollout file says.'),
  environment: z
    .record(variableName, variableValue)
    .default({})
    .describe('Variables of each new container; {{port}}, {{slot}}, {{label}} and {{digest}} are filled in.'),
  ready: expecting(z.string().regex(/^\/[\x21-\x7e]{0,1000}$/), 'a path', 'such as /healthz')
    .nullable()
    .default(null)
    .describe('Path at the slot’s address that answers 2xx once a release can serve.'),
  registry: basicAuth.nullable().default(null).describe('Credentials for pulling.'),
});

function isLike(one: string, other: string): boolean {
  return one === other || (other.startsWith(`${one}.`) && /^\d+$/.test(other.slice(one.length + 1)));
}

/** The file is no place for secrets; those of the stable container are taken over with it. */
export function secretsInEnvironment(root: Cursor): readonly Finding[] {
  return deploysIn(root)
    .flatMap(({ deploy }) => deploy.at('environment').entries())
    .filter(([name, value]) => isSecretKey(name) && value.exists)
    .map(([, value]) => ({
      path: value.path,
      message: 'a credential stands in the file',
      expected: 'nothing: the variables of the stable container are taken over',
    }));
}

/** Two routes with one container would stop each other's releases. */
export function sharedContainers(root: Cursor): readonly Finding[] {
  const containers = deploysIn(root).flatMap(({ route, deploy }) => {
    const host = JSON.stringify(deploy.at('engine').raw ?? null);
    const names = deploy.at('containers').entries();
    return names.map(([, container]) => ({ route, host, container }));
  });
  return containers.flatMap(({ route, host, container }, index) => {
    const earlier = containers
      .slice(0, index)
      .find((one) => one.host === host && one.container.raw === container.raw && one.route !== route);
    return earlier === undefined
      ? []
      : [{ path: container.path, message: `route "${earlier.route}" uses this container too` }];
  });
}

function deploysIn(root: Cursor): readonly { readonly route: string; readonly deploy: Cursor }[] {
  return root
    .at('connections')
    .entries()
    .flatMap(([, connection]) => connection.at('routes').entries())
    .map(([route, value]) => ({ route, deploy: value.at('deploy') }));
}
