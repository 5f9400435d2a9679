/** What the requests of one run share: variables, cookies, and everything that must not be seen. */

import type { SmokeRequest, SmokeSuite } from '../../plan/plan.ts';
import type { Aim, Clock, Http, Secrets, SmokeFiles, Sockets } from '../ports.ts';
import { createRedactor } from '../secrets/redact.ts';
import { createJar, type Jar } from './cookies.ts';
import { reachOf, type Reach } from './request.ts';
import { secretsOfRequest, type Values } from './template.ts';
import { uniqueWord, variablesOf } from './variables.ts';

export interface SmokeOptions {
  readonly http: Http;
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly files: SmokeFiles;
  /** Some letters and digits, other ones each time. */
  readonly random: () => string;
  /** Origins that suites may call beside the targets' own, e.g. `http://127.0.0.1:8080`. */
  readonly allow: readonly string[];
}

export interface Run extends SmokeOptions {
  readonly suite: SmokeSuite;
  readonly reach: Reach;
  readonly variables: Map<string, string | number | boolean>;
  /** Secret values that were sent. */
  readonly seen: Map<string, string>;
  readonly jar: Jar;
}

export function begin(options: SmokeOptions, suite: SmokeSuite, aim: Aim): Run {
  return {
    ...options,
    suite,
    reach: reachOf(suite, aim, options.allow),
    variables: new Map<string, string | number | boolean>(
      variablesOf(uniqueWord(options.clock.now(), options.random())),
    ),
    seen: new Map(),
    jar: createJar(),
  };
}

/** What a request's placeholders stand for now. Throws `ProviderError` `missing` for a secret without a value. */
export async function valuesFor(run: Run, request: SmokeRequest): Promise<Values> {
  for (const name of secretsOfRequest(request)) run.seen.set(name, await run.secrets.value(name));
  const variables = new Map(run.variables).set('timestamp', Math.floor(run.clock.now() / 1_000));
  return { variables, secrets: run.seen };
}

/** Every form in which a secret that we sent, or a cookie that we were given, may come back. */
export function redact(run: Run, text: string): string {
  const hidden = [...run.seen.values(), ...run.jar.values()];
  // Too short for every form, but a secret all the same.
  const short = hidden.filter((value) => value !== '').toSorted((a, b) => b.length - a.length);
  return run.secrets.redact(short.reduce((left, value) => left.replaceAll(value, '***'), createRedactor(hidden)(text)));
}
