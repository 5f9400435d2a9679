/** Smoke suites with as little in them as a test asks for, and the runner over real doors. */

import type { SmokeExpectation, SmokeRequest, SmokeSuite } from '../../plan/plan.ts';
import { createClock } from '../../providers/clock.ts';
import { ProviderError } from '../../providers/errors.ts';
import { createHttp } from '../../providers/http.ts';
import type { Aim, Secrets, SmokeRunner } from '../../providers/ports.ts';
import { createSmokeFiles } from '../../providers/smoke/files.ts';
import { createSmokeRunner } from '../../providers/smoke/runner.ts';
import { createSockets } from '../../providers/sockets.ts';
import type { Answer } from './loopback.ts';

export const expecting = (over: Partial<SmokeExpectation> = {}): SmokeExpectation => ({
  status: '2xx',
  json: null,
  exists: [],
  headers: {},
  contentType: null,
  withinMs: null,
  ...over,
});

export function request(name: string, over: Partial<SmokeRequest> = {}): SmokeRequest {
  const base = { method: 'GET', path: `/${name}`, headers: {}, body: null, capture: {}, timeoutMs: 2_000 };
  return { name, expect: expecting(), ...base, ...over };
}

export function suite(requests: readonly SmokeRequest[], over: Partial<SmokeSuite> = {}): SmokeSuite {
  return { publicUrl: null, forbidStatus: ['5xx'], requests, ...over };
}

export function secretsOf(values: Readonly<Record<string, string>>): Secrets {
  return {
    missing: async (names) => names.filter((name) => !(name in values)),
    value: async (name) => {
      const value = values[name];
      if (value === undefined) {
        throw new ProviderError({ code: 'missing', doing: 'read a secret', detail: `secret ${name} has no value` });
      }
      return value;
    },
    redact: (text) => text.replaceAll('known-elsewhere', '***'),
  };
}

export interface Setting {
  readonly secrets?: Readonly<Record<string, string>>;
  readonly allow?: readonly string[];
  readonly headers?: Aim['headers'];
  /** The operator's folder of smoke files. */
  readonly files?: string;
  readonly signal?: AbortSignal;
}

let runs = 0;

export function runnerWith({ secrets = {}, allow = [], files }: Setting = {}): SmokeRunner {
  return createSmokeRunner({
    http: createHttp(),
    sockets: createSockets(),
    clock: createClock(),
    secrets: secretsOf(secrets),
    files: createSmokeFiles(files ?? null),
    random: () => `r${String(++runs)}`,
    allow,
  });
}

export function run(server: { readonly url: string }, tried: SmokeSuite, setting: Setting = {}) {
  return runnerWith(setting).run(tried, { baseUrl: server.url, headers: setting.headers ?? {} }, setting.signal);
}

export const json = (value: unknown, status = 200): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(value),
});
