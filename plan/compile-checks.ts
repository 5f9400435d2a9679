/** Criteria and smoke suites of the spec to those of the plan. */

import type { Spec } from '../spec/rollout.ts';
import type { Criterion, SmokeBody, SmokeRequest, SmokeSuite } from './plan.ts';

type SpecCriterion = Spec['criteria'][number];
type SpecSuite = Spec['smoke']['suites'][string];
type SpecRequest = SpecSuite['requests'][number];

export function compileCriterion(criterion: SpecCriterion): Criterion {
  const { id, query, severity, when, minSamples } = criterion;
  const common = {
    id,
    query,
    do: criterion.do,
    severity,
    when,
    forMs: criterion.for,
    warmUpMs: criterion.warmUp,
    minSamples,
  };
  switch (criterion.kind) {
    case 'limit':
      return { ...common, kind: 'limit', breach: criterion.breach };
    case 'compare':
      return {
        ...common,
        kind: 'compare',
        against: criterion.against,
        breach: criterion.breach,
        floor: criterion.floor,
      };
  }
}

export function compileSuite(suite: SpecSuite): SmokeSuite {
  return {
    publicUrl: suite.baseUrl.public,
    forbidStatus: suite.forbidStatus,
    requests: suite.requests.map(requestOf),
  };
}

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;

function requestOf(request: SpecRequest): SmokeRequest {
  const method = methods.find((name) => request[name] !== undefined) ?? 'get';
  const { status, json, exists, headers, contentType, within } = request.expect;
  return {
    name: request.name,
    method: method.toUpperCase(),
    path: request[method] ?? '/',
    headers: lowerCased(request.headers),
    body: bodyOf(request),
    expect: { status, json, exists, headers: lowerCased(headers), contentType, withinMs: within },
    capture: request.capture,
    timeoutMs: request.timeout,
  };
}

function bodyOf({ json, text }: SpecRequest): SmokeBody | null {
  if (json !== undefined) return { kind: 'json', value: json };
  return text === undefined ? null : { kind: 'text', value: text };
}

function lowerCased(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
