/** The connections' credentials: which environment variables hold them, and how providers get them. */

import type { Credentials } from '../providers/credentials.ts';
import { ProviderError } from '../providers/errors.ts';
import type { ArchiveConfig } from '../spec/archive.ts';
import type { Auth, BasicAuth } from '../spec/auth.ts';
import type { CaddyRoute, Connection, WorkerConfig } from '../spec/worker-config.ts';
import { WorkerProblem } from './problem.ts';

/** Values of the environment variables that the configuration's credentials name. Throws naming all that are unset. */
export function credentialsOf(
  config: WorkerConfig,
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const connected = Object.entries(config.connections).flatMap(([connection, declared]) => {
    const auths = authsOf(declared);
    const named = auths.filter((auth) => auth !== null);
    return named.map((auth) => ({ of: `connection ${connection}`, variable: variableOf(auth) }));
  });
  const wanted = [...connected, ...archiveVariables(config.archive).map((variable) => ({ of: 'archive', variable }))];
  const unset = wanted.filter(({ variable }) => (env[variable] ?? '') === '');
  if (unset.length > 0) {
    const lines = unset.map(({ of, variable }) => `${of}: environment variable ${variable} is not set`);
    throw new WorkerProblem([...new Set(lines)].join('\n'));
  }
  return new Map(wanted.map(({ variable }) => [variable, env[variable] ?? '']));
}

/** A cluster's credentials are those of its kubeconfig. */
function authsOf(declared: Connection): readonly (Auth | null)[] {
  switch (declared.kind) {
    case 'caddy':
      return Object.values(declared.routes).map(authOf);
    case 'kubernetes':
      return [];
    case 'http':
    case 'prometheus':
      return [declared.auth];
  }
}

function authOf({ deploy }: CaddyRoute): Auth | null {
  return deploy.kind === 'hook' ? deploy.auth : deploy.registry;
}

function archiveVariables(archive: ArchiveConfig | null): readonly string[] {
  if (archive === null) return [];
  switch (archive.kind) {
    case 'folder':
      return [];
    case 's3':
      return Object.values(archive.credentials).flatMap((source) => (source === null ? [] : [source.env]));
    case 'webhook':
      return archive.auth === null ? [] : [variableOf(archive.auth)];
  }
}

/** The environment variable that holds the secret part of these credentials. */
function variableOf(auth: Auth): string {
  return auth.kind === 'bearer' ? auth.token.env : auth.password.env;
}

/** What a connection's credentials are to a provider; `values` are those of `credentialsOf`. */
export function credentialsFor(auth: Auth | null, values: ReadonlyMap<string, string>): Credentials | null {
  if (auth === null) return null;
  if (auth.kind === 'basic') return basicFor(auth, values);
  return { kind: 'bearer', token: async () => valueOf(variableOf(auth), values) };
}

export function basicFor(
  auth: BasicAuth,
  values: ReadonlyMap<string, string>,
): Extract<Credentials, { kind: 'basic' }> {
  return { kind: 'basic', user: auth.user, password: async () => valueOf(variableOf(auth), values) };
}

export function valueOf(variable: string, values: ReadonlyMap<string, string>): string {
  const value = values.get(variable);
  if (value !== undefined) return value;
  throw new ProviderError({ code: 'denied', doing: 'read credentials', detail: `${variable} is not set` });
}
