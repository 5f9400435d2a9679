import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../../plan/plan.ts';
import { ProviderError } from '../../../../providers/errors.ts';
import type { JsonObject } from '../../../../providers/targets/kubernetes/json.ts';
import { createGatewayRouter } from '../../../../providers/targets/kubernetes/routers/gateway.ts';
import type { Wanted } from '../../../../providers/targets/kubernetes/routers/router.ts';

const at = { namespace: 'shop', resource: 'httproutes', name: 'web' } as const;
const router = createGatewayRouter({ ...at, rule: null, stable: 'web', canary: 'web-canary' });
const header = { header: 'x-preview', value: 'canary' };

function route(rules: readonly JsonValue[], more: Readonly<Record<string, JsonValue>> = {}): JsonObject {
  return { metadata: { generation: 3 }, spec: { parentRefs: [{ name: 'gw' }], rules }, ...more };
}

/** The route after a write of the router's. */
function after(object: JsonObject, wanted: Partial<Wanted>): JsonObject {
  const [op] = router.write(object, { canaryBp: 0, canary: 'present', preview: null, before: {}, ...wanted });
  if (op?.op !== 'replace') throw new Error('the rules are not replaced');
  return { ...object, spec: { ...(object['spec'] as JsonObject), rules: op.value } };
}

function rulesOf(object: JsonObject): JsonValue {
  return (object['spec'] as JsonObject)['rules'] ?? null;
}

const plain = route([
  { name: 'api', matches: [{ path: { type: 'PathPrefix', value: '/api' } }], backendRefs: [{ name: 'web', port: 80 }] },
  { name: 'static', timeouts: { request: '5s' }, backendRefs: [{ name: 'files', port: 80, weight: 7 }] },
]);

test('a Service alone in its rule has all traffic', () => {
  expect(router.split(plain)).toMatchObject({
    stableBp: 10_000,
    canaryBp: 0,
    present: false,
    preview: false,
    fault: null,
  });
});

test('a share is divided between the two Services, and other rules stay as they are', () => {
  const divided = after(plain, { canaryBp: 125 });
  expect(rulesOf(divided)).toEqual([
    {
      name: 'api',
      matches: [{ path: { type: 'PathPrefix', value: '/api' } }],
      backendRefs: [
        { name: 'web', port: 80, weight: 9_875 },
        { name: 'web-canary', port: 80, weight: 125 },
      ],
    },
    (rulesOf(plain) as readonly JsonValue[])[1],
  ]);
  expect(router.split(divided)).toMatchObject({ stableBp: 9_875, canaryBp: 125, present: true });
});

test('the same share again changes nothing', () => {
  const once = after(plain, { canaryBp: 500, preview: header });
  expect(after(once, { canaryBp: 500, preview: header })).toEqual(once);
});

test('a preview is a rule of its own for requests with the header, and goes without a trace', () => {
  const shown = after(plain, { canaryBp: 0, preview: header });
  expect((rulesOf(shown) as readonly JsonValue[])[2]).toEqual({
    name: 'sluice-preview-0',
    matches: [
      { path: { type: 'PathPrefix', value: '/api' }, headers: [{ type: 'Exact', name: 'x-preview', value: 'canary' }] },
    ],
    backendRefs: [{ name: 'web-canary', port: 80 }],
  });
  expect(router.split(shown)).toMatchObject({ canaryBp: 0, preview: true });
  expect(after(shown, { canary: 'absent', before: router.record(plain) })).toEqual(plain);
});

test('a weight that its owner had written is given back', () => {
  const weighted = route([{ backendRefs: [{ name: 'web', port: 80, weight: 3 }] }]);
  const divided = after(weighted, { canaryBp: 2_500 });
  expect(after(divided, { canary: 'absent', before: router.record(weighted) })).toEqual(weighted);
});

describe('a rule with other backends', () => {
  const shared = route([
    {
      backendRefs: [
        { name: 'other', port: 80, weight: 50_000 },
        { name: 'web', port: 80, weight: 50_000 },
      ],
    },
  ]);

  test('keeps their share', () => {
    expect(rulesOf(after(shared, { canaryBp: 1 }))).toEqual([
      {
        backendRefs: [
          { name: 'other', port: 80, weight: 50_000 },
          { name: 'web', port: 80, weight: 49_995 },
          { name: 'web-canary', port: 80, weight: 5 },
        ],
      },
    ]);
  });

  test('refuses a share that is no whole number of what both Services have', () => {
    const coarse = route([
      {
        backendRefs: [
          { name: 'other', port: 80 },
          { name: 'web', port: 80 },
        ],
      },
    ]);
    expect(() => after(coarse, { canaryBp: 100 })).toThrow(ProviderError);
    expect(router.findings(coarse, [100, 10_000]).map(({ code }) => code)).toEqual(['kubernetes.weights']);
    expect(router.findings(shared, [1, 10_000])).toEqual([]);
  });
});

test('weights of zero on both are no division at all', () => {
  const dead = route([
    {
      backendRefs: [
        { name: 'web', weight: 0 },
        { name: 'web-canary', weight: 0 },
      ],
    },
  ]);
  expect(router.split(dead)).toMatchObject({
    canaryBp: 0,
    stableBp: 0,
    fault: 'both Services have weight 0: requests get errors',
  });
});

test('of rules that differ the one with most for the canary counts', () => {
  const uneven = route([
    {
      backendRefs: [
        { name: 'web', weight: 9 },
        { name: 'web-canary', weight: 1 },
      ],
    },
    {
      backendRefs: [
        { name: 'web', weight: 1 },
        { name: 'web-canary', weight: 1 },
      ],
    },
  ]);
  expect(router.split(uneven)).toMatchObject({ canaryBp: 5_000, uneven: true });
});

test('a Service of another namespace or kind is somebody else’s', () => {
  const foreign = route([{ backendRefs: [{ kind: 'Bucket', name: 'web' }] }]);
  expect(router.split(foreign).fault).toContain('no rule leads to Service web');
});

describe('acceptance', () => {
  const condition = (type: string, status: string, observedGeneration = 3) => ({
    type,
    status,
    observedGeneration,
    reason: 'R',
    message: 'because',
  });
  const reported = (conditions: readonly JsonValue[], controllerName = 'c') => ({
    parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw', namespace: 'shop' },
    controllerName,
    conditions,
  });
  const withStatus = (...parents: readonly JsonValue[]) => route([], { status: { parents } });
  const good = [condition('Accepted', 'True'), condition('ResolvedRefs', 'True')];

  test.each([
    ['nobody has reported', withStatus(), 1, 'pending'],
    ['both are true for this generation', withStatus(reported(good)), 1, 'accepted'],
    [
      'an old generation was seen',
      withStatus(reported([condition('Accepted', 'True', 2), good[1] ?? null])),
      1,
      'pending',
    ],
    ['the route was refused', withStatus(reported([condition('Accepted', 'False'), good[1] ?? null])), 1, 'rejected'],
    [
      'a Service was not found',
      withStatus(reported([good[0] ?? null, condition('ResolvedRefs', 'False')])),
      1,
      'rejected',
    ],
    [
      'a Service was not found, at zero',
      withStatus(reported([good[0] ?? null, condition('ResolvedRefs', 'False')])),
      0,
      'accepted',
    ],
    ['one of two controllers has not', withStatus(reported(good), reported([], 'd')), 1, 'pending'],
    ['a rule was dropped', withStatus(reported([...good, condition('PartiallyInvalid', 'True')])), 1, 'rejected'],
  ] as const)('%s', (_, object, bp, kind) => {
    expect(router.acceptance(object, bp).kind).toBe(kind);
  });
});
