/** The connections' credentials: which environment variables hold them, and how providers get them. */

import type { Credentials } from '../providers/credentials.ts';
import { ProviderError } from '../providers/errors.ts';
import type { Auth, WorkerConfig } from '../spec/worker-config.ts';
import { WorkerProblem } from './problem.ts';

/** Values of the environment variables that the connections' credentials name. Throws naming all that are unset. */
export function credentialsOf(
  config: WorkerConfig,
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const wanted = Object.entries(config.connections).flatMap(([connection, declared]) => {
    const auths =
      declared.kind === 'caddy' ? Object.values(declared.routes).map(({ deploy }) => deploy.auth) : [declared.auth];
    return auths.filter((auth) => auth !== null).map((auth) => ({ connection, variable: variableOf(auth) }));
  });
  const unset = wanted.filter(({ variable }) => (env[variable] ?? '') === '');
  if (unset.length > 0) {
    const lines = unset.map(
      ({ connection, variable }) => `connection ${connection}: environment variable ${variable} is not set`,
    );
    throw new WorkerProblem([...new Set(lines)].join('\n'));
  }
  return new Map(wanted.map(({ variable }) => [variable, env[variable] ?? '']));
}

/** The environment variable that holds the secret part of these credentials. */
function variableOf(auth: Auth): string {
  return auth.kind === 'bearer' ? auth.token.env : auth.password.env;
}

/** What a connection's credentials are to a provider; `values` are those of `credentialsOf`. */
export function credentialsFor(auth: Auth | null, values: ReadonlyMap<string, string>): Credentials | null {
  if (auth === null) return null;
  const secret = async () => valueOf(variableOf(auth), values);
  return auth.kind === 'bearer'
    ? { kind: 'bearer', token: secret }
    : { kind: 'basic', user: auth.user, password: secret };
}

function valueOf(variable: string, values: ReadonlyMap<string, string>): string {
  const value = values.get(variable);
  if (value !== undefined) return value;
  throw new ProviderError({ code: 'denied', doing: 'read credentials', detail: `${variable} is not set` });
}
