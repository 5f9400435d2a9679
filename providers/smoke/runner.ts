/** Runs a smoke suite: in order, to the first failure, then its clean-up, with nothing secret in what it reports. */

import type { SmokeRequest, SmokeSuite } from '../../plan/plan.ts';
import { requestVariables, type SmokeResult } from '../../plan/smoke.ts';
import { formatElapsed } from '../../plan/units.ts';
import { ProviderError } from '../errors.ts';
import type { Aim, SmokeRunner } from '../ports.ts';
import { exchange, type Answered } from './exchange.ts';
import { captures, check, salvaged } from './expectations.ts';
import { prepare } from './request.ts';
import { begin, redact, type Run, type SmokeOptions, valuesFor } from './run.ts';
import {
  fillExpectation,
  filesOfSuite,
  secretsOfSuite,
  SmokeProblem,
  type Values,
  variablesOfRequest,
} from './template.ts';

const shownBody = 300;

export function createSmokeRunner(options: SmokeOptions): SmokeRunner {
  return {
    secretsOf: secretsOfSuite,
    missingFiles: (suite) => options.files.missing(filesOfSuite(suite)),
    run: (suite, aim, signal) => runSuite(options, suite, aim, signal),
  };
}

async function runSuite(options: SmokeOptions, suite: SmokeSuite, aim: Aim, signal: AbortSignal | undefined) {
  const run = begin(options, suite, aim);
  const startedAt = options.clock.now();
  const requests: SmokeResult[] = [];
  const left: SmokeResult[] = [];
  try {
    for (const request of suite.requests) {
      requests.push(await runRequest(run, request, signal));
      if (requests.at(-1)?.failed !== null) break;
    }
  } finally {
    left.push(...(await cleanUp(run)));
  }
  const failed = requests.find((result) => result.failed !== null);
  const count = requests.length === 1 ? '1 request' : `${String(requests.length)} requests`;
  const elapsed = formatElapsed(options.clock.now() - startedAt);
  const sentence = failed === undefined ? `${count} passed in ${elapsed}` : said(failed);
  const untidy = left.filter((result) => result.failed !== null).map((result) => `; clean-up ${said(result)}`);
  return { passed: failed === undefined, sentence: [sentence, ...untidy].join(''), requests: [...requests, ...left] };
}

function said({ name, failed }: SmokeResult): string {
  return `${name}: ${failed ?? ''}`;
}

/** Goes on after a failure, and when the run is called off: test data that stays behind is nobody's to find. */
async function cleanUp(run: Run): Promise<readonly SmokeResult[]> {
  const results: SmokeResult[] = [];
  for (const request of run.suite.cleanup ?? []) {
    const known = [...run.variables.keys(), ...requestVariables];
    if (!variablesOfRequest(request).every((name) => known.includes(name))) continue; // nothing was made that it could remove
    results.push({ ...(await runRequest(run, request, undefined)), part: 'clean-up' });
  }
  return results;
}

async function runRequest(run: Run, request: SmokeRequest, signal: AbortSignal | undefined): Promise<SmokeResult> {
  const { times, everyMs } = request.repeat ?? { times: 1, everyMs: 0 };
  let slowest: SmokeResult | null = null;
  for (let time = 1; ; time += 1) {
    const result = await runOnce(run, request, signal);
    if (result.failed !== null && times > 1) {
      return { ...result, failed: `${String(time)} of ${String(times)}: ${result.failed}`.slice(0, shownBody) };
    }
    slowest = slowest === null || result.ms > slowest.ms ? result : slowest;
    if (result.failed !== null || time === times) return slowest;
    await run.clock.sleep(everyMs, signal);
  }
}

async function runOnce(run: Run, request: SmokeRequest, signal: AbortSignal | undefined): Promise<SmokeResult> {
  let answered: Answered | null = null;
  try {
    const values = await valuesFor(run, request);
    const prepared = await prepare(request, { reach: run.reach, values, files: run.files });
    const sent = signal === undefined ? prepared : { ...prepared, signal };
    answered = await exchange(run, request, sent, (early) => (answered = early));
    judge(run, request, values, answered);
    const { response, ms } = answered;
    return { name: request.name, status: response.status, ms, failed: null, body: null };
  } catch (error) {
    signal?.throwIfAborted();
    const { response, ms } = answered ?? { response: null, ms: 0 };
    return {
      name: request.name,
      status: response?.status ?? null,
      ms,
      failed: failureOf(run, error).slice(0, shownBody),
      body: response === null ? null : redact(run, response.body).slice(0, shownBody),
    };
  }
}

/** What a wrong answer gave out is kept too, as far as it can be: only so can it be cleaned up. */
function judge(run: Run, request: SmokeRequest, { variables }: Values, { response, ms }: Answered): void {
  try {
    check(fillExpectation(request.expect, variables), run.suite.forbidStatus, response, ms);
    remember(run, captures(request.capture, response));
  } catch (error) {
    remember(run, salvaged(request.capture, response));
    throw error;
  }
}

function remember(run: Run, captured: ReadonlyMap<string, string | number | boolean>): void {
  for (const [name, value] of captured) run.variables.set(name, value);
}

/** Only what is wrong outside is an answer; our own mistakes are thrown on, and they too may quote a request. */
function failureOf(run: Run, error: unknown): string {
  if (error instanceof SmokeProblem) return redact(run, error.message);
  if (error instanceof ProviderError) return redact(run, error.detail);
  const hidden = new Error(redact(run, String(error)));
  hidden.stack = redact(run, (error instanceof Error ? error.stack : undefined) ?? hidden.message);
  throw hidden;
}
