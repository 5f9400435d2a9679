/** Runs a smoke suite: in order, to the first failure, with nothing secret in what it reports. */

import type { SmokeRequest, SmokeSuite } from '../../plan/plan.ts';
import type { SmokeResult } from '../../plan/smoke.ts';
import { formatElapsed } from '../../plan/units.ts';
import { ProviderError } from '../errors.ts';
import type { Aim, Clock, Http, HttpRequest, HttpResponse, Secrets, SmokeRunner } from '../ports.ts';
import { captures, check } from './expectations.ts';
import { prepare, reachOf, type Reach } from './request.ts';
import { fillExpectation, secretsOfRequest, secretsOfSuite, SmokeProblem, type Values } from './template.ts';

export interface SmokeOptions {
  readonly http: Http;
  readonly clock: Clock;
  readonly secrets: Secrets;
  /** Origins that suites may call beside the targets' own, e.g. `http://127.0.0.1:8080`. */
  readonly allow: readonly string[];
}

/** Failed exchanges are tried again this often; a wrong answer, also none in time, never is. */
const retries = 2;
const retryAfterMs = 200;
const shownBody = 300;

export function createSmokeRunner(options: SmokeOptions): SmokeRunner {
  return {
    secretsOf: secretsOfSuite,
    run: (suite, aim, signal) => runSuite(options, suite, aim, signal),
  };
}

async function runSuite(options: SmokeOptions, suite: SmokeSuite, aim: Aim, signal: AbortSignal | undefined) {
  const run = {
    ...options,
    suite,
    reach: reachOf(suite, aim, options.allow),
    variables: new Map(),
    seen: new Map(),
    signal,
  };
  const startedAt = options.clock.now();
  const requests: SmokeResult[] = [];
  for (const request of suite.requests) {
    const result = await runRequest(run, request);
    requests.push(result);
    if (result.failed !== null) return { passed: false, sentence: `${request.name}: ${result.failed}`, requests };
  }
  const count = requests.length === 1 ? '1 request' : `${String(requests.length)} requests`;
  return { passed: true, sentence: `${count} passed in ${formatElapsed(options.clock.now() - startedAt)}`, requests };
}

/** What the requests of one run share. */
interface Running extends SmokeOptions {
  readonly suite: SmokeSuite;
  readonly reach: Reach;
  readonly variables: Map<string, string | number | boolean>;
  /** Secret values that were sent. */
  readonly seen: Map<string, string>;
  readonly signal: AbortSignal | undefined;
}

async function runRequest(run: Running, request: SmokeRequest): Promise<SmokeResult> {
  let answered: Answered | null = null;
  try {
    const values: Values = { variables: run.variables, secrets: await secretsFor(run, request) };
    answered = await send(run, prepare(request, run.reach, values));
    check(fillExpectation(request.expect, run.variables), run.suite.forbidStatus, answered.response, answered.ms);
    for (const [name, value] of captures(request.capture, answered.response)) run.variables.set(name, value);
    return { name: request.name, status: answered.response.status, ms: answered.ms, failed: null, body: null };
  } catch (error) {
    if (run.signal?.aborted === true) throw error;
    return {
      name: request.name,
      status: answered?.response.status ?? null,
      ms: answered?.ms ?? 0,
      failed: redact(run, failureOf(error)).slice(0, shownBody),
      body: answered === null ? null : redact(run, answered.response.body).slice(0, shownBody),
    };
  }
}

/** Only what is wrong outside is an answer; our own mistakes are thrown on. */
function failureOf(error: unknown): string {
  if (error instanceof SmokeProblem) return error.message;
  if (error instanceof ProviderError) return error.detail;
  throw error;
}

async function secretsFor(run: Running, request: SmokeRequest): Promise<Values['secrets']> {
  for (const name of secretsOfRequest(request)) run.seen.set(name, await run.secrets.value(name));
  return run.seen;
}

interface Answered {
  readonly response: HttpResponse;
  /** Of the exchange that was answered, without the tries before it. */
  readonly ms: number;
}

async function send(run: Running, request: HttpRequest): Promise<Answered> {
  for (let left = retries; ; left -= 1) {
    const startedAt = run.clock.now();
    try {
      const response = await run.http.send(run.signal === undefined ? request : { ...request, signal: run.signal });
      return { response, ms: run.clock.now() - startedAt };
    } catch (error) {
      const inTime = run.clock.now() - startedAt < 0.95 * request.timeoutMs; // timers may fire a little early
      const isConnection = error instanceof ProviderError && error.code === 'unreachable' && inTime;
      if (left === 0 || !isConnection || run.signal?.aborted === true) throw error;
      await run.clock.sleep(retryAfterMs, run.signal);
    }
  }
}

/** Every form in which a value that we sent may come back. */
function redact(run: Running, text: string): string {
  const forms = [...run.seen.values()]
    .flatMap((value) => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
    .filter((form) => form !== '')
    .toSorted((a, b) => b.length - a.length);
  return run.secrets.redact(forms.reduce((hidden, form) => hidden.replaceAll(form, '***'), text));
}
